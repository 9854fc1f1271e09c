// The place of a Unix socket on disk.
#pragma once

#include <expected>
#include <string>

namespace kgw::xds {

// Makes `path` free for a new socket: removes one that nobody listens on any more. Errors: somebody
// does, the path is too long, or it is something else than a socket.
std::expected<void, std::string> clear_socket_path(const std::string& path);

// While it exists, files and sockets that this process makes are for its user only.
class PrivateUmask {
 public:
  PrivateUmask();
  ~PrivateUmask();
  PrivateUmask(const PrivateUmask&) = delete;
  PrivateUmask& operator=(const PrivateUmask&) = delete;

 private:
  unsigned previous_;
};

}  // namespace kgw::xds
