#include "app/explain.h"

#include <array>

#include "api/text.h"
#include "app/admin.h"
#include "app/explain_rules.h"
#include "app/kind_words.h"
#include "app/problems.h"
#include "status/conditions.h"
#include "status/json.h"

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

std::string_view state_text(xds::ProxyState state) {
  switch (state) {
    case xds::ProxyState::kNotSubscribed:
      return "not subscribed";
    case xds::ProxyState::kPending:
      return "pending";
    case xds::ProxyState::kAccepted:
      return "accepted";
    case xds::ProxyState::kRejected:
      return "rejected";
  }
  return "";
}

std::string state_text(const status::ReportedResource& resource) {
  switch (resource.state) {
    case status::ReportedResource::State::kPending:
      return "pending";
    case status::ReportedResource::State::kAccepted:
      return "accepted version " + to_string(resource.version);
    case status::ReportedResource::State::kRefused:
      return "rejected version " + to_string(resource.version) + ": " + resource.message;
  }
  return "";
}

// What other replicas report of their proxies, if they do; state(report) is null to say nothing.
template <typename State>
void add_replicas(Json& json, const AdminView& view, const ObjectKey& gateway, const State& state) {
  const auto* reports = view.replicas == nullptr ? nullptr : view.replicas->reports(gateway);
  if (reports == nullptr) return;
  Json replicas = Json::array();
  for (const auto& [replica, report] : *reports) {
    Json entry = {{"replica", replica}};
    const Json said = state(report);
    if (said.is_null()) continue;
    entry.update(said);
    replicas.push_back(std::move(entry));
  }
  if (!replicas.empty()) json["otherReplicas"] = std::move(replicas);
}

// One xDS resource: version, and how every proxy stands to it.
Json resource_json(const AdminView& view, const ObjectKey& gateway, const xds::ResourceKey& key) {
  const xds::Delivery delivery = view.ledger.delivery(gateway, key);
  Json json = {{"type", envoy::type_name(key.type)}, {"name", key.name.str()}};
  if (!delivery.current) {
    json["published"] = false;
    return json;
  }
  json["version"] = to_string(*delivery.current);
  json["acknowledged"] =
      std::to_string(delivery.accepted) + " of " + std::to_string(delivery.proxies) + " proxies";
  if (delivery.nack) json["rejected"] = delivery.nack->message;
  Json proxies = Json::array();
  for (const xds::ProxyView& proxy : view.ledger.proxies_of(gateway, key)) {
    proxies.push_back({{"proxy", proxy.node_id}, {"state", state_text(proxy.state)}});
  }
  json["proxies"] = std::move(proxies);
  add_replicas(json, view, gateway, [&](const status::GatewayReport& report) -> Json {
    const auto found = report.resources.find(key);
    if (found == report.resources.end()) return {};
    return {{"state", state_text(found->second)}};
  });
  return json;
}

xds::ResourceKey listener_key(std::int32_t port, attach::Protocol protocol) {
  const bool udp = protocol == attach::Protocol::kUdp;
  return {envoy::ResourceType::kListener,
          Name((udp ? "listener~udp~" : "listener~") + std::to_string(port))};
}

// Where each host lives, in the layout that the listener serves.
Json hosts_json(const attach::ListenerAttachment& attachment, const AdminView& view,
                std::set<attach::ShardId>& shards) {
  const envoy::TableLayout* table = view.translation.routes.layouts.table.find(attachment.table);
  const attach::Layout layout = table == nullptr ? attach::Layout() : table->serving;
  Json hosts = Json::array();
  for (const attach::AttachedHost& host : attachment.hosts) {
    Json json = {{"host", host.domain.str()}};
    const std::uint32_t shard = envoy::shard_of(layout, host.domain.view());
    if (shard == envoy::kEveryShard) {
      json["shard"] = "every one of " + std::to_string(envoy::kShards);
      for (std::uint32_t i = 0; i < envoy::kShards; ++i) {
        shards.insert({attachment.table, layout, i});
      }
    } else {
      const attach::ShardId id{attachment.table, layout, shard};
      if (layout.sharded) json["shard"] = envoy::shard_name(id).str();
      shards.insert(id);
    }
    hosts.push_back(std::move(json));
  }
  return hosts;
}

