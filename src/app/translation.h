// Translation: the whole graph from objects to Envoy resources and statuses, as one value.
//
// apply() takes what sources post; commit() recomputes what depends on it and returns the
// difference: one edit per Gateway, the statuses that changed, the Gateways that appeared or went.
// Everything that runs the product (run, check, translate, tests, benches) goes through here;
// nothing in here knows about threads, files or sockets. Thread: one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "app/layout_changes.h"
#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/reachability.h"
#include "envoy/resources.h"
#include "envoy/routes.h"
#include "policy/rules.h"
#include "source/source.h"
#include "status/feedback.h"
#include "status/statuses.h"
#include "xds/snapshot.h"

namespace kgw::app {

// What one commit changed.
struct Outcome {
  std::map<ObjectKey, xds::Edit> edits;  // by Gateway
  // Null: gone.
  std::vector<std::pair<ObjectRef, std::shared_ptr<const status::ObjectStatus>>> statuses;
  std::vector<ObjectKey> gateways_added;
  std::vector<ObjectKey> gateways_changed;
  std::vector<ObjectKey> gateways_removed;
  std::vector<ObjectKey> gateways_withdrawn;          // by Core: gone, and their proxies stay
  std::vector<status::PieceChange> pieces;            // for status::Feedback
  std::vector<status::PieceChange::Piece> withdrawn;  // that were held back
  // Left out of the edits because Envoy would refuse them, with the reason.
  std::vector<std::pair<status::GatewayResource, std::string>> refused;
  std::vector<status::GatewayResource> removed;  // resources that went
  std::vector<status::RouteInTable> removed_routes;
  std::vector<std::pair<status::RouteInTable, envoy::Version>> unchanged_routes;  // on the wire
  engine::CommitStats stats;

  // What the next commit has changed besides.
  void append(Outcome later);
};

class Translation {
 public:
  explicit Translation(envoy::Settings settings);
  Translation(const Translation&) = delete;
  Translation& operator=(const Translation&) = delete;

  void apply(const std::vector<source::ObjectEvent>& events);
  Outcome commit();

  // A listener, as it is now, was accepted by the proxies: what is held back later is replaced by
  // its chains of now.
  void accepted(const status::GatewayResource& resource);
  // Holds a rule or filter chain back, or lets it go: status::Feedback's way into the tables.
  void hold(envoy::ResourceType type, const Name& piece, const status::Held* held);

  engine::Graph graph;
  attach::Model model;
  policy::Rules rules;
  envoy::Routes routes;
  envoy::Resources resources;
  LayoutChanges layouts;
  status::Delivery delivery;
  status::Statuses statuses;
  std::unique_ptr<envoy::Reachability> reachability;  // null unless the settings ask for it

 private:
  std::optional<envoy::FilterChain> last_good(const Name& chain_hash) const;
  void collect_resources(engine::Derived<envoy::GatewayResourceId, envoy::Resource>& table,
                         envoy::ResourceType type);
  void collect_shards(engine::Derived<attach::ShardId, envoy::Resource>& table,
                      envoy::ResourceType type);
  void collect_pieces();
  void collect_gateways_and_statuses();

  void collect_host(const engine::Change<attach::HostId, envoy::VirtualHost>& change);
  void collect_unchanged_routes();
  bool is_retiring(const attach::RouteTableId& table, const attach::Layout& layout) const;
  std::vector<status::GatewayResource> changed_shards(
      const engine::Change<attach::HostId, envoy::VirtualHost>& change) const;
  Name piece_of(const envoy::EncodedRoute* route, envoy::Version content) const;
  bool is_touched(envoy::Version content) const;
  bool is_left_out(envoy::Version content) const;
  void collect_left_out(const envoy::VirtualHost& before,
                        const absl::flat_hash_set<std::uint64_t>& after,
                        status::PieceChange& pieces) const;

  using EncodedChange = engine::Change<ObjectRef, envoy::EncodedRoute>;
  void collect_encoded(const EncodedChange& change);
  void collect_withdrawn(const EncodedChange& change);
  void serve_last_accepted(const Name& piece);
  void note_acceptance(const ObjectRef& route);
  bool is_accepted(const ObjectRef& route) const;

  using Chains = std::map<std::string, envoy::FilterChain>;  // by name
  std::map<status::GatewayResource, Chains> accepted_chains_;

  // Routes of which some proxies have not accepted the present encoding, with the one before.
  absl::flat_hash_map<ObjectRef, envoy::LastAccepted> unaccepted_;
  // Those by content, made when it is needed and valid until the next commit.
  absl::flat_hash_map<std::string, std::vector<ObjectRef>> unaccepted_by_content_;
  absl::flat_hash_map<ObjectRef, std::vector<envoy::GatewayCluster>> clusters_before_;

  Outcome outcome_;                             // filled by watchers during a commit
  absl::flat_hash_set<Name> held_or_released_;  // rule pieces since the last commit
  std::vector<EncodedChange> encoded_;          // in this commit
  std::vector<ObjectRef> delivered_;            // routes, since the last commit
  absl::flat_hash_set<status::RouteInTable>
      sent_;  // routes that a changed host of this commit carries
};

}  // namespace kgw::app
