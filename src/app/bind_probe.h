// Whether an address that Envoy could not bind is free by now.
#pragma once

#include <string>
#include <string_view>

namespace kgw::app {

// `listener`: the Envoy listener's name, "listener~80" or "listener~udp~53". False too for a port that this
// process may not bind.
bool can_bind(const std::string& address, std::string_view listener);

}  // namespace kgw::app
