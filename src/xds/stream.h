// Stream: the conversation with one proxy over one ADS stream, as a state machine without I/O.
//
// In: decoded requests, notices of what changed in the snapshot, and the time. Out: responses.
// The rules, shared by delta and state-of-the-world:
// - At most one response of each type is outstanding; what changes meanwhile is sent after its
// answer,
//   only the newest content of each name.
// - A proxy that says it holds a version is not sent it again when it connects; but every later new
//   subscription of a name is answered, with the resource or (delta) with its absence.
// - Make before break: listeners, scopes and routes wait for the new clusters that they may refer
// to
//   (gate.h); clusters, endpoints and secrets leave after the proxy accepted every listener and
//   route that was changed up to their removal. Endpoints of a known cluster wait for nothing.
// - Refused content is not sent again until it changes. Where Envoy's text names nobody, the
// response
//   is halved and sent again until the culprits stand alone; everybody else is served.
// - Nothing waits for ever: tick() lets go of what a silent proxy does not answer.
//   Only a refused listener or route keeps what its last accepted version may refer to.
// An updated cluster is followed by its endpoints, unchanged, because Envoy warms a changed cluster
// until it hears of them again.
//
// REQUIRES: every notice of the snapshot is given to changed() once, after it is applied.
// Thread: one (the core).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "xds/gate.h"
#include "xds/request.h"
#include "xds/snapshot.h"
#include "xds/subscription.h"

namespace kgw::xds {

struct StreamOptions {
  // How long new clusters hold back routes, and routes hold back removals, without an answer.
  Clock::duration gate_timeout = std::chrono::seconds(10);
  // How long a proxy that comes back keeps clusters that are gone, before it has told its routes.
  Clock::duration reconnect_grace = std::chrono::seconds(2);
};

// Hears what a stream owes to its proxy. behind() and caught_up() alternate for each key.
class StreamObserver {
 public:
  virtual ~StreamObserver() = default;
  virtual void behind(const ResourceKey& key) = 0;
  // `accepted` is the version that the proxy holds now; none if it left, or unsubscribed, or
  // removed.
  virtual void caught_up(const ResourceKey& key, std::optional<Version> accepted) = 0;
  virtual void rejected(const ResourceKey& key, Version version, std::string_view message) = 0;
  // A response was answered: an ACK or a NACK.
  virtual void answered(ResourceType type, bool ack) = 0;
};

enum class ProxyState : std::uint8_t { kNotSubscribed, kPending, kAccepted, kRejected };

class Stream {
 public:
  // `bases`: of all streams of this snapshot.
  Stream(const Snapshot& snapshot, StreamObserver& observer, HeldBases& bases,
         const StreamOptions& options, Time now);
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  virtual void request(const Request& request, Responses& out) = 0;
  void changed(const Notice& notice, Responses& out);
  void tick(Time now, Responses& out);
  // Tells the observer that nothing is owed any more. Only the destructor may follow.
  void close();

  ProxyState state(const ResourceKey& key) const;
  bool holds(const ResourceKey& key, Version version) const;
  std::size_t gates_released() const { return gates_released_; }

 protected:
  Subscription& subscription(ResourceType type) { return subscriptions_[index_of(type)]; }
  const Snapshot& snapshot() const { return snapshot_; }

  // `generation` 0: the proxy may be arbitrarily old. `force`: answer whatever is held.
  void mark(Subscription& s, const Name& name, Generation generation, bool force);
  // Every name that exists or is held. `generation` as for mark().
  void join_wildcard(Subscription& s, Generation generation);
  void leave_wildcard(Subscription& s);
  void subscribe(Subscription& s, const Name& name, Generation generation, bool force);
  void unsubscribe(Subscription& s, const Name& name);
  // Handles the answer to the outstanding response, if the nonce is that of it.
  void acknowledge(Subscription& s, const Request& request);
  // The proxy has said what it holds from before. If these are clusters, it may have lost its
  // connection before it got their endpoints.
  void claimed(const Subscription& s);
  // The proxy was connected before and may hold clusters that we do not know of.
  void hold_removals() { removals_held_since_ = now_; }
  void flush(Responses& out);
  // Notes what the proxy holds from now on.
  void hold(Subscription& s, const EntryPtr& entry);
  void drop(Subscription& s, const Name& name);

 private:
  // Fills what depends on the protocol; s.outstanding is what changes.
  virtual void compose(const Subscription& s, Response& response) = 0;
  // Whether the protocol can tell the proxy that a name is gone.
  virtual bool can_remove(const Subscription& s) const = 0;
  virtual void on_held(const Subscription&, const EntryPtr&, Held /*before*/) {}
  virtual void on_dropped(const Subscription&, const Name&, Held /*before*/) {}
  // What the proxy holds is no longer what the snapshot has.
  virtual void on_superseded(const Subscription&, const EntryPtr&) {}

  bool respond(Subscription& s, Response& response);
  bool select_dirty(Subscription& s, std::vector<Sent>& selection);
  void select_suspects(Subscription& s, std::vector<Sent>& selection);
  EntryPtr sendable(Subscription& s, const Name& name, const EntryPtr& current);
  bool may_remove(const Subscription& s, const Name& name, const Work& work);
  void commit(Subscription& s, std::vector<Sent> selection);
  void follow_with_endpoints(const Name& cluster);
  void await_endpoints(const Name& cluster);
  bool lacks_endpoints(const Name& cluster) const;

  void accept(Subscription& s, const Sent& sent);
  void refuse(Subscription& s, std::vector<Sent> sent, std::string_view error);
  void reject(Subscription& s, const Sent& sent, std::string_view message);
  void forget_endpoints(Subscription& s, const Name& name);
  void suspect(Subscription& s, std::vector<Sent> group);
  void send_again(Subscription& s, const Sent& removal);

  void forget(Subscription& s, const Name& name);
  void drop_work(Subscription& s, const Name& name, std::optional<Version> accepted);
  void settle(ResourceType type, const Name& name);
  void thaw();
  // The oldest generation that some listener, scope or route of the proxy lags behind.
  Generation oldest_consumer() const;
  bool kept_by_rejection(Generation removed) const;

  const Snapshot& snapshot_;
  StreamObserver& observer_;
  HeldBases& bases_;
  const StreamOptions& options_;
  Time now_;
  std::array<Subscription, kTypeCount> subscriptions_;
  ClusterGate gate_;
  // Clusters sent before the proxy spoke of endpoints: one that reconnects may hold old ones.
  absl::flat_hash_set<Name> sent_early_;
  std::optional<Time> removals_held_since_;
  absl::flat_hash_map<ResourceKey, Time> waiting_removals_;
  std::uint64_t last_nonce_ = 0;
  std::size_t gates_released_ = 0;
  bool settled_ = false;  // something stopped being owed without being sent
};

}  // namespace kgw::xds
