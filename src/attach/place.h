// Where the proxies of all Gateways run, as far as it decides which listeners can be served.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/gateway.h"

namespace kgw::attach {

struct Place {
  // The addresses on which a Gateway's proxies listen, at least one; "::" also takes IPv4. Pure.
  std::function<std::vector<std::string>(const Gateway&)> addresses =
      [](const Gateway&) -> std::vector<std::string> { return {"::"}; };
  // TCP ports that each proxy uses itself.
  std::vector<std::int32_t> own_ports;
  // All proxies listen on the addresses of one host, so that a port of an address belongs to one
  // Gateway.
  bool one_host = false;
  // Other programs listen there too: a port may be used once Model::port_grants says so.
  bool needs_grants = false;
};

}  // namespace kgw::attach
