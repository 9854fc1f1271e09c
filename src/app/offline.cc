#include "app/offline.h"

#include <algorithm>
#include <set>

#include "app/builtin.h"
#include "app/proto_json.h"
#include "deploy/kube/parameters.h"
#include "source/files/files_source.h"
#include "status/conditions.h"
#include "status/gateway_status.h"
#include "status/json.h"

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

// A proxy that accepts everything.
class AgreeableProxy {
 public:
  explicit AgreeableProxy(Translation& translation)
      : translation_(translation),
        feedback_(translation.delivery,
                  [&](envoy::ResourceType type, const Name& piece, const std::string* message) {
                    translation_.hold(type, piece, message);
                  }) {}

  void settle() {
    bool moved = false;
    do {
      const Outcome outcome = translation_.commit();
      feedback_.published(outcome.pieces);
      for (const auto& [route, version] : outcome.unchanged_routes)
        feedback_.same_on_the_wire(route, version);
      for (const ObjectKey& gateway : outcome.gateways_added) {
        const auto* bound = translation_.model.listeners.find(gateway);
        feedback_.update_proxies(gateway, [&](status::ProxyState& state) {
          state = {1, reachable_addresses(*bound->gateway, "127.0.0.1"), {}};
        });
      }
      for (const auto& [gateway, edit] : outcome.edits) {
        feedback_.sent(gateway, edit);
        for (const auto& [type, resource] : edit.upserts) {
          feedback_.on_delivered(gateway, {type, resource.name}, resource.version);
        }
      }
      moved = translation_.layouts.advance({}, [](const ObjectKey&, const xds::ResourceKey&) {
        return xds::Delivery{.proxies = 1};
      });
    } while (feedback_.take_changed() || moved);
  }

 private:
  Translation& translation_;
  status::Feedback feedback_;
};

using Published = engine::Derived<envoy::GatewayResourceId, envoy::Resource>;

Json resources_of(const Published& table, envoy::ResourceType type, const ObjectKey& gateway) {
  std::map<Name, Json> sorted;
  table.for_each([&](const envoy::GatewayResourceId& id, const envoy::Resource& resource) {
    if (id.gateway == gateway) sorted.emplace(id.name, to_json(type, resource, Secrets::kHide));
  });
  Json list = Json::array();
  for (auto& [name, json] : sorted) list.push_back(std::move(json));
  return list;
}

Json shards_of(const engine::Derived<attach::ShardId, envoy::Resource>& table,
               envoy::ResourceType type, const ObjectKey& gateway) {
  std::map<attach::ShardId, Json> sorted;
  table.for_each([&](const attach::ShardId& id, const envoy::Resource& resource) {
    if (id.table.gateway == gateway) {
      sorted.emplace(id, to_json(type, resource, Secrets::kHide));
    }
  });
  Json list = Json::array();
  for (auto& [id, json] : sorted) list.push_back(std::move(json));
  return list;
}

Json gateway_json(const Translation& translation, const ObjectKey& gateway) {
  const envoy::Resources& resources = translation.resources;
  const envoy::Routes& routes = translation.routes;
  using enum envoy::ResourceType;
  Json json = {{"gateway", to_string(gateway)},
               {"listeners", resources_of(resources.gateway_listeners, kListener, gateway)}};
  if (Json scopes = shards_of(routes.route_scopes, kScopedRoute, gateway); !scopes.empty()) {
    json["scopes"] = std::move(scopes);
  }
  json["routes"] = shards_of(routes.route_shards, kRoute, gateway);
  json["clusters"] = resources_of(resources.gateway_clusters, kCluster, gateway);
  json["endpoints"] = resources_of(resources.gateway_endpoints, kEndpoint, gateway);
  json["secrets"] = resources_of(resources.gateway_secrets, kSecret, gateway);
  return json;
}

struct FaultyCondition {
  std::string where;  // "spec.listeners[https]", "spec.parentRefs[0]"
  const Condition* condition;
};

