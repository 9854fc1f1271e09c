// The tables from bound rules to route configuration, and which clusters the rules use.
//
//   rules -> route loads -> host claims                        (what is too much is left out)
//   rules -> encoded routes -> virtual hosts -> route shards   (RouteConfiguration)
//   host claims -> hosts -> table layouts -> route shards, route scopes
//   rules, stream rules -> cluster users                       (who needs which cluster)
//
// A changed rule is encoded once, spliced into the hosts under which its route is attached (and
// narrower ones of the same listener), and these into their tables; nothing else is touched.
#pragma once

#include <vector>

#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/encoded_route.h"
#include "envoy/gateway_id.h"
#include "envoy/quarantine.h"
#include "envoy/route_load.h"
#include "envoy/route_shard.h"
#include "envoy/table_layout.h"
#include "envoy/virtual_host.h"
#include "policy/rules.h"

namespace kgw::envoy {

struct Routes {
  // Made after the model and the rules, on the same graph, which all outlive this.
  Routes(engine::Graph& graph, attach::Model& model, policy::Rules& rules,
         ShardingLimits limits = {}, std::uint64_t max_entries = kMaxRouteEntries);
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  // Set by whoever hears what proxies refuse; see quarantine.h for the keys.
  engine::Input<Name, QuarantineEntry>& quarantined_rules;
  QuarantineIndex& quarantine;
  // Set by the same for the routes of suspected rules.
  engine::Input<ObjectRef, LastAccepted>& last_accepted;
  engine::Index<std::uint32_t, ObjectRef, LastAccepted>& last_accepted_buckets;

  RouteLoads loads;
  engine::Derived<ObjectRef, EncodedRoute>& encoded_routes;
  engine::Derived<ObjectRef, HostClaims>& host_claims;  // by route, Gateway or ListenerSet
  engine::Index<HostId, ObjectRef, HostClaims>& claims_by_host;
  Layouts layouts;
  engine::Derived<HostId, VirtualHost>& virtual_hosts;
  HostsByShard& hosts_by_shard;
  engine::Derived<ShardId, Resource>& route_shards;
  engine::Derived<ShardId, Resource>& route_scopes;  // of tables that are cut

  // By route: sorted, each once. A route that is attached to no listener uses none.
  engine::Derived<ObjectRef, std::vector<GatewayCluster>>& cluster_users;
  engine::Index<GatewayCluster, ObjectRef, std::vector<GatewayCluster>>& users_by_cluster;
};

// What answers for a host, in any order; nothing where it is misdirected.
std::vector<Candidate> candidates_of(const attach::Model& model, const Routes& routes,
                                     engine::Read& read, const HostId& host);

}  // namespace kgw::envoy
