#include "app/translation.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "envoy/constraints.h"

namespace kgw::app {
namespace {

using envoy::ResourceType;
using status::GatewayResource;

GatewayResource shard_resource(const attach::ShardId& shard, ResourceType type) {
  return {shard.table.gateway, {type, envoy::shard_name(shard)}};
}

using HostChange = engine::Change<attach::HostId, envoy::VirtualHost>;

// Why a filter chain waits that nobody has refused.
constexpr std::string_view kBehindOthers = "another change is being tested before it";

// What a route wants to be served, and what is served instead.
std::vector<envoy::Version> contents_of(const envoy::EncodedRoute& route) {
  std::vector<envoy::Version> contents = route.instead_of;
  for (const envoy::EncodedRule& rule : route.rules) contents.push_back(rule.content);
  return contents;
}

status::Owner owner_of(const ObjectRef& object) { return {object.ns(), to_string(object)}; }

status::Owner owner_of(const envoy::ListenerShape& shape) {
  const bool shared = shape.id.owner.name().empty();  // by the HTTP listeners of a port
  return owner_of(shared ? ObjectRef{Kind::kGateway, shape.port.gateway} : shape.id.owner);
}

void append_edit(xds::Edit& edit, xds::Edit later) {
  const auto is_newer = [&](const xds::ResourceKey& key) {
    return std::ranges::find(later.removals, key) != later.removals.end() ||
           std::ranges::any_of(later.upserts, [&](const auto& upsert) {
             return upsert.first == key.type && upsert.second.name == key.name;
           });
  };
  std::erase_if(edit.upserts,
                [&](const auto& upsert) { return is_newer({upsert.first, upsert.second.name}); });
  std::erase_if(edit.removals, is_newer);
  std::ranges::move(later.upserts, std::back_inserter(edit.upserts));
  std::ranges::move(later.removals, std::back_inserter(edit.removals));
  std::ranges::move(later.unhurried, std::back_inserter(edit.unhurried));
}

template <typename T>
void append_all(std::vector<T>& list, std::vector<T>& later) {
  std::ranges::move(later, std::back_inserter(list));
}

}  // namespace

Translation::Translation(envoy::Settings settings)
    : model(graph, settings.place),
      rules(graph, model, settings.weighted_routes),
      routes(graph, model, rules, settings.sharding, settings.max_route_entries),
      resources(graph, model, routes.users_by_cluster, rules.stream_rules, routes.layouts.table,
                std::move(settings)),
      layouts(graph, routes.layouts),
      delivery(graph),
      statuses(graph, model, rules, routes, resources, delivery) {
  if (resources.settings.report_unreachable) {
    reachability = std::make_unique<envoy::Reachability>(graph, model, rules, routes);
  }
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

void Outcome::append(Outcome later) {
  std::erase_if(removed, [&](const GatewayResource& gone) {
    const auto edit = later.edits.find(gone.gateway);
    return edit != later.edits.end() &&
           std::ranges::any_of(edit->second.upserts, [&](const auto& upsert) {
             return upsert.first == gone.resource.type && upsert.second.name == gone.resource.name;
           });
  });
  for (auto& [gateway, edit] : later.edits) append_edit(edits[gateway], std::move(edit));
  append_all(statuses, later.statuses);
  append_all(gateways_added, later.gateways_added);
  append_all(gateways_changed, later.gateways_changed);
  append_all(gateways_removed, later.gateways_removed);
  append_all(pieces, later.pieces);
  append_all(withdrawn, later.withdrawn);
  append_all(refused, later.refused);
  append_all(removed, later.removed);
  append_all(removed_routes, later.removed_routes);
  append_all(unchanged_routes, later.unchanged_routes);
}

Outcome Translation::commit() {
  outcome_ = {};
  unaccepted_by_content_.clear();
  outcome_.stats = graph.commit();
  for (const EncodedChange& change : encoded_) {
    collect_encoded(change);
    note_acceptance(change.key);  // it may be what it was once
  }
  for (const ObjectRef& route : delivered_) note_acceptance(route);
  collect_unchanged_routes();
  held_or_released_.clear();
  clusters_before_.clear();
  delivered_.clear();
  encoded_.clear();
  sent_.clear();
  return std::move(outcome_);
}

void Translation::hold(ResourceType type, const Name& piece, const status::Held* held) {
  if (type == ResourceType::kListener) {
    if (held == nullptr) {
      resources.quarantined_filter_chains.erase(piece);
    } else {
      resources.quarantined_filter_chains.set(
          piece, envoy::QuarantinedChain{
                     held->message.empty() ? std::string(kBehindOthers) : held->message,
                     last_good(piece)});
    }
    return;
  }
  held_or_released_.insert(piece);
  if (held == nullptr) {
    routes.quarantined_rules.erase(piece);
  } else {
    if (held->suspected) serve_last_accepted(piece);
    routes.quarantined_rules.set(piece, envoy::QuarantineEntry{held->message, held->suspected});
  }
}

// Wherever the same content is new.
void Translation::serve_last_accepted(const Name& piece) {
  if (unaccepted_by_content_.empty()) {
    for (const auto& [route, last] : unaccepted_) {
      const auto* encoded = routes.encoded_routes.find(route);
      if (encoded == nullptr) continue;
      for (const envoy::Version content : contents_of(*encoded)) {
        unaccepted_by_content_[to_string(content)].push_back(route);
      }
    }
  }
  const std::string content(piece.view().substr(0, piece.view().find('/')));
  const auto found = unaccepted_by_content_.find(content);
  if (found == unaccepted_by_content_.end()) return;
  for (const ObjectRef& route : found->second) {
    routes.last_accepted.set(route, unaccepted_.at(route));
  }
}

void Translation::collect_encoded(const EncodedChange& change) {
  collect_withdrawn(change);
  if (change.after == nullptr) {
    unaccepted_.erase(change.key);
    routes.last_accepted.erase(change.key);
    return;
  }
  if (change.after->held) return;
  const auto [entry, fresh] = unaccepted_.try_emplace(change.key);
  if (!fresh || change.before == nullptr) return;
  entry->second.route = change.before;
  const auto before = clusters_before_.find(change.key);
  if (before != clusters_before_.end()) {
    entry->second.clusters = before->second;
  } else if (const auto* now = routes.cluster_users.find(change.key)) {
    entry->second.clusters = *now;
  }
}

// Contents that nobody serves cannot leave a host: they leave their route.
void Translation::collect_withdrawn(const EncodedChange& change) {
  if (change.before == nullptr || routes.quarantined_rules.size() == 0) return;
  std::vector<envoy::Version> after;
  if (change.after != nullptr) after = contents_of(*change.after);
  for (const envoy::Version content : contents_of(*change.before)) {
    if (std::ranges::find(after, content) != after.end()) continue;
    const Name replace = envoy::replace_key(content), drop = envoy::drop_key(content);
    if (routes.quarantined_rules.find(replace) == nullptr &&
        routes.quarantined_rules.find(drop) == nullptr) {
      continue;
    }
    outcome_.withdrawn.push_back({to_string(content), {replace, drop}, {}});
  }
}

void Translation::note_acceptance(const ObjectRef& route) {
  const auto found = unaccepted_.find(route);
  if (found == unaccepted_.end() || !is_accepted(route)) return;
  unaccepted_.erase(found);
  routes.last_accepted.erase(route);
}

// By every table that a proxy has, and by one at least: Gateways without proxies, listeners that
// are not served and Gateways that refuse the route never say anything.
bool Translation::is_accepted(const ObjectRef& route) const {
  const auto* encoded = routes.encoded_routes.find(route);
  const auto* attachment = model.attachments.find(route);
  if (encoded == nullptr || encoded->held || attachment == nullptr) return false;
  bool accepted = false;
  for (const auto& parent : attachment->parents) {
    for (const auto& listener : parent.listeners) {
      if (listener.hosts.empty()) continue;
      const auto* proxies = delivery.proxies.find(listener.listener.gateway);
      if (proxies != nullptr && proxies->absent) continue;
      const auto* version = delivery.routes.find({route, listener.table});
      if (version == nullptr) continue;
      if (*version != encoded->version) return false;
      accepted = true;
    }
  }
  return accepted;
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
        if (auto broken = envoy::broken_constraint(type, *change.after->body)) {
          outcome_.refused.emplace_back(
              GatewayResource{change.key.gateway, {type, change.key.name}}, *std::move(broken));
          continue;
        }
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
  graph.watch(routes.cluster_users, [this](auto changes) {
    for (const auto& change : changes) {
      if (change.before != nullptr) clusters_before_[change.key] = *change.before;
    }
  });
  graph.watch(routes.encoded_routes, [this](auto changes) {
    encoded_.insert(encoded_.end(), changes.begin(), changes.end());
  });
  graph.watch(delivery.routes, [this](auto changes) {
    for (const auto& change : changes) delivered_.push_back(change.key.route);
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
        if (!before.contains(hash)) pieces.added.push_back({hash, {hash}, owner_of(change.key)});
      for (const std::string& hash : before)
        if (!after.contains(hash)) pieces.removed.push_back({hash, {hash}, {}});
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
Name Translation::piece_of(const envoy::EncodedRoute* route, envoy::Version content) const {
  const Name drop = envoy::drop_key(content);
  if (routes.quarantined_rules.find(drop) != nullptr) return {};
  const Name replace = envoy::replace_key(content);
  const auto is_replaced = [&](const envoy::EncodedRule& rule) {
    return rule.content == content && rule.quarantine == envoy::Quarantine::kReplaced;
  };
  if (route != nullptr && std::ranges::any_of(route->rules, is_replaced)) return drop;
  return replace;
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
      const auto* encoded = routes.encoded_routes.find(source.route);
      const bool is_new = first && !before.contains(source.content.hash);
      if (first && is_touched(source.content)) {
        if (Name piece = piece_of(encoded, source.content); !piece.empty()) {
          pieces.restated.emplace(std::move(piece), owner_of(source.route));
        }
      } else if (is_new) {
        pieces.added.push_back({to_string(source.content), {}, owner_of(source.route)});
        // What was accepted before is above suspicion.
        Name piece =
            encoded != nullptr && encoded->held ? Name() : piece_of(encoded, source.content);
        if (!piece.empty()) pieces.added.back().keys.push_back(std::move(piece));
      }
      const status::RouteInTable route{source.route, change.key.table};
      if (!sent_.insert(route).second &&
          pieces.resources.front().resource == pieces.unit.resource &&
          pieces.resources.size() == 1) {
        continue;  // it waits for that table already
      }
      if (encoded != nullptr) pieces.routes.emplace_back(route, encoded->version);
    }
  }
  if (change.before) collect_left_out(*change.before, after, pieces);
  for (const std::uint64_t content : before) {
    if (after.contains(content) || is_left_out({content})) continue;
    pieces.removed.push_back({to_string(envoy::Version{content}),
                              {envoy::replace_key({content}), envoy::drop_key({content})},
                              {}});
  }
  outcome_.pieces.push_back(std::move(pieces));
}

bool Translation::is_touched(envoy::Version content) const {
  return !held_or_released_.empty() && (held_or_released_.contains(envoy::replace_key(content)) ||
                                        held_or_released_.contains(envoy::drop_key(content)));
}

// Proxies that accept the host without them have not accepted the routes as they were sent before.
void Translation::collect_left_out(const envoy::VirtualHost& before,
                                   const absl::flat_hash_set<std::uint64_t>& after,
                                   status::PieceChange& pieces) const {
  if (routes.quarantined_rules.size() == 0) return;
  for (const envoy::RuleSource& source : before.sources) {
    if (after.contains(source.content.hash) || !is_left_out(source.content)) continue;
    const auto* encoded = routes.encoded_routes.find(source.route);
    if (encoded == nullptr) continue;
    const attach::RouteTableId table{pieces.unit.gateway, pieces.unit.resource.name};
    pieces.routes.emplace_back(status::RouteInTable{source.route, table}, encoded->version);
  }
}

// Not served because it is held back, and not because nobody has it any more.
bool Translation::is_left_out(envoy::Version content) const {
  if (routes.quarantined_rules.size() == 0) return false;
  const auto* replaced = routes.quarantined_rules.find(envoy::replace_key(content));
  return routes.quarantined_rules.find(envoy::drop_key(content)) != nullptr ||
         (replaced != nullptr && replaced->suspected);
}

void Translation::collect_unchanged_routes() {
  for (const auto& [route, before, after] : encoded_) {
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
