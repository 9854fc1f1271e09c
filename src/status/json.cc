#include "status/json.h"

#include <ctime>

#include "attach/model.h"

namespace kgw::status {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Conditions& conditions) {
  Json list = Json::array();
  for (const Condition& condition : conditions) list.push_back(kgw::status::to_json(condition));
  return list;
}

Json to_json(const ParentRef& parent) {
  Json json = {{"group", parent.group}, {"kind", parent.kind}};
  if (parent.ns) json["namespace"] = *parent.ns;
  json["name"] = parent.name;
  if (parent.section_name) json["sectionName"] = *parent.section_name;
  if (parent.port) json["port"] = *parent.port;
  return json;
}

Json to_json(const std::vector<ListenerStatus>& listeners) {
  Json list = Json::array();
  for (const ListenerStatus& listener : listeners) {
    Json kinds = Json::array();
    for (const RouteGroupKind& kind : listener.supported_kinds) {
      kinds.push_back({{"group", kind.group}, {"kind", kind.kind}});
    }
    list.push_back({{"name", listener.name},
                    {"supportedKinds", std::move(kinds)},
                    {"attachedRoutes", listener.attached_routes},
                    {"conditions", to_json(listener.conditions)}});
  }
  return list;
}

Json body(const GatewayClassStatus& status) {
  Json features = Json::array();
  for (const std::string& feature : status.supported_features)
    features.push_back({{"name", feature}});
  return {{"conditions", to_json(status.conditions)}, {"supportedFeatures", std::move(features)}};
}

Json body(const GatewayStatus& status) {
  Json addresses = Json::array();
  for (const GatewayAddress& address : status.addresses) {
    addresses.push_back({{"type", address.type}, {"value", address.value}});
  }
  return {{"addresses", std::move(addresses)},
          {"attachedListenerSets", status.attached_listener_sets},
          {"conditions", to_json(status.conditions)},
          {"listeners", to_json(status.listeners)}};
}

Json body(const ListenerSetStatus& status) {
  return {{"conditions", to_json(status.conditions)}, {"listeners", to_json(status.listeners)}};
}

Json body(const RouteStatus& status) {
  Json parents = Json::array();
  for (const RouteParentStatus& parent : status.parents) {
    parents.push_back({{"parentRef", to_json(parent.parent_ref)},
                       {"controllerName", attach::kControllerName},
                       {"conditions", to_json(parent.conditions)}});
  }
  return {{"parents", std::move(parents)}};
}

Json body(const PolicyStatus& status) {
  Json ancestors = Json::array();
  for (const PolicyAncestorStatus& ancestor : status.ancestors) {
    ancestors.push_back({{"ancestorRef",
                          {{"group", kind_group(Kind::kGateway)},
                           {"kind", "Gateway"},
                           {"namespace", ancestor.gateway.ns.str()},
                           {"name", ancestor.gateway.name.str()}}},
                         {"controllerName", attach::kControllerName},
                         {"conditions", to_json(ancestor.conditions)}});
  }
  return {{"ancestors", std::move(ancestors)}};
}

Json body(const BackendStatus& status) { return {{"conditions", to_json(status.conditions)}}; }

}  // namespace

std::string rfc3339(std::int64_t seconds_since_epoch) {
  const std::time_t time = seconds_since_epoch;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json to_json(const Condition& condition) {
  Json json = {{"type", condition.type},
               {"status", condition.status},
               {"reason", condition.reason},
               {"message", condition.message},
               {"observedGeneration", condition.observed_generation}};
  if (condition.last_transition_time != 0) {
    json["lastTransitionTime"] = rfc3339(condition.last_transition_time);
  }
  return json;
}

Json to_json(const ObjectStatus& status) {
  return std::visit([](const auto& value) { return body(value); }, status);
}

}  // namespace kgw::status
