#include "app/translation.h"

#include <algorithm>
#include <set>

namespace kgw::app {
namespace {

using envoy::ResourceType;
using status::GatewayResource;

GatewayResource shard_resource(const attach::ShardId& shard, ResourceType type) {
  return {shard.table.gateway, {type, envoy::shard_name(shard)}};
}

using HostChange = engine::Change<attach::HostId, envoy::VirtualHost>;

}  // namespace

Translation::Translation(envoy::Settings settings)
    : model(graph),
      rules(graph, model, settings.weighted_routes),
      routes(graph, model, rules, settings.sharding),
      resources(graph, model, routes.users_by_cluster, rules.stream_rules, routes.layouts.table,
                std::move(settings)),
      layouts(graph, routes.layouts),
      delivery(graph),
      statuses(graph, model, rules, routes, resources, delivery) {
  collect_resources(resources.gateway_clusters, ResourceType::kCluster);
  collect_resources(resources.gateway_endpoints, ResourceType::kEndpoint);
  collect_resources(resources.gateway_secrets, ResourceType::kSecret);
  collect_resources(resources.gateway_listeners, ResourceType::kListener);
  collect_shards(routes.route_shards, ResourceType::kRoute);
  collect_shards(routes.route_scopes, ResourceType::kScopedRoute);
  collect_pieces();
  collect_gateways_and_statuses();
}

void Translation::apply(const std::vector<source::ObjectEvent>& events) {
  for (const source::ObjectEvent& event : events) model.inputs.apply(event.ref, event.object);
}

Outcome Translation::commit() {
  outcome_ = {};
  outcome_.stats = graph.commit();
  collect_unchanged_routes();
  held_or_released_.clear();
  encoded_.clear();
  sent_.clear();
  return std::move(outcome_);
}

void Translation::hold(ResourceType type, const Name& piece, const std::string* message) {
  if (type == ResourceType::kListener) {
    if (message == nullptr) {
      resources.quarantined_filter_chains.erase(piece);
    } else {
      resources.quarantined_filter_chains.set(piece,
                                              envoy::QuarantinedChain{*message, last_good(piece)});
    }
    return;
  }
  held_or_released_.insert(piece);
  if (message == nullptr) {
    routes.quarantined_rules.erase(piece);
  } else {
    routes.quarantined_rules.set(piece, envoy::QuarantineEntry{*message});
  }
}

void Translation::accepted(const GatewayResource& resource) {
  if (resource.resource.type != ResourceType::kListener) return;
  Chains now;
  for (const envoy::FilterChain* chain :
       resources.listener_chains({resource.gateway, resource.resource.name})) {
    const auto* held = resources.quarantined_filter_chains.find(chain->hash);
    if (held == nullptr) {
      now[chain->name] = *chain;
    } else if (held->instead) {
      now[chain->name] = *held->instead;
    }
  }
  accepted_chains_[resource] = std::move(now);
}

std::optional<envoy::FilterChain> Translation::last_good(const Name& chain_hash) const {
  std::optional<envoy::FilterChain> found;
  resources.chains.for_each([&](const auto&, const envoy::ListenerChains& part) {
    for (const envoy::FilterChain& chain : part.chains) {
      if (chain_hash.view() != chain.hash) continue;
      const auto listener = accepted_chains_.find(
          {part.port.gateway, {ResourceType::kListener, envoy::listener_name(part.port)}});
      if (listener == accepted_chains_.end()) continue;
      const auto good = listener->second.find(chain.name);
      if (good != listener->second.end() && good->second.hash != chain.hash) found = good->second;
    }
  });
  return found;
}

void Translation::collect_resources(
    engine::Derived<envoy::GatewayResourceId, envoy::Resource>& table, ResourceType type) {
  graph.watch(table, [this, type](auto changes) {
    for (const auto& change : changes) {
      xds::Edit& edit = outcome_.edits[change.key.gateway];
      if (change.after != nullptr) {
        edit.upserts.emplace_back(type, *change.after);
      } else {
        edit.removals.push_back({type, change.key.name});
        outcome_.removed.push_back({change.key.gateway, {type, change.key.name}});
        accepted_chains_.erase(outcome_.removed.back());
      }
    }
  });
}

void Translation::collect_shards(engine::Derived<attach::ShardId, envoy::Resource>& table,
                                 ResourceType type) {
  graph.watch(table, [this, type](auto changes) {
    for (const auto& change : changes) {
      const GatewayResource resource = shard_resource(change.key, type);
      xds::Edit& edit = outcome_.edits[resource.gateway];
      if (change.after != nullptr) {
        edit.upserts.emplace_back(type, *change.after);
        if (is_retiring(change.key.table, change.key.layout)) {
          edit.unhurried.push_back(resource.resource);
        }
      } else {
        edit.removals.push_back(resource.resource);
        outcome_.removed.push_back(resource);
      }
    }
  });
}

// Only draining connections use that layout of the table.
bool Translation::is_retiring(const attach::RouteTableId& table,
                              const attach::Layout& layout) const {
  const envoy::TableLayout* now = routes.layouts.table.find(table);
  return now != nullptr && layout != now->serving && layout != now->next;
}

// The shards that are other ones because of the change, without those that the host has left, and
// without the layouts that are on their way out: they have the same rules as the others.
std::vector<GatewayResource> Translation::changed_shards(const HostChange& change) const {
  std::vector<GatewayResource> resources;
  const bool same = change.before != nullptr && change.after != nullptr &&
                    change.before->version == change.after->version &&
                    change.before->sources == change.after->sources;
  const envoy::VirtualHost& host = change.after == nullptr ? *change.before : *change.after;
  for (const envoy::Placement& placement : host.placements) {
    const bool known = same && std::ranges::find(change.before->placements, placement) !=
                                   change.before->placements.end();
    if (known || is_retiring(change.key.table, placement.layout)) continue;
    const bool every = placement.shard == envoy::kEveryShard;
    for (std::uint32_t i = 0; i < (every ? envoy::kShards : 1); ++i) {
      resources.push_back(shard_resource(
          {change.key.table, placement.layout, every ? i : placement.shard}, ResourceType::kRoute));
    }
  }
  return resources;
}

void Translation::collect_pieces() {
  graph.watch(routes.virtual_hosts, [this](auto changes) {
    for (const auto& change : changes) collect_host(change);
  });
  graph.watch(routes.encoded_routes, [this](auto changes) {
    for (const auto& change : changes) encoded_.push_back(change.key);
  });
  graph.watch(resources.chains, [this](auto changes) {
    for (const auto& change : changes) {
      const auto& any = change.after != nullptr ? *change.after : *change.before;
      status::PieceChange pieces{
          .unit = {any.port.gateway, {ResourceType::kListener, envoy::listener_name(any.port)}}};
      pieces.resources = {pieces.unit};
      std::set<std::string> before, after;
      if (change.before)
        for (const auto& chain : change.before->chains) before.insert(chain.hash);
      if (change.after)
        for (const auto& chain : change.after->chains) after.insert(chain.hash);
      for (const std::string& hash : after)
        if (!before.contains(hash)) pieces.added.push_back({hash, {hash}});
      for (const std::string& hash : before)
        if (!after.contains(hash)) pieces.removed.push_back({hash, {hash}});
      outcome_.pieces.push_back(std::move(pieces));
    }
  });
  graph.watch(model.attachments, [this](auto changes) {
    for (const auto& change : changes) {
      if (change.before == nullptr) continue;
      std::set<attach::RouteTableId> now;
      const auto tables = [](const attach::RouteAttachment& attachment, auto visit) {
        for (const auto& parent : attachment.parents) {
          for (const auto& listener : parent.listeners) visit(listener.table);
        }
      };
      if (change.after) tables(*change.after, [&](const auto& table) { now.insert(table); });
      tables(*change.before, [&](const auto& table) {
        if (!now.contains(table)) outcome_.removed_routes.push_back({change.key, table});
      });
    }
  });
}

// The key under which the rule, as it is encoded now, can be held back; empty when it is left out
// already.
Name Translation::piece_of(envoy::Version content) const {
  const Name drop = envoy::drop_key(content);
  if (routes.quarantined_rules.find(drop) != nullptr) return {};
  const Name replace = envoy::replace_key(content);
  return routes.quarantined_rules.find(replace) != nullptr ? drop : replace;
}

void Translation::collect_host(const HostChange& change) {
  status::PieceChange pieces{
      .unit = {change.key.table.gateway, {ResourceType::kRoute, change.key.table.name}},
      .resources = changed_shards(change)};
  if (pieces.resources.empty()) return;
  absl::flat_hash_set<std::uint64_t> before, after;
  if (change.before) {
    for (const auto& source : change.before->sources) before.insert(source.content.hash);
  }
  if (change.after) {
    for (const envoy::RuleSource& source : change.after->sources) {
      const bool first = after.insert(source.content.hash).second;
      if (first && is_touched(source.content)) {
        if (Name piece = piece_of(source.content); !piece.empty()) {
          pieces.restated.push_back(std::move(piece));
        }
      } else if (first && !before.contains(source.content.hash)) {
        pieces.added.push_back({to_string(source.content), {piece_of(source.content)}});
        if (pieces.added.back().keys.front().empty()) pieces.added.back().keys.clear();
      }
      const status::RouteInTable route{source.route, change.key.table};
      if (!sent_.insert(route).second &&
          pieces.resources.front().resource == pieces.unit.resource &&
          pieces.resources.size() == 1) {
        continue;  // it waits for that table already
      }
      if (const auto* encoded = routes.encoded_routes.find(source.route)) {
        pieces.routes.emplace_back(route, encoded->version);
      }
    }
  }
  for (const std::uint64_t content : before) {
    const bool left_out = routes.quarantined_rules.find(envoy::drop_key({content})) != nullptr;
    if (after.contains(content) || left_out) continue;
    pieces.removed.push_back({to_string(envoy::Version{content}),
                              {envoy::replace_key({content}), envoy::drop_key({content})}});
  }
  outcome_.pieces.push_back(std::move(pieces));
}

bool Translation::is_touched(envoy::Version content) const {
  return !held_or_released_.empty() && (held_or_released_.contains(envoy::replace_key(content)) ||
                                        held_or_released_.contains(envoy::drop_key(content)));
}

void Translation::collect_unchanged_routes() {
  for (const ObjectRef& route : encoded_) {
    const auto* encoded = routes.encoded_routes.find(route);
    const auto* attachment = model.attachments.find(route);
    if (encoded == nullptr || attachment == nullptr) continue;
    for (const auto& parent : attachment->parents) {
      for (const auto& listener : parent.listeners) {
        const status::RouteInTable in_table{route, listener.table};
        if (!sent_.contains(in_table) && delivery.routes.find(in_table) != nullptr) {
          outcome_.unchanged_routes.emplace_back(in_table, encoded->version);
        }
      }
    }
  }
}

void Translation::collect_gateways_and_statuses() {
  graph.watch(model.listeners, [this](auto changes) {
    for (const auto& change : changes) {
      if (change.before == nullptr) outcome_.gateways_added.push_back(change.key);
      if (change.after == nullptr) outcome_.gateways_removed.push_back(change.key);
      if (change.before != nullptr && change.after != nullptr) {
        outcome_.gateways_changed.push_back(change.key);
      }
    }
  });
  graph.watch(statuses.table, [this](auto changes) {
    for (const auto& change : changes) outcome_.statuses.emplace_back(change.key, change.after);
  });
}

}  // namespace kgw::app
