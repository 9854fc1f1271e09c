// Feedback: turns what proxies say into inputs of the tables (contract 6: a NACK is handled as
// data).
//
// Delivered: the resources, and the routes that went out with a route table, become "acknowledged".
// Rejected: the resource's pieces (encoded rules, filter chains) that are new since the last
// accepted version are suspects; they are held back through the quarantine inputs and tried by
// halves (suspects.h), so that everybody else is served at once, and their objects as they were
// accepted last. What cannot be blamed on a piece is kept as the resource's rejection. A listener
// whose address is taken is no fault of its content: it is tried again when the address is free.
//
// The shards of a route table are searched as one: a rule of a wildcard stands in all of them, so
// what one shard refuses may be tested only while no other shard tests something else.
//
// Proxies of other replicas (replicas.h) count for what is delivered, and take no part in searches:
// each replica has its own, and tells the others what came out of it. Thread: the core.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "status/delivery.h"
#include "status/suspects.h"
#include "xds/ledger.h"

namespace kgw::status {

// What a commit changed inside one unit: a listener, or a route table with all of its shards.
struct PieceChange {
  GatewayResource unit;  // a listener, or the table's name as a RouteConfiguration
  // Those of the unit that are other ones because of this: the listener, or some shards.
  std::vector<GatewayResource> resources;
  // Pieces that came into, and went from, one part of the unit (a virtual host): `keys` of the
  // same content. Content may stand in several parts; it is new to the unit when it comes into the
  // first.
  struct Piece {
    Name content;  // what it is, whatever its state
    std::vector<Name>
        keys;     // by which it can be held back: the first now, the others when that did not help
    Owner owner;  // of one that is added
  };
  std::vector<Piece> added;
  std::vector<Piece> removed;
  // Keys of pieces that are there as before, but changed by a hold or a release.
  Suspects::Pieces restated;
  std::vector<std::pair<RouteInTable, envoy::Version>>
      routes;  // whose present rules went out with each of the resources
};

class Feedback final : public xds::LedgerObserver {
 public:
  // Holds a piece of a resource back, or lets it go (null).
  using Hold = std::function<void(envoy::ResourceType, const Name& piece, const Held* held)>;
  using Time = Suspects::Time;

  // Hears that proxies accepted the present version of a resource.
  using Accepted = std::function<void(const GatewayResource&)>;

  Feedback(
      Delivery& delivery, Hold hold, Accepted accepted = [](const GatewayResource&) {})
      : delivery_(delivery), hold_(std::move(hold)), accepted_(std::move(accepted)) {}

  // To be called with every commit's changes, before they are handed to the ADS server. True: some
  // of it has to be held back first, and the next commit does so.
  bool published(const std::vector<PieceChange>& changes);
  // Contents that were held back, or left out, and that nobody has any more.
  void withdrawn(const std::vector<PieceChange::Piece>& pieces);
  void removed(const GatewayResource& resource);
  // To be called before the edit is handed to the ADS server.
  void sent(const ObjectKey& gateway, const xds::Edit& edit);
  // The route's present encoding differs from the one before in nothing that proxies are sent.
  void same_on_the_wire(const RouteInTable& route, envoy::Version version);
  // The route has no rules in that table any more.
  void route_removed(const RouteInTable& route);

  // What would be refused, and was not sent therefore (envoy/constraints.h).
  void refused_here(const GatewayResource& resource, const std::string& message) {
    set(resource, {false, message});
  }

  void on_delivered(const ObjectKey& group, const xds::ResourceKey& key,
                    xds::Version version) override;
  void on_rejected(const ObjectKey& group, const xds::ResourceKey& key, xds::Version version,
                   const std::string& message) override;
  void on_proxies_changed(const ObjectKey& group, std::size_t proxies) override;

  // The halves of on_delivered(), for a Gateway that has proxies of other replicas too: those of
  // this one accept the present version, which is what a search waits for; and so do all others,
  // which is what statuses tell.
  void accepted_here(const GatewayResource& resource);
  void accepted_everywhere(const GatewayResource& resource);
  // A proxy of another replica refuses the present version, and no piece of it could be blamed
  // there.
  void refused_elsewhere(const GatewayResource& resource, const std::string& message);

