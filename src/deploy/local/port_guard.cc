#include "deploy/local/port_guard.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "attach/host_ports.h"

namespace kgw::deploy {
namespace {

using std::chrono_literals::operator""ms;

constexpr const char* kMutex = "kgateway-ports";
constexpr int kPatience = 50;  // milliseconds; others hold it for less than one

struct AbstractAddress {
  explicit AbstractAddress(const std::string& name) {
    address.sun_family = AF_UNIX;
    const std::size_t length = std::min(name.size(), sizeof address.sun_path - 1);
    std::memcpy(address.sun_path + 1, name.data(), length);
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }

  sockaddr_un address{};
  socklen_t size = 0;
};

int new_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// A socket that has the name, negative when it is taken.
int hold_name(const std::string& name) {
  const int fd = new_socket();
  if (fd < 0) return fd;
  const AbstractAddress address(name);
  if (bind(fd, address.get(), address.size) == 0 && listen(fd, 16) == 0) return fd;
  close(fd);
  return -1;
}

// The process that holds the name, if there is one.
std::optional<Holder> holder_of_name(const std::string& name) {
  const int fd = new_socket();
  if (fd < 0) return std::nullopt;
  const AbstractAddress address(name);
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool connected = connect(fd, address.get(), address.size) == 0 &&
                         getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  close(fd);
  if (!connected) return std::nullopt;
  return Holder{peer.pid, peer.uid};
}

// While it lives, no other controller of this user looks for ports. A name that another user holds
// stops nobody.
class HostMutex {
 public:
  HostMutex() {
    for (int i = 0; i < kPatience && (fd_ = hold_name(kMutex)) < 0; ++i) {
      const auto holder = holder_of_name(kMutex);
      if (holder && holder->uid != geteuid()) return;
      std::this_thread::sleep_for(1ms);
    }
  }
  ~HostMutex() {
    if (fd_ >= 0) close(fd_);
  }
  HostMutex(const HostMutex&) = delete;
  HostMutex& operator=(const HostMutex&) = delete;

 private:
  int fd_ = -1;
};

std::string prefix_of(const GuardedPort& port) {
  return std::string("kgateway-port/") + (port.udp ? "udp/" : "tcp/") +
         std::to_string(port.number) + "/";
}

// Not the pid: containers that share a network may have the same ones.
std::string random_suffix() {
  std::random_device random;
  return "/" + std::to_string(random()) + "-" + std::to_string(random());
}

// The abstract names of this network namespace that begin so.
std::set<std::string> names_with(const std::string& prefix) {
  std::set<std::string> names;
  std::ifstream file("/proc/self/net/unix");
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(" @" + prefix);
    if (at != std::string::npos) names.insert(line.substr(at + 2));
  }
  return names;
}

}  // namespace

PortGuard::PortGuard() : own_suffix_(random_suffix()) {}

PortGuard::~PortGuard() {
  for (const auto& [port, sockets] : taken_) {
    for (const int fd : sockets) close(fd);
  }
}

std::string PortGuard::other_controller(const GuardedPort& port) {
  const std::string prefix = prefix_of(port);
  for (const std::string& name : names_with(prefix)) {
    const std::string address = name.substr(prefix.size(), name.rfind('/') - prefix.size());
    const bool overlaps = std::ranges::any_of(
        port.addresses, [&](const std::string& own) { return attach::overlap(own, address); });
    if (!overlaps || name.ends_with(own_suffix_)) continue;
    auto known = others_.find(name);
    if (known == others_.end()) {
      const auto holder = holder_of_name(name);
      if (!holder) continue;  // it has just ended
      const bool counts = holder->uid == geteuid();
      known = others_.emplace(name, counts ? describe(*holder) : "").first;
    }
    if (!known->second.empty()) return "another kgateway: " + known->second;
  }
  return {};
}

std::expected<void, std::string> PortGuard::look(const GuardedPort& port, const std::string& own) {
  if (std::string other = other_controller(port); !other.empty()) {
    return std::unexpected(std::move(other));
  }
  for (const std::string& address : port.addresses) {
    const HostSocket socket{address, port.number, port.udp};
    if (try_bind(socket) != EADDRINUSE) continue;
    const std::vector<Holder> holders = holders_of(socket);
    if (holders.empty()) return std::unexpected("another process");
    for (const Holder& holder : holders) {
      const bool is_own = holder.pid != 0 ? has_argument_under(holder.pid, own)
                                          : holder.uid == geteuid() && hides_argument_under(own);
      if (!is_own) return std::unexpected(describe(holder));
    }
  }
  return {};
}

std::expected<void, std::string> PortGuard::take(const GuardedPort& port, const std::string& own) {
  if (taken_.contains(port)) return {};
  const HostMutex mutex;
  if (auto looked = look(port, own); !looked) return looked;
  std::vector<int>& sockets = taken_[port];
  for (const std::string& address : port.addresses) {
    const int fd = hold_name(prefix_of(port) + address + own_suffix_);
    if (fd >= 0) sockets.push_back(fd);
  }
  return {};
}

bool PortGuard::is_busy(const GuardedPort& port) {
  return std::ranges::any_of(port.addresses, [&](const std::string& address) {
    return try_bind({address, port.number, port.udp}) == EADDRINUSE;
  });
}

void PortGuard::release(const GuardedPort& port) {
  const auto found = taken_.find(port);
  if (found == taken_.end()) return;
  for (const int fd : found->second) close(fd);
  taken_.erase(found);
}

}  // namespace kgw::deploy
