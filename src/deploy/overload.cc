#include "deploy/overload.h"

namespace kgw::deploy {
namespace {

using Json = nlohmann::json;

constexpr const char* kHeap = "envoy.resource_monitors.fixed_heap";
constexpr const char* kConnections = "envoy.resource_monitors.global_downstream_max_connections";

Json any(const std::string& type, Json value) {
  value["@type"] = "type.googleapis.com/envoy." + type;
  return value;
}

Json action(const std::string& name, Json trigger) {
  trigger["name"] = kHeap;
  return {{"name", "envoy.overload_actions." + name},
          {"triggers", Json::array({std::move(trigger)})}};
}

Json at(double share) { return {{"threshold", {{"value", share}}}}; }

Json between(double start, double end) {
  return {{"scaled", {{"scaling_threshold", start}, {"saturation_threshold", end}}}};
}

// Timers of what is idle or not yet begun; what is in progress keeps its time.
Json shorter_timers() {
  Json timers = Json::array({{{"timer", "HTTP_DOWNSTREAM_CONNECTION_IDLE"}, {"min_timeout", "2s"}},
                             {{"timer", "TRANSPORT_SOCKET_CONNECT"}, {"min_timeout", "2s"}}});
  Json out = action("reduce_timeouts", between(0.85, 0.95));
  out["typed_config"] = any("config.overload.v3.ScaleTimersOverloadActionConfig",
                            {{"timer_scale_factors", std::move(timers)}});
  return out;
}

}  // namespace

Json limit_connections(std::uint64_t max_connections) {
  const std::string type =
      "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";
  Json monitor = {
      {"name", kConnections},
      {"typed_config", any(type, {{"max_active_downstream_connections", max_connections}})}};
  return {{"refresh_interval", "0.25s"}, {"resource_monitors", Json::array({std::move(monitor)})}};
}

Json limit_heap(Json max_bytes) {
  Json monitor = {{"name", kHeap},
                  {"typed_config", any("extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                                       {{"max_heap_size_bytes", std::move(max_bytes)}})}};
  return {{"resource_monitors", Json::array({std::move(monitor)})},
          {"actions", Json::array({shorter_timers(), action("shrink_heap", at(0.90)),
                                   action("disable_http_keepalive", at(0.95)),
                                   action("stop_accepting_requests", at(0.98)),
                                   action("stop_accepting_connections", at(0.98))})}};
}

}  // namespace kgw::deploy