Json listener_json(const attach::ListenerAttachment& attachment, const ObjectKey& gateway,
                   const AdminView& view) {
  Json json = {{"listener", attachment.listener.name.str()}, {"port", attachment.port}};
  Json resources = Json::array();
  resources.push_back(
      resource_json(view, gateway, listener_key(attachment.port, attachment.protocol)));
  if (!attachment.table.name.empty()) {
    std::set<attach::ShardId> shards;
    json["hosts"] = hosts_json(attachment, view, shards);
    for (const attach::ShardId& shard : shards) {
      resources.push_back(
          resource_json(view, gateway, {envoy::ResourceType::kRoute, envoy::shard_name(shard)}));
    }
  }
  json["resources"] = std::move(resources);
  return json;
}

Json parents_json(const attach::RouteAttachment& attachment, const AdminView& view) {
  Json parents = Json::array();
  for (const attach::ParentBinding& parent : attachment.parents) {
    Json json = {{"parent", to_string(parent.target)}, {"attached", !parent.unaccepted}};
    if (parent.unaccepted) {
      json["reason"] = parent.unaccepted.reason;
      json["message"] = parent.unaccepted.message;
    }
    Json listeners = Json::array();
    for (const attach::ListenerAttachment& listener : parent.listeners) {
      listeners.push_back(listener_json(listener, parent.gateway, view));
    }
    json["listeners"] = std::move(listeners);
    parents.push_back(std::move(json));
  }
  return parents;
}

// The clusters that a route sends to, each once, as its Gateways have them.
Json clusters_json(const ObjectRef& route, const AdminView& view) {
  Json clusters = Json::array();
  const auto* users = view.translation.routes.cluster_users.find(route);
  if (users == nullptr) return clusters;
  for (const auto& use : *users) {
    const Name name = attach::cluster_name(use.cluster);
    Json json = {{"backend", to_string(use.cluster.backend)}, {"gateway", to_string(use.gateway)}};
    json["resources"] = {resource_json(view, use.gateway, {envoy::ResourceType::kCluster, name}),
                         resource_json(view, use.gateway, {envoy::ResourceType::kEndpoint, name})};
    clusters.push_back(std::move(json));
  }
  return clusters;
}

Json route_json(const ObjectRef& ref, const AdminView& view) {
  Json json = Json::object();
  if (const auto* attachment = view.translation.model.attachments.find(ref)) {
    json["parents"] = parents_json(*attachment, view);
  }
  json["rules"] = rules_json(ref, view);
  json["clusters"] = clusters_json(ref, view);
  return json;
}

// How the route table of a listener is cut.
Json table_json(const attach::BoundListener& listener, const AdminView& view) {
  const attach::RouteTableId id = attach::route_table_of(listener);
  const envoy::TableLayout* table = view.translation.routes.layouts.table.find(id);
  if (table == nullptr) return {};
  const auto text = [](const attach::Layout& layout) -> std::string {
    if (!layout.sharded) return "one RouteConfiguration";
    return std::to_string(envoy::kShards) + " shards, by " +
           (layout.label == 0 ? "the whole host"
                              : "label " + std::to_string(layout.label) + " from the end");
  };
  Json json = {{"name", id.name.str()}, {"layout", text(table->serving)}};
  if (table->next) json["next"] = text(*table->next);
  for (const attach::Layout& old : table->published) {
    if (old != table->serving && old != table->next) json["draining"].push_back(text(old));
  }
  return json;
}

Json gateway_json(const ObjectKey& key, const AdminView& view) {
  Json json = {{"proxies", view.ledger.proxies(key)}};
  if (const auto* hold = view.translation.delivery.holds.find(key)) json["held"] = hold->message;
  add_replicas(json, view, key, [](const status::GatewayReport& report) -> Json {
    return {{"proxies", report.proxies}};
  });
  Json listeners = Json::array();
  if (const auto* bound = view.translation.model.listeners.find(key)) {
    for (const attach::BoundListener& listener : bound->listeners) {
      Json entry = {{"listener", listener.id.name.str()},
                    {"owner", to_string(listener.id.owner)},
                    {"port", listener.port}};
      if (listener.protocol) {
        entry["resources"] = {
            resource_json(view, key, listener_key(listener.port, *listener.protocol))};
      }
      if (Json table = table_json(listener, view); !table.is_null()) {
        entry["routeTable"] = std::move(table);
      }
      listeners.push_back(std::move(entry));
    }
  }
  json["listeners"] = std::move(listeners);
  return json;
}

