// FakeAds: for tests, an xDS server on a Unix socket that gives every proxy one HTTP listener.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace kgw::deploy {

class FakeAds {
 public:
  // Serves at `socket`: a listener on 127.0.0.1:`port` that answers every request with `body`.
  FakeAds(const std::string& socket, std::uint16_t port, const std::string& body);
  ~FakeAds();

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

// A TCP port of 127.0.0.1 that nobody listened on a moment ago.
std::uint16_t free_port();

}  // namespace kgw::deploy
