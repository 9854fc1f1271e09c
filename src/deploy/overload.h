// What an Envoy of ours does before it runs out of memory or connections, as the JSON of
// envoy.config.overload.v3.OverloadManager (whose monitors are not among the compiled protos).
//
// Of the heap that it may have: from 85 % on idle connections are closed sooner and sooner, at 90 %
// free memory goes back to the system, at 95 % connections end with their response, at 98 % new
// connections and requests are refused. Without that the kernel ends the process, and all of its
// connections with it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

namespace kgw::deploy {

// Listeners with ignore_global_conn_limit are spared.
nlohmann::json limit_connections(std::uint64_t max_connections);

// To be laid over the other. `max_bytes`: a number, or its digits as text. Listeners with
// bypass_overload_manager are spared.
nlohmann::json limit_heap(nlohmann::json max_bytes);

}  // namespace kgw::deploy