// Whether an object is in force by its status, and what speaks against it in the words of its
// conditions.
struct Verdict {
  bool in_force = false;
  Listing why;

  // True if these conditions alone mean that it is.
  bool judge(const status::Conditions& conditions) {
    const Condition* decides = status::find(conditions, "Accepted");
    for (const std::string_view type : {std::string_view("Programmed"), status::kRouteProgrammed}) {
      if (const Condition* found = status::find(conditions, type)) decides = found;
    }
    for (const Condition& condition : conditions) {
      const bool counts = &condition == decides || condition.type == "Accepted";
      if (counts && condition.status != "True") why.add(condition.message.view());
    }
    return decides != nullptr && decides->status == "True";
  }
};

// A route is in force when one of its parents serves it.
Verdict verdict_of(const status::ObjectStatus& status) {
  Verdict verdict;
  const auto any = [&](const auto& list) {
    for (const auto& entry : list) verdict.in_force |= verdict.judge(entry.conditions);
  };
  std::visit(
      [&]<typename Status>(const Status& one) {
        if constexpr (requires { one.parents; }) {
          any(one.parents);
        } else if constexpr (requires { one.ancestors; }) {
          any(one.ancestors);
        } else {
          verdict.in_force = verdict.judge(one.conditions);
        }
      },
      status);
  return verdict;
}

bool is_route(Kind kind) {
  return kind == Kind::kHttpRoute || kind == Kind::kGrpcRoute || kind == Kind::kTlsRoute ||
         kind == Kind::kTcpRoute || kind == Kind::kUdpRoute;
}

void append_text(const Json& value, std::size_t indent, std::string& out);

void append_entry(const std::string& head, const Json& value, std::size_t indent,
                  std::string& out) {
  if (value.is_structured()) {
    if (value.empty()) return;
    out += std::string(indent, ' ') + one_line(head) + "\n";
    append_text(value, indent + 2, out);
    return;
  }
  out += std::string(indent, ' ') + one_line(head) + " " +
         one_line(value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
}

void append_text(const Json& value, std::size_t indent, std::string& out) {
  if (value.is_object()) {
    for (const auto& [key, entry] : value.items()) append_entry(key + ":", entry, indent, out);
    return;
  }
  for (const Json& entry : value) append_entry("-", entry, indent, out);
}

}  // namespace

std::expected<Json, std::string> explain(const std::string& kind_text, const ObjectKey& key,
                                         const AdminView& view) {
  const Kind kind = kind_by_word(kind_text);
  if (kind == Kind::kUnknown)
    return std::unexpected("\"" + kind_text + "\" is not a kind that is read here");
  const ObjectRef ref{kind, key};
  Json problems = Json::array();
  for (const auto& [place, diagnostics] : view.problems) {
    for (const Diagnostic& diagnostic : diagnostics) {
      if (diagnostic.object == ref) problems.push_back(to_string(diagnostic));
    }
  }
  const Object* object = view.translation.model.inputs.find(ref);
  if (object == nullptr && problems.empty())
    return std::unexpected("there is no " + to_string(ref));
  std::string orphaned;  // why a route has no parent
  for (const Diagnostic& problem : translation_problems(view.translation)) {
    if (problem.object != ref) continue;
    problems.push_back(to_string(problem));
    if (problem.reason == "NoMatchingParent") orphaned = problem.message;
  }

  Json json = {{"object", to_string(ref)}};
  const auto status = view.store.find(ref);
  json["inForce"] = object != nullptr;
  if (status) {
    const Verdict verdict = verdict_of(*status);
    json["inForce"] = object != nullptr && verdict.in_force;
    if (!verdict.why.empty()) json["because"] = verdict.why.text();
  } else if (is_route(kind)) {
    json["inForce"] = false;
    json["because"] = orphaned.empty() ? "Its parents belong to other controllers." : orphaned;
  }
  if (!problems.empty()) json["problems"] = std::move(problems);
  if (status) json["status"] = status::to_json(*status);
  if (object == nullptr) return json;
  if (is_route(kind)) json.update(route_json(ref, view));
  if (kind == Kind::kGateway) json.update(gateway_json(key, view));
  return json;
}

std::string explanation_text(const Json& explanation) {
  std::string out;
  append_text(explanation, 0, out);
  return out;
}

}  // namespace kgw::app
