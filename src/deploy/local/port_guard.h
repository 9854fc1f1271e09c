// PortGuard: no port of this host is shared by two Envoys by chance.
//
// Envoys listen with SO_REUSEPORT, so that one can replace another of the same Gateway. For the
// same reason the kernel lets strange Envoys of this user share a port. Hence an Envoy is given a
// listener only after its controller has taken the port here, which fails while
//   - any other process listens there, be it an Envoy that a former controller left behind, or
//   - another controller of this user has taken it, whether or not its Envoy runs.
// A taken port is an abstract Unix socket by the name "kgateway-port/tcp/80/127.0.0.1/ID": such
// names belong to a network namespace, as ports do, need no directory, and end with the process
// that holds them. Names of other users mean nothing: the kernel lets no two users share a port.
// Thread: one.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "deploy/local/host_sockets.h"

namespace kgw::deploy {

struct GuardedPort {
  std::uint16_t number = 0;
  bool udp = false;
  std::vector<std::string> addresses;

  friend auto operator<=>(const GuardedPort&, const GuardedPort&) = default;
};

class PortGuard {
 public:
  PortGuard();
  ~PortGuard();
  PortGuard(const PortGuard&) = delete;
  PortGuard& operator=(const PortGuard&) = delete;

  // `own`: how the path of the configuration begins with which the Envoys run that may have the
  // port already. Error: who else has it, for people. What cannot be bound for another reason is
  // taken, for Envoy to say why.
  std::expected<void, std::string> take(const GuardedPort& port, const std::string& own);
  void release(const GuardedPort& port);
  // True while somebody listens there: a quick look, without who it is.
  static bool is_busy(const GuardedPort& port);

 private:
  std::expected<void, std::string> look(const GuardedPort& port, const std::string& own);
  std::string other_controller(const GuardedPort& port);

  const std::string own_suffix_;                   // of the names of this instance
  std::map<GuardedPort, std::vector<int>> taken_;  // the sockets that say so
  std::map<std::string, std::string> others_;      // who holds a name; empty: another user
};

}  // namespace kgw::deploy
