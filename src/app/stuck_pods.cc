#include "app/stuck_pods.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "deploy/kube/health.h"
#include "deploy/kube/names.h"

namespace kgw::app {

void StuckPods::ask(const ObjectKey& gateway, Clock::time_point now) {
  State& state = gateways_[gateway];
  if (now < state.next || under_way_ == kAtOnce) return;
  state.next = now + state.pause;
  state.pause = std::min(state.pause * 2, kLongestPause);
  ++under_way_;
  const kube::Resource pods{"", "v1", "pods", true};
  const kube::ListOptions options{.label_selector = std::string(deploy::kube::kGatewayNameLabel) +
                                                    "=" +
                                                    deploy::kube::object_name(gateway.name.str()),
                                  .limit = 10,
                                  .ns = gateway.ns.str()};
  send_(kube::list(pods, options), [this, gateway, post = post_, alive = std::weak_ptr(alive_)](
                                       kube::Result<std::string> result) {
    post([this, gateway, alive, result = std::move(result)] {
      if (!alive.expired()) answered(gateway, result);
    });
  });
}

void StuckPods::answered(const ObjectKey& gateway, const kube::Result<std::string>& pods) {
  --under_way_;
  if (!pods && !std::exchange(refused_, true)) {
    spdlog::warn("pods cannot be listed, so why they do not run is not known: {}",
                 kube::to_string(pods.error()));
  }
  refused_ = !pods;
  const auto found = gateways_.find(gateway);
  if (found == gateways_.end()) return;
  found->second.why =
      pods ? deploy::kube::pods_problem(nlohmann::json::parse(*pods, nullptr, false)) : "";
}

std::string StuckPods::why(const ObjectKey& gateway) const {
  const auto found = gateways_.find(gateway);
  return found == gateways_.end() ? "" : found->second.why;
}

}  // namespace kgw::app
