// Which processes of this host listen on a port, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace kgw::deploy {

// One socket address of the network namespace of this process.
struct HostSocket {
  std::string address;  // an IP address; "::" includes IPv4
  std::uint16_t port = 0;
  bool udp = false;
};

// 0, or the errno of binding it without sharing it.
int try_bind(const HostSocket& socket);

struct Holder {
  pid_t pid = 0;  // 0: not known
  uid_t uid = 0;

  friend auto operator<=>(const Holder&, const Holder&) = default;
};
// Who listens on the port at any address that overlaps.
std::vector<Holder> holders_of(const HostSocket& socket);

// True if a word of the process' command line starts with `prefix`.
bool has_argument_under(pid_t pid, const std::string& prefix);
// True if there is such a process whose open files this one may not see.
bool hides_argument_under(const std::string& prefix);

// For people: "process 17 (nginx)", "the Envoy of Gateway default/x (process 17, ...)".
std::string describe(const Holder& holder);

}  // namespace kgw::deploy
