#include "app/explain_rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "api/text.h"
#include "app/admin.h"
#include "status/conditions.h"

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

struct State {
  bool in_force = false;
  std::string text;
};

// The resources of a route table that hold the host, as it is served.
std::vector<xds::ResourceKey> shards_of(const attach::HostId& host, const AdminView& view) {
  const envoy::TableLayout* table = view.translation.routes.layouts.table.find(host.table);
  const attach::Layout layout = table == nullptr ? attach::Layout() : table->serving;
  const std::uint32_t shard = envoy::shard_of(layout, host.domain.view());
  std::vector<xds::ResourceKey> keys;
  const bool every = shard == envoy::kEveryShard;
  for (std::uint32_t i = 0; i < (every ? envoy::kShards : 1); ++i) {
    keys.push_back(
        {envoy::ResourceType::kRoute, envoy::shard_name({host.table, layout, every ? i : shard})});
  }
  return keys;
}

bool is_acknowledged(const AdminView& view, const ObjectKey& gateway, const xds::ResourceKey& key) {
  const xds::Delivery delivery = view.ledger.delivery(gateway, key);
  return delivery.proxies > 0 && delivery.delivered && delivery.rejected == 0;
}

bool holds(const envoy::VirtualHost* host, const ObjectRef& route, const envoy::EncodedRule& rule) {
  return host != nullptr &&
         std::ranges::any_of(host->sources, [&](const envoy::RuleSource& source) {
           return source.route == route && source.rule == rule.index &&
                  source.content == rule.content;
         });
}

// Where a rule that is published stands, over all listeners and hosts of the route.
State published_state(const ObjectRef& route, const envoy::EncodedRule& rule,
                      const AdminView& view) {
  std::set<std::string> stands, waits, missing;
  const auto* attachment = view.translation.model.attachments.find(route);
  if (attachment == nullptr) return {};
  for (const attach::ParentBinding& parent : attachment->parents) {
    for (const attach::ListenerAttachment& listener : parent.listeners) {
      for (const attach::AttachedHost& attached : listener.hosts) {
        const attach::HostId host{listener.table, attached.domain};
        const bool held = holds(view.translation.routes.virtual_hosts.find(host), route, rule);
        for (const xds::ResourceKey& key : shards_of(host, view)) {
          const bool acknowledged = is_acknowledged(view, parent.gateway, key);
          (!held ? missing : acknowledged ? stands : waits).insert(key.name.str());
        }
      }
    }
  }
  Listing text;
  const auto add = [&](const char* what, const std::set<std::string>& names) {
    for (const std::string& name : names) text.add(what + name);
  };
  add("stands in acknowledged ", stands);
  add("waits for an acknowledgement of ", waits);
  add("is not in ", missing);
  if (text.empty()) return {false, "no listener has a host for it"};
  return {waits.empty() && missing.empty(), text.text()};
}

State rule_state(const ObjectRef& route, const policy::BoundRule& rule, std::size_t index,
                 const AdminView& view) {
  if (rule.dropped) return {false, "left out: " + rule.dropped.message.str()};
  if (rule.broken) return {false, "answers 500: " + rule.broken.message.str()};
  const auto* encoded = view.translation.routes.encoded_routes.find(route);
  if (encoded == nullptr) return {false, "not attached"};
  const auto found = std::ranges::find(encoded->rules, index, &envoy::EncodedRule::index);
  if (found == encoded->rules.end()) return {false, "left out"};
  if (!found->refusal.empty()) return {false, "refused by Envoy: " + found->refusal};
  return published_state(route, *found, view);
}

Json entry(std::string name, const State& state) {
  return {{"rule", std::move(name)}, {"inForce", state.in_force}, {"state", state.text}};
}

// One rule, which a listener serves as a whole or not at all: what its status says.
Json stream_rules(const ObjectRef& route, const AdminView& view) {
  Json list = Json::array();
  const auto* status = view.translation.statuses.table.find(route);
  const auto* of_route = status == nullptr ? nullptr : std::get_if<status::RouteStatus>(status);
  if (of_route == nullptr) return list;
  for (const status::RouteParentStatus& parent : of_route->parents) {
    const Condition* programmed = status::find(parent.conditions, status::kRouteProgrammed);
    if (programmed == nullptr) continue;
    list.push_back(entry("0", {programmed->status == "True", programmed->message.str()}));
  }
  return list;
}

}  // namespace

Json rules_json(const ObjectRef& route, const AdminView& view) {
  const auto* bound = view.translation.rules.rules.find(route);
  if (bound == nullptr) return stream_rules(route, view);
  Json list = Json::array();
  for (std::size_t i = 0; i < bound->rules.size(); ++i) {
    const policy::BoundRule& rule = bound->rules[i];
    list.push_back(entry(rule.name.empty() ? std::to_string(i) : rule.name.str(),
                         rule_state(route, rule, i, view)));
  }
  return list;
}

}  // namespace kgw::app
