#include "xds/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kgw::xds {
namespace {

bool somebody_listens(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::close(fd);
  return result == 0;
}

}  // namespace

std::expected<void, std::string> clear_socket_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return std::unexpected("the socket path " + path + " is longer than " +
                           std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  path.copy(address.sun_path, path.size());
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected("cannot use " + path + ": " + std::strerror(errno));
  }
  if (!S_ISSOCK(status.st_mode)) return std::unexpected(path + " exists and is no socket");
  if (somebody_listens(address)) {
    return std::unexpected("another process listens on " + path);
  }
  if (::unlink(path.c_str()) != 0) {
    return std::unexpected("cannot remove the old socket " + path + ": " + std::strerror(errno));
  }
  return {};
}

PrivateUmask::PrivateUmask() : previous_(::umask(0177)) {}

PrivateUmask::~PrivateUmask() { ::umask(static_cast<mode_t>(previous_)); }

}  // namespace kgw::xds
