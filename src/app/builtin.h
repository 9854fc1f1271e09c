// What is there without being written, and where Gateways listen, in standalone mode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gateway.h"
#include "deploy/local/local_proxies.h"
#include "source/source.h"

namespace kgw::app {

// GatewayClass `kgateway`.
std::vector<source::ObjectEvent> builtin_objects();
// A manifest may replace a built-in object; when it goes, the built-in one is back.
std::vector<source::ObjectEvent> with_builtins(std::vector<source::ObjectEvent> events);

// spec.addresses of type IPAddress with a value, else `bind`.
std::vector<std::string> listen_addresses(const Gateway& gateway, const std::string& bind);
// The same for status.addresses: a wildcard is replaced by loopback and the host's own addresses.
std::vector<GatewayAddress> reachable_addresses(const Gateway& gateway, const std::string& bind);

std::string_view state_text(deploy::ProxyState state);

}  // namespace kgw::app
