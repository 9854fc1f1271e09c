#include "app/proxy_report.h"

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "deploy/kube/addresses.h"
#include "deploy/kube/health.h"
#include "deploy/kube/names.h"

namespace kgw::app {
namespace {

using deploy::kube::OwnedRef;
using nlohmann::json;

std::string joined(std::initializer_list<std::string> sentences) {
  std::string all;
  for (const std::string& sentence : sentences) {
    if (!sentence.empty()) all += (all.empty() ? "" : "; ") + sentence;
  }
  return all;
}

const json* rendered(const deploy::kube::ProxyPlan* plan, const char* kind) {
  if (plan == nullptr) return nullptr;
  for (const json& object : plan->proxy.objects) {
    if (object.value("kind", "") == kind) return &object;
  }
  return nullptr;
}

// The listeners' ports that the Service does not have, each with the reason.
std::map<deploy::kube::PortKey, std::string> missing_ports(const ProxyFacts& facts,
                                                           const OwnedRef& ref, const json& live) {
  std::map<deploy::kube::PortKey, std::string> missing;
  const json* service = rendered(facts.plan, "Service");
  if (service == nullptr) return missing;
  const std::string why = facts.applier.problem(facts.gateway.key(), ref);
  for (const auto& port : deploy::kube::missing_ports(*service, live)) missing[port] = why;
  return missing;
}

}  // namespace

void report_proxy(const ProxyFacts& facts, status::ProxyState& state) {
  const ObjectKey gateway = facts.gateway.key();
  const ObjectKey key{gateway.ns, deploy::kube::object_name(gateway.name.str())};
  static const json kNone;
  const auto live = [&](const OwnedRef& ref) -> const json& {
    const json* object = facts.applier.live(gateway, ref);
    return object == nullptr ? kNone : *object;
  };
  const deploy::kube::ProxyPlan* plan = facts.plan;
  const OwnedRef service_ref{"v1", "Service", key};
  const json& service = live(service_ref);

  state.self_managed = plan != nullptr && plan->invalid.empty() && plan->proxy.self_managed();
  state.addresses = state.self_managed ? deploy::kube::requested_addresses(facts.gateway)
                                       : deploy::kube::gateway_addresses(facts.gateway, service);
  state.refused = facts.applier.problem(gateway);
  state.rival = facts.applier.rival(gateway);
  state.missing_ports = missing_ports(facts, service_ref, service);
  state.problem =
      joined({state.refused, deploy::kube::deployment_problem(live({"apps/v1", "Deployment", key})),
              facts.unconnected});
  state.undeployable = {};
  if (plan != nullptr && !plan->invalid.empty()) {
    state.undeployable = {"InvalidParameters", plan->invalid};
  }
}

}  // namespace kgw::app
