#include "envoy/routes.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "attach/hostname.h"

namespace kgw::envoy {
namespace {

using attach::AttachedHost;
using attach::ListenerAttachment;
using attach::Model;
using attach::ParentBinding;
using attach::RouteAttachment;
using engine::Graph;
using engine::Read;
using policy::BoundBackend;
using policy::BoundRoute;
using policy::BoundRule;
using policy::ListenerFacts;
using policy::Rules;

ListenerFacts facts_of(const ListenerAttachment& listener) {
  return {listener.port, listener.protocol == attach::Protocol::kHttps};
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

std::vector<ListenerFacts> listeners_of(const Model& model, Read& read, const BoundRoute& route) {
  std::vector<ListenerFacts> listeners;
  if (!depends_on_listener(route)) return listeners;
  const RouteAttachment* attachment = read.get(model.attachments, route.ref);
  if (attachment == nullptr) return listeners;
  for (const ParentBinding& parent : attachment->parents) {
    for (const ListenerAttachment& listener : parent.listeners) {
      listeners.push_back(facts_of(listener));
    }
  }
  sort_unique(listeners);
  return listeners;
}

// Collects what answers for one host.
class HostBuilder {
 public:
  HostBuilder(const Model& model, const Routes& routes, Read& read, const HostId& host)
      : model_(model), routes_(routes), read_(read), host_(host) {}

  VirtualHost build() && {
    VirtualHost host = content();
    if (const TableLayout* table = read_.get(routes_.layouts.table, host_.table)) {
      for (const Layout& layout : table->published) {
        const std::uint32_t shard = shard_of(layout, host_.domain.view());
        host.placements.push_back({layout, static_cast<std::uint16_t>(shard)});
      }
    }
    return host;
  }

  std::vector<Candidate> candidates() && {
    if (!misdirected()) collect();
    return std::move(candidates_);
  }

 private:
  VirtualHost content() {
    if (misdirected()) return misdirected_host(host_);
    collect();
    return splice_host(host_, std::move(candidates_));
  }

  bool misdirected() {
    const HostFacts* facts = read_.get(routes_.layouts.hosts, host_);
    return facts != nullptr && facts->misdirected;
  }

  void collect() {
    // An exact or narrower host first, so that a route found again at a wider one is not repeated.
    collect(host_);
    std::string domain = host_.domain.view() == "*" ? std::string() : host_.domain.str();
    while (!domain.empty()) {
      domain = attach::wider(domain);
      collect({host_.table, domain.empty() ? Name("*") : Name(domain)});
    }
  }

  void collect(const HostId& at) {
    const bool own = at == host_;
    read_.each(model_.routes_by_host, at, [&](const ObjectRef& ref, const RouteAttachment& route) {
      const auto [listener, host] = find(route, at);
      if (listener == nullptr) return;
      if (own) owner_ = &listener->listener;
      if (owner_ != nullptr && listener->listener != *owner_) return;
      add(ref, *listener, host->route_host);
    });
    if (own && owner_ == nullptr) find_owner();
  }

  // A host without routes of its own is there because it is a listener's hostname.
  void find_owner() {
    const auto wanted = [&](const attach::BoundListener& listener) {
      return attach::route_table_of(listener) == host_.table &&
             attach::domain_of(listener.hostname) == host_.domain;
    };
    for (const ObjectRef& ref : read_.members(routes_.claims_by_host, host_)) {
      const attach::OwnerListeners* owner = read_.get(model_.owner_listeners, ref);
      if (owner == nullptr) continue;
      const auto found = std::ranges::find_if(owner->listeners, wanted);
      if (found != owner->listeners.end()) owner_ = &found->id;
    }
  }

  static std::pair<const ListenerAttachment*, const AttachedHost*> find(
      const RouteAttachment& route, const HostId& at) {
    for (const ParentBinding& parent : route.parents) {
      for (const ListenerAttachment& listener : parent.listeners) {
        if (listener.table != at.table) continue;
        const auto host = std::ranges::find(listener.hosts, at.domain, &AttachedHost::domain);
        if (host != listener.hosts.end()) return {&listener, &*host};
      }
    }
    return {nullptr, nullptr};
  }

  void add(const ObjectRef& ref, const ListenerAttachment& listener, const Name& route_host) {
    if (std::ranges::find(seen_, &ref) != seen_.end()) return;
    if (routes_.loads.refused(read_, ref, host_.table.gateway)) return;
    const EncodedRoute* encoded = read_.get(routes_.encoded_routes, ref);
    if (encoded == nullptr) return;
    seen_.push_back(&ref);
    const RouteVariant& variant = encoded->variant(facts_of(listener));
    for (const EncodedMatch& match : variant.matches) {
      candidates_.push_back({&ref, &route_host, encoded, &variant, &match});
    }
  }

  const Model& model_;
  const Routes& routes_;
  Read& read_;
  const HostId& host_;
  const attach::ListenerId* owner_ = nullptr;
  std::vector<const ObjectRef*> seen_;  // keys of table entries: the pointer is the identity
  std::vector<Candidate> candidates_;
};

void add_clusters(const policy::Actions& actions, std::vector<attach::ClusterId>& out) {
  for (const policy::Mirror& mirror : actions.mirrors) out.push_back(mirror.cluster);
  if (actions.ext_auth) out.push_back(actions.ext_auth->cluster);
}

std::vector<attach::ClusterId> clusters_of(const BoundRoute& route) {
  std::vector<attach::ClusterId> clusters;
  for (const BoundRule& rule : route.rules) {
    add_clusters(policy::actions_of(rule.actions), clusters);
    if (rule.redirect) continue;
    for (const BoundBackend& backend : rule.backends) {
      if (backend.valid) clusters.push_back(backend.cluster);
      if (backend.valid) add_clusters(policy::actions_of(backend.actions), clusters);
    }
  }
  return clusters;
}

std::vector<attach::ClusterId> clusters_of(const policy::BoundStreamRoute& route) {
  std::vector<attach::ClusterId> clusters;
  for (const policy::WeightedCluster& backend : route.backends) {
    if (backend.valid) clusters.push_back(backend.cluster);
  }
  return clusters;
}

// One bucket for some routes, so that looking whether one of them is suspected costs each little.
std::uint32_t bucket_of(const ObjectRef& ref) {
  constexpr std::uint32_t kBuckets = 4096;
  return static_cast<std::uint32_t>(absl::Hash<ObjectRef>()(ref) % kBuckets);
}

template <class Route>
std::optional<std::vector<GatewayCluster>> users(const Model& model, const ObjectRef& ref,
                                                 const Route& route, Read& read) {
  const RouteAttachment* attachment = read.get(model.attachments, ref);
  if (attachment == nullptr) return {};
  const std::vector<attach::ClusterId> clusters = clusters_of(route);
  std::vector<GatewayCluster> result;
  for (const ParentBinding& parent : attachment->parents) {
    if (parent.listeners.empty()) continue;
    for (const attach::ClusterId& cluster : clusters) result.push_back({parent.gateway, cluster});
  }
  if (result.empty()) return {};
  sort_unique(result);
  result.shrink_to_fit();
  return result;
}

// What a suspected route sends to now besides what it is to send to.
void add_last_accepted(const engine::Index<std::uint32_t, ObjectRef, LastAccepted>& buckets,
                       const ObjectRef& ref, Read& read,
                       std::optional<std::vector<GatewayCluster>>& uses) {
  read.each(buckets, bucket_of(ref), [&](const ObjectRef& other, const LastAccepted& last) {
    if (other != ref || last.clusters.empty()) return;
    if (!uses) uses.emplace();
    uses->insert(uses->end(), last.clusters.begin(), last.clusters.end());
    sort_unique(*uses);
  });
}

}  // namespace

Routes::Routes(Graph& graph, Model& model, Rules& rules, ShardingLimits limits,
               std::uint64_t max_entries)
    : quarantined_rules(graph.input<Name, QuarantineEntry>("quarantined rules")),
      quarantine(graph.index<std::uint32_t>(quarantined_rules, "quarantine buckets",
                                            [](const Name& key, const QuarantineEntry&,
                                               auto&& emit) { emit(quarantine_bucket(key)); })),
      last_accepted(graph.input<ObjectRef, LastAccepted>("last accepted")),
      last_accepted_buckets(graph.index<std::uint32_t>(
          last_accepted, "last accepted buckets",
          [](const ObjectRef& ref, const LastAccepted&, auto&& emit) { emit(bucket_of(ref)); })),
      loads(graph, model, rules, max_entries),
      encoded_routes(
          graph.derived<ObjectRef, EncodedRoute>("encoded routes")
              .from(rules.rules,
                    [this, &model](const ObjectRef&, const BoundRoute& route, Read& read) {
                      EncodedRoute encoded = encode_route(
                          route, listeners_of(model, read, route), [&](Version content) {
                            return quarantine_of(read, quarantine, content);
                          });
                      if (!encoded.suspected) return encoded;
                      const LastAccepted* last = read.get(last_accepted, route.ref);
                      return last == nullptr ? encoded : stand_in(*last, encoded);
                    })),
      host_claims(
          graph.derived<ObjectRef, HostClaims>("host claims")
              .from(model.attachments,
                    [this](const ObjectRef& ref, const RouteAttachment& attachment, Read& read) {
                      return claims_of(attachment, [&](const ObjectKey& gateway) {
                        return loads.refused(read, ref, gateway);
                      });
                    })
              .from(model.owner_listeners,
                    [&model](const ObjectRef&, const attach::OwnerListeners& owner, Read& read) {
                      return claims_of(owner, model, read);
                    })),
      claims_by_host(
          graph.index<HostId>(host_claims, "claims by host",
                              [](const ObjectRef&, const HostClaims& claims, auto&& emit) {
                                for (const HostId& host : claims.served) emit(host);
                                for (const HostId& host : claims.misdirected) emit(host);
                              })),
      layouts(graph, model, claims_by_host, loads, limits),
      virtual_hosts(graph.derived<HostId, VirtualHost>("virtual hosts")
                        .from(claims_by_host,
                              [this, &model](const HostId& host, Read& read) {
                                return HostBuilder(model, *this, read, host).build();
                              })),
      hosts_by_shard(
          graph.index<ShardId>(virtual_hosts, "hosts by shard",
                               [](const HostId& host, const VirtualHost& value, auto&& emit) {
                                 for (const Placement& placement : value.placements) {
                                   emit(ShardId{host.table, placement.layout, placement.shard});
                                 }
                               })),
      route_shards(graph.derived<ShardId, Resource>("route shards")
                       .from(layouts.shards,
                             [this](const ShardId& shard, Read& read) {
                               return splice_shard(shard, hosts_by_shard, read);
                             })),
      route_scopes(graph.derived<ShardId, Resource>("route scopes")
                       .from(layouts.shards,
                             [](const ShardId& shard, Read&) {
                               std::optional<Resource> scope;
                               if (shard.layout.sharded) scope = scope_of(shard);
                               return scope;
                             })),
      cluster_users(
          graph.derived<ObjectRef, std::vector<GatewayCluster>>("cluster users")
              .from(rules.rules,
                    [this, &model](const ObjectRef& ref, const BoundRoute& route, Read& read) {
                      auto uses = users(model, ref, route, read);
                      add_last_accepted(last_accepted_buckets, ref, read, uses);
                      return uses;
                    })
              .from(rules.stream_rules,
                    [&model](const ObjectRef& ref, const policy::BoundStreamRoute& route,
                             Read& read) { return users(model, ref, route, read); })),
      users_by_cluster(graph.index<GatewayCluster>(
          cluster_users, "users by cluster",
          [](const ObjectRef&, const std::vector<GatewayCluster>& uses, auto&& emit) {
            for (const GatewayCluster& use : uses) emit(use);
          })) {}

std::vector<Candidate> candidates_of(const Model& model, const Routes& routes, Read& read,
                                     const HostId& host) {
  return HostBuilder(model, routes, read, host).candidates();
}

}  // namespace kgw::envoy
