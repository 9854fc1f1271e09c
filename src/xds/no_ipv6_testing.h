// NoIpv6: while one exists, this process opens no IPv6 socket, as on a kernel without IPv6.
//
// Include it in one file of a program: it takes the place of the C library's socket().
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace kgw::xds {

class NoIpv6 {
 public:
  NoIpv6() { in_force() = true; }
  ~NoIpv6() { in_force() = false; }
  NoIpv6(const NoIpv6&) = delete;
  NoIpv6& operator=(const NoIpv6&) = delete;

  static std::atomic<bool>& in_force() {
    static std::atomic<bool> value = false;
    return value;
  }
};

}  // namespace kgw::xds

extern "C" int socket(int domain, int type, int protocol) noexcept {
  if (domain == AF_INET6 && kgw::xds::NoIpv6::in_force()) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return static_cast<int>(syscall(SYS_socket, domain, type, protocol));
}