void collect(const std::string& where, const status::Conditions& conditions,
             std::vector<FaultyCondition>& out) {
  for (const Condition& condition : conditions) {
    const bool bad_when_true =
        condition.type == "PartiallyInvalid" || condition.type == "Conflicted";
    // Programmed follows from the others, unless it is about addresses.
    const bool repeats =
        condition.type == "Programmed" && !condition.reason.view().starts_with("Address");
    if (!repeats && condition.status == (bad_when_true ? "True" : "False"))
      out.push_back({where, &condition});
  }
}

void collect(const std::vector<status::ListenerStatus>& listeners,
             std::vector<FaultyCondition>& out) {
  for (const auto& listener : listeners)
    collect("spec.listeners[" + listener.name + "]", listener.conditions, out);
}

std::vector<FaultyCondition> faults_of(const status::ObjectStatus& status) {
  std::vector<FaultyCondition> out;
  if (const auto* gateway = std::get_if<status::GatewayStatus>(&status)) {
    collect("", gateway->conditions, out);
    collect(gateway->listeners, out);
  } else if (const auto* set = std::get_if<status::ListenerSetStatus>(&status)) {
    collect("", set->conditions, out);
    collect(set->listeners, out);
  } else if (const auto* route = std::get_if<status::RouteStatus>(&status)) {
    for (std::size_t i = 0; i < route->parents.size(); ++i) {
      collect("spec.parentRefs[" + std::to_string(i) + "]", route->parents[i].conditions, out);
    }
  } else if (const auto* policy = std::get_if<status::PolicyStatus>(&status)) {
    for (const auto& ancestor : policy->ancestors) collect("", ancestor.conditions, out);
  } else if (const auto* backend = std::get_if<status::BackendStatus>(&status)) {
    collect("", backend->conditions, out);
  } else if (const auto* gateway_class = std::get_if<status::GatewayClassStatus>(&status)) {
    collect("", gateway_class->conditions, out);
  }
  return out;
}

// The rules' own diagnostics are more precise than the conditions that summarize them.
bool add_rule_diagnostics(const Translation& translation, const ObjectRef& ref, Diagnostics& out) {
  const Diagnostics* diagnostics = nullptr;
  if (const auto* bound = translation.rules.rules.find(ref)) diagnostics = &bound->diagnostics;
  if (const auto* bound = translation.rules.stream_rules.find(ref))
    diagnostics = &bound->diagnostics;
  if (diagnostics == nullptr || diagnostics->empty()) return false;
  out.insert(out.end(), diagnostics->begin(), diagnostics->end());
  return true;
}

// Whether the condition says something that the rules' diagnostics do not: why a parent does not
// take the route.
bool concerns_attachment(const Translation& translation, const ObjectRef& ref,
                         const FaultyCondition& fault) {
  if (fault.condition->type != "Accepted") return false;
  const attach::Fault* of_rules = nullptr;
  if (const auto* bound = translation.rules.rules.find(ref)) of_rules = &bound->unaccepted;
  if (const auto* bound = translation.rules.stream_rules.find(ref)) of_rules = &bound->unaccepted;
  return of_rules == nullptr || of_rules->message != fault.condition->message;
}

// Routes whose parents are nobody's: they have no status, and nobody else would say so.
void report_orphans(const Translation& translation, Diagnostics& out) {
  const auto check = [&](const RouteObject& route) {
    if (translation.statuses.table.find(route.ref()) != nullptr) return;
    out.push_back({route.ref(),
                   "spec.parentRefs",
                   "NoMatchingParent",
                   "No parent is a Gateway or ListenerSet of a class of this controller.",
                   Severity::kWarning,
                   {}});
  };
  const attach::Inputs& inputs = translation.model.inputs;
  inputs.http_routes.for_each([&](const ObjectKey&, const HttpRoute& route) { check(route); });
  inputs.grpc_routes.for_each([&](const ObjectKey&, const GrpcRoute& route) { check(route); });
  inputs.stream_routes.for_each([&](const ObjectRef&, const StreamRoute& route) { check(route); });
}