  // Pieces of a unit, each with Envoy's words.
  using Pieces = std::map<Name, std::string>;
  // Holds back what other replicas have convicted, and nothing else that they did before. Waits for
  // the end of a search of this unit, which would take others' culprits for its own, or for
  // innocent.
  void hold_for_others(const GatewayResource& unit, Pieces pieces);
  // What the proxies of this replica refuse, by unit, where no search is under way.
  std::map<GatewayResource, Pieces> convictions(const ObjectKey& gateway) const;
  // Gateways of which convictions() may be others than when last asked.
  std::set<ObjectKey> take_judged() { return std::exchange(judged_, {}); }
  // What is refused of the resource's unit is being searched for, or not published without it yet:
  // what proxies say of it is not the last word.
  bool is_searching(const GatewayResource& resource) const;
  // No proxy of this replica is left to answer, but there are those of others.
  void give_up_searches(const ObjectKey& gateway);

  // Changes what is known of a Gateway's proxies besides their number (addresses, a problem).
  void update_proxies(const ObjectKey& gateway, const std::function<void(ProxyState&)>& change);
  void forget_proxies(const ObjectKey& gateway);

  // A Gateway that has had no connected proxy for `patience` has none (ProxyState::absent), until
  // one connects. A restart of the proxies or of this controller must be shorter.
  void tick(std::chrono::steady_clock::time_point now, std::chrono::seconds patience);

  // To be called after each commit that has been published: goes on with searches that wait for no
  // verdict.
  void advance();

  // What time it is; tests have their own.
  std::function<Time()> clock = [] { return std::chrono::steady_clock::now(); };

  // True once after anything above has set an input: the tables want a commit.
  bool take_changed() { return std::exchange(changed_, false); }
  // When advance() has something to do although nothing happens.
  std::optional<Time> next_release() const;
  // Listeners that Envoy could not bind; they are to be tried again when their address is free.
  const std::set<GatewayResource>& unbound() const { return unbound_; }

 private:
  struct Unit {
    Suspects suspects;
    absl::flat_hash_map<Name, int> uses;  // of each content
    absl::flat_hash_set<Name> resources;  // its own
    absl::flat_hash_set<Name> in_flight;  // of those: published, and no verdict yet
    std::map<Name, Held> held;            // as last told to hold_
    bool unpublished = false;             // what a refusal has changed in `held`
    bool refused = false;                 // the present version, and no piece can be blamed
  };
  struct Others {
    Pieces wanted;
    Pieces applied;
  };
  enum class Verdict : std::uint8_t { kPending, kAccepted, kRefused };
  struct Tracked {
    GatewayResource unit;
    std::optional<envoy::Version> version;  // the last that was sent
    Verdict verdict = Verdict::kPending;    // on that
    std::map<RouteInTable, envoy::Version> undelivered;
  };

  void publish(const PieceChange& change);
  void go_on(const GatewayResource& id, Unit& unit);
  void apply_holds(const GatewayResource& id, Unit& unit);
  void apply(const GatewayResource& id, Unit& unit, const std::map<Name, Held>& wanted);
  bool is_held_for_others(const GatewayResource& id, const Name& piece) const;
  void adopt(const GatewayResource& id, Unit& unit, Others& others);
  void set(const GatewayResource& resource, ResourceDelivery delivery);
  void note_backend(const GatewayResource& resource, const std::string& rejection);
  void publish_shortfall(const ObjectKey& gateway);
  void deliver_routes(Tracked& tracked);
  void sent_again(const Name& resource, Tracked& tracked);

  Delivery& delivery_;
  Hold hold_;
  Accepted accepted_;
  std::map<ObjectKey, Shortfall> shortfalls_;
  std::map<GatewayResource, Unit> units_;
  std::map<GatewayResource, Tracked> tracked_;  // the resources of the units
  std::map<GatewayResource, Others> others_;    // what other replicas convict, by unit
  std::set<GatewayResource> searching_;         // units
  std::set<GatewayResource> paused_;            // units in which something waits for a time
  std::set<GatewayResource> released_;          // units whose last release no commit has taken up
  std::set<ObjectKey> judged_;
  absl::flat_hash_map<RouteInTable, int> waiting_;  // in how many resources a route is undelivered
  std::map<ObjectKey, ProxyState> proxies_;
  // Gateways without a connected proxy that are not absent yet, and when tick() first saw that.
  std::map<ObjectKey, std::optional<std::chrono::steady_clock::time_point>> alone_since_;
  std::set<GatewayResource> unbound_;
  bool changed_ = false;
};

// True if Envoy's words say that an address could not be bound (in use, privileged, not of this
// host).
bool is_bind_failure(const std::string& message);

}  // namespace kgw::status
