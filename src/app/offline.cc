#include "app/offline.h"

#include <algorithm>
#include <functional>
#include <set>

#include "app/admin.h"
#include "app/builtin.h"
#include "app/ineffective.h"
#include "app/proto_json.h"
#include "deploy/kube/parameters.h"
#include "source/files/files_source.h"
#include "status/conditions.h"
#include "status/gateway_status.h"
#include "status/json.h"

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

// The addresses that a Gateway is given.
using Addresses = std::function<std::vector<GatewayAddress>(const Gateway&)>;

std::vector<GatewayAddress> addresses_of_host(const Gateway& gateway) {
  return reachable_addresses(gateway, "127.0.0.1");
}

// In a cluster it is the load balancer's affair: what is asked for is given.
std::vector<GatewayAddress> addresses_as_asked(const Gateway& gateway) {
  std::vector<GatewayAddress> given;
  for (const GatewayAddress& address : gateway.addresses) {
    if (!address.value.empty()) given.push_back(address);
  }
  if (given.empty()) given.push_back({.value = "127.0.0.1"});
  return given;
}

// A proxy that accepts everything.
class AgreeableProxy {
 public:
  AgreeableProxy(Translation& translation, Addresses addresses)
      : translation_(translation),
        addresses_(std::move(addresses)),
        feedback_(translation.delivery,
                  [&](envoy::ResourceType type, const Name& piece, const status::Held* held) {
                    translation_.hold(type, piece, held);
                  }) {}

  void settle() {
    bool moved = false;
    do {
      const Outcome outcome = translation_.commit();
      feedback_.published(outcome.pieces);
      for (const status::GatewayResource& gone : outcome.removed) feedback_.removed(gone);
      for (const status::RouteInTable& gone : outcome.removed_routes) feedback_.route_removed(gone);
      for (const auto& [route, version] : outcome.unchanged_routes)
        feedback_.same_on_the_wire(route, version);
      for (const ObjectKey& gateway : outcome.gateways_added) {
        const auto* bound = translation_.model.listeners.find(gateway);
        feedback_.update_proxies(gateway, [&](status::ProxyState& state) {
          state = {1, addresses_(*bound->gateway), {}};
        });
      }
      for (const auto& [gateway, edit] : outcome.edits) {
        feedback_.sent(gateway, edit);
        for (const auto& [type, resource] : edit.upserts) {
          feedback_.on_delivered(gateway, {type, resource.name}, resource.version);
        }
      }
      for (const auto& [resource, reason] : outcome.refused) {
        feedback_.refused_here(resource, reason);
      }
      moved = translation_.layouts.advance({}, [](const ObjectKey&, const xds::ResourceKey&) {
        return xds::Delivery{.proxies = 1};
      });
    } while (feedback_.take_changed() || moved);
  }

 private:
  Translation& translation_;
  Addresses addresses_;
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

void sort_by_place(Diagnostics& diagnostics) {
  std::ranges::stable_sort(diagnostics, [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.position.file, a.position.line) < std::tie(b.position.file, b.position.line);
  });
}

void place(Diagnostics& diagnostics, const std::map<ObjectRef, SourcePosition>& positions) {
  for (Diagnostic& diagnostic : diagnostics) {
    const auto found = positions.find(diagnostic.object);
    if (diagnostic.position.file.empty() && found != positions.end())
      diagnostic.position = found->second;
  }
  sort_by_place(diagnostics);
}

OfflineResult read_only(source::Batch batch) {
  OfflineResult result;
  for (source::Problems& problems : batch.problems) {
    std::ranges::move(problems.diagnostics, std::back_inserter(result.of_reading));
  }
  return result;
}

OfflineResult translate(source::Batch batch, const std::vector<source::ObjectEvent>& builtin,
                        envoy::Settings settings, const Addresses& addresses,
                        const OfflineOptions& options) {
  settings.weighted_routes = options.weighted_routes;
  settings.report_unreachable = true;
  Translation translation(std::move(settings));
  translation.apply(builtin);
  translation.apply(batch.events);
  AgreeableProxy(translation, addresses).settle();
  OfflineResult result = read_only(std::move(batch));
  result.of_translating = translation_problems(translation);
  if (options.with_output) result.output = output_json(translation, options.gateway);
  return result;
}

}  // namespace

envoy::Settings offline_settings() {
  envoy::Settings settings;
  settings.bind_addresses = [](const Gateway& gateway) {
    return listen_addresses(gateway, "0.0.0.0");
  };
  return settings;
}

void acknowledge_everything(Translation& translation) {
  AgreeableProxy(translation, addresses_of_host).settle();
}

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
  std::ranges::move(ineffective_in_listeners(translation), std::back_inserter(problems));
  std::ranges::move(refused_endpoints(translation), std::back_inserter(problems));
  if (translation.reachability) {
    std::ranges::move(translation.reachability->warnings(), std::back_inserter(problems));
  }
  translation.model.inputs.gateway_parameters.for_each(
      [&](const ObjectKey&, const GatewayParameters& parameters) {
        std::ranges::move(deploy::kube::ineffective_fields(
                              parameters, translation.resources.settings.istio_mtls.has_value()),
                          std::back_inserter(problems));
      });
  return problems;
}

Diagnostics OfflineResult::problems() const {
  Diagnostics all = of_reading;
  all.insert(all.end(), of_translating.begin(), of_translating.end());
  sort_by_place(all);
  return all;
}

Json problems_json(const OfflineResult& result) {
  Json list = Json::array();
  const auto add = [&](const Diagnostics& diagnostics, const char* stage) {
    for (const Diagnostic& diagnostic : diagnostics) {
      list.push_back({{"stage", stage}});
      list.back().update(to_json(diagnostic));
    }
  };
  add(result.of_reading, "read");
  add(result.of_translating, "translate");
  return {{"problems", std::move(list)}};
}

OfflineResult translate_offline(const OfflineOptions& options) {
  source::Loaded loaded = source::load_once({.paths = options.paths});
  OfflineResult result = translate(std::move(loaded.batch), builtin_objects(), offline_settings(),
                                   addresses_of_host, options);
  place(result.of_reading, loaded.positions);
  place(result.of_translating, loaded.positions);
  return result;
}

OfflineResult translate_objects(source::Batch objects, const OfflineOptions& options) {
  if (objects.synced) {
    envoy::Settings settings;
    settings.bind_addresses = [](const Gateway&) { return std::vector<std::string>{"::"}; };
    return translate(std::move(objects), {}, std::move(settings), addresses_as_asked, options);
  }
  OfflineResult result = read_only(std::move(objects));
  Diagnostic incomplete;
  incomplete.reason = "NotRead";
  incomplete.message = "not every kind could be read, so nothing was translated";
  result.of_reading.push_back(std::move(incomplete));
  return result;
}

}  // namespace kgw::app