// An annotation is free text: what it should say is checked by nobody else.
void report_annotations(const Translation& translation, Diagnostics& out) {
  translation.model.listeners.for_each(
      [&](const ObjectKey&, const attach::GatewayListeners& bound) {
        std::string ignored = status::ignored_annotation(*bound.gateway);
        if (ignored.empty()) return;
        out.push_back({bound.gateway->ref(),
                       "metadata.annotations[" + std::string(envoy::kShardingAnnotation) + "]",
                       "UnsupportedValue",
                       std::move(ignored),
                       Severity::kWarning,
                       {}});
      });
}

void place(Diagnostics& diagnostics, const std::map<ObjectRef, SourcePosition>& positions) {
  for (Diagnostic& diagnostic : diagnostics) {
    const auto found = positions.find(diagnostic.object);
    if (diagnostic.position.file.empty() && found != positions.end())
      diagnostic.position = found->second;
  }
  std::ranges::stable_sort(diagnostics, [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.position.file, a.position.line) < std::tie(b.position.file, b.position.line);
  });
}

}  // namespace

envoy::Settings offline_settings() {
  envoy::Settings settings;
  settings.bind_addresses = [](const Gateway& gateway) {
    return listen_addresses(gateway, "0.0.0.0");
  };
  return settings;
}

void acknowledge_everything(Translation& translation) { AgreeableProxy(translation).settle(); }

Json output_json(Translation& translation, const std::optional<ObjectKey>& only) {
  std::set<ObjectKey> gateways;
  translation.model.listeners.for_each(
      [&](const ObjectKey& key, const attach::GatewayListeners&) { gateways.insert(key); });
  Json list = Json::array();
  for (const ObjectKey& gateway : gateways) {
    if (!only || *only == gateway) list.push_back(gateway_json(translation, gateway));
  }
  std::map<ObjectRef, Json> sorted;
  translation.statuses.table.for_each(
      [&](const ObjectRef& ref, const status::ObjectStatus& status) {
        sorted.emplace(ref, status::to_json(status));
      });
  Json statuses = Json::array();
  for (auto& [ref, json] : sorted)
    statuses.push_back({{"object", to_string(ref)}, {"status", std::move(json)}});
  return {{"gateways", std::move(list)}, {"statuses", std::move(statuses)}};
}

Diagnostics translation_problems(const Translation& translation) {
  Diagnostics problems;
  translation.statuses.table.for_each(
      [&](const ObjectRef& ref, const status::ObjectStatus& status) {
        const bool detailed = add_rule_diagnostics(translation, ref, problems);
        for (const FaultyCondition& fault : faults_of(status)) {
          if (detailed && !concerns_attachment(translation, ref, fault)) continue;
          problems.push_back({ref,
                              fault.where,
                              fault.condition->reason,
                              fault.condition->message,
                              Severity::kError,
                              {}});
        }
      });
  report_orphans(translation, problems);
  report_annotations(translation, problems);
  translation.model.inputs.gateway_parameters.for_each([&](const ObjectKey&,
                                                           const GatewayParameters& parameters) {
    std::ranges::move(deploy::kube::ineffective_fields(parameters), std::back_inserter(problems));
  });
  return problems;
}

OfflineResult translate_offline(const OfflineOptions& options) {
  source::Loaded loaded = source::load_once({.paths = options.paths});
  envoy::Settings settings = offline_settings();
  settings.weighted_routes = options.weighted_routes;
  Translation translation(std::move(settings));
  translation.apply(builtin_objects());
  translation.apply(with_builtins(std::move(loaded.batch.events)));
  acknowledge_everything(translation);

  OfflineResult result;
  for (source::Problems& problems : loaded.batch.problems) {
    std::ranges::move(problems.diagnostics, std::back_inserter(result.problems));
  }
  std::ranges::move(translation_problems(translation), std::back_inserter(result.problems));
  place(result.problems, loaded.positions);
  if (options.with_output) result.output = output_json(translation, options.gateway);
  return result;
}

}  // namespace kgw::app
