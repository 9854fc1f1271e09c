#include "app/offline.h"

#include <algorithm>
#include <functional>
#include <set>

#include "app/admin.h"
#include "app/builtin.h"
#include "app/problems.h"
#include "app/proto_json.h"
#include "deploy/kube/settings.h"
#include "source/files/files_source.h"
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
          state.connected = 1;
          state.addresses = addresses_(*bound->gateway);
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
  settings.place.addresses = [](const Gateway& gateway) {
    return listen_addresses(gateway, "0.0.0.0");
  };
  settings.place.one_host = true;
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

namespace {

// Where every Gateway has proxies and addresses of its own.
envoy::Settings cluster_settings() {
  envoy::Settings settings;
  settings.place.own_ports = {deploy::kube::kOwnPorts.begin(), deploy::kube::kOwnPorts.end()};
  return settings;
}

}  // namespace

OfflineResult translate_offline(const OfflineOptions& options) {
  source::Loaded loaded = source::load_once({.paths = options.paths});
  OfflineResult result = options.for_cluster
                             ? translate(std::move(loaded.batch), builtin_objects(),
                                         cluster_settings(), addresses_as_asked, options)
                             : translate(std::move(loaded.batch), builtin_objects(),
                                         offline_settings(), addresses_of_host, options);
  place(result.of_reading, loaded.positions);
  place(result.of_translating, loaded.positions);
  return result;
}

OfflineResult translate_objects(source::Batch objects, const OfflineOptions& options) {
  if (objects.synced) {
    return translate(std::move(objects), {}, cluster_settings(), addresses_as_asked, options);
  }
  OfflineResult result = read_only(std::move(objects));
  Diagnostic incomplete;
  incomplete.reason = "NotRead";
  incomplete.message = "not every kind could be read, so nothing was translated";
  result.of_reading.push_back(std::move(incomplete));
  return result;
}

}  // namespace kgw::app
