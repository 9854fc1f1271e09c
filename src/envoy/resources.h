// Clusters, endpoints, secrets and listeners of every Gateway, as tables of encoded resources.
//
// A resource is encoded once, in a table keyed by what it is (`clusters`, `assignments`, `secrets`,
// `chains`), and the gateway_* tables, which xDS follows, only share it: one entry per Gateway and
// name. What is not referenced is not there.
//
//   cluster_users -> cluster_uses -> clusters    -> gateway_clusters
//                                 -> assignments -> gateway_endpoints    reads no route table: a
//                                                    changed slice costs one encoding
//   stream routes -> stream_owners
//   listeners, stream_owners, table layouts -> chains -> gateway_listeners
//   clusters, chains -> secret_uses -> secrets -> gateway_secrets
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/cluster.h"
#include "envoy/gateway_id.h"
#include "envoy/listener.h"
#include "envoy/secret.h"
#include "envoy/settings.h"
#include "envoy/stream_owners.h"
#include "envoy/table_layout.h"
#include "policy/rule.h"

namespace kgw::envoy {

// Somebody who refers to secrets: a cluster or a filter chain of a Gateway.
struct SecretUser {
  ObjectKey gateway;
  Name user;

  friend auto operator<=>(const SecretUser&, const SecretUser&) = default;
  friend bool operator==(const SecretUser&, const SecretUser&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const SecretUser& id) {
    return H::combine(std::move(h), id.gateway, id.user);
  }
};
std::string to_string(const SecretUser& id);

struct GatewaySecret {
  ObjectKey gateway;
  SecretId secret;

  friend auto operator<=>(const GatewaySecret&, const GatewaySecret&) = default;
  friend bool operator==(const GatewaySecret&, const GatewaySecret&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GatewaySecret& id) {
    return H::combine(std::move(h), id.gateway, id.secret);
  }
};
std::string to_string(const GatewaySecret& id);

// Which resources carry a listener of the Gateway API, for its status.
struct ListenerCarrier {
  Name listener;              // the Envoy listener; not published while nothing of it serves
  Name route_table;           // HTTP, HTTPS
  std::vector<Name> secrets;  // certificates and authorities
  bool serves = false;        // it has a chain that does more than closing connections
  std::string quarantined;    // why a chain of it is held back; empty = none is
  bool keeps_last = false;    // what was accepted last serves in place of all that is held back
};

// A filter chain that proxies refuse.
struct QuarantinedChain {
  std::string envoy_message;
  std::optional<FilterChain> instead;  // what they accepted last under its name

  friend bool operator==(const QuarantinedChain&, const QuarantinedChain&) = default;
};

struct Resources {
  using ClusterUses = engine::Derived<GatewayCluster, ClusterVariant>;
  using SecretUses = engine::Derived<SecretUser, std::vector<SecretId>>;
  using Published = engine::Derived<GatewayResourceId, Resource>;
  using LayoutTable = engine::Table<attach::RouteTableId, TableLayout>;
  using StreamRules = envoy::StreamRules;
  using ClusterUsers = engine::Index<GatewayCluster, ObjectRef, std::vector<GatewayCluster>>;

  // Made after the model and the tables given, on the same graph, which all outlive this.
  // `cluster_users`: one bucket for each cluster that anything of a Gateway refers to.
  Resources(engine::Graph& graph, attach::Model& model, ClusterUsers& cluster_users,
            StreamRules& stream_rules, LayoutTable& layouts, Settings settings);
  Resources(const Resources&) = delete;
  Resources& operator=(const Resources&) = delete;

  // Absent when the listener is not usable.
  std::optional<ListenerCarrier> carrier(engine::Read& read,
                                         const attach::BoundListener& listener) const;

  // The chains that a listener is made of, for whoever must find the one that a proxy refuses.
  // Not for compute functions; the pointers are valid until the next commit.
  std::vector<const FilterChain*> listener_chains(const GatewayResourceId& listener) const;

  const Settings settings;

  // By FilterChain::hash. Such a chain is replaced by its last good version, or left out of its
  // listener, so that the others go on. Entries of chains that are gone do no harm.
  engine::Input<Name, QuarantinedChain>& quarantined_filter_chains;

  ClusterUses& cluster_uses;
  engine::Index<ClusterVariant, GatewayCluster, ClusterVariant>& uses_by_variant;
  engine::Derived<ClusterVariant, BuiltCluster>& clusters;
  Published& gateway_clusters;

  engine::Index<attach::ClusterId, GatewayCluster, ClusterVariant>& uses_by_cluster;
  engine::Derived<attach::ClusterId, Resource>& assignments;
  Published& gateway_endpoints;

  engine::Index<ListenerShape, ObjectRef, attach::OwnerListeners>& chain_shapes;
  engine::Derived<ListenerShape, StreamOwners>& stream_owners;
  engine::Derived<ListenerShape, ListenerChains>& chains;
  engine::Index<GatewayResourceId, ListenerShape, ListenerChains>& chains_by_listener;
  engine::Derived<ObjectKey, std::vector<std::string>>& bind_addresses;
  Published& gateway_listeners;

  SecretUses& secret_uses;
  engine::Index<SecretId, SecretUser, std::vector<SecretId>>& users_by_secret;
  engine::Derived<SecretId, Resource>& secrets;
  engine::Index<GatewaySecret, SecretUser, std::vector<SecretId>>& users_by_gateway_secret;
  engine::Derived<GatewaySecret, SecretId>& gateway_secret_ids;
  Published& gateway_secrets;
};

}  // namespace kgw::envoy
