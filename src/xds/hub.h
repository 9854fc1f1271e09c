// Hub: every group's snapshot, ledger and streams, without transport.
//
// A stream waits unanswered until all sources are synced and its group was published once; the Hub
// takes one request at a time from each (Sink::read_next), so a waiting stream costs one request.
// Thread: one (the core).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "api/ref.h"
#include "xds/deferred.h"
#include "xds/ledger.h"
#include "xds/request.h"
#include "xds/stream.h"

namespace kgw::xds {

using StreamId = std::uint64_t;

// The transport, as the Hub sees it. Unknown ids (of streams that just ended) are ignored.
class Sink {
 public:
  virtual ~Sink() = default;
  // Returns the size of the message in bytes.
  virtual std::size_t send(StreamId id, Protocol protocol, const Response& response) = 0;
  virtual void read_next(StreamId id) = 0;
  // Ends the stream with UNAVAILABLE.
  virtual void close(StreamId id, const std::string& reason) = 0;
};

struct Proxy {
  Protocol protocol = Protocol::kDelta;
  ObjectKey group;
  Node node;
  std::string peer;
};

class Hub final : public Ledger {
 public:
  Hub(StreamOptions options, Sink& sink, LedgerObserver& observer, Time now);
  ~Hub() override;

  // An empty edit makes the group known.
  void publish(const ObjectKey& group, Edit edit);
  // Ends its streams; proxies keep what they hold and wait when they come back.
  void remove_group(const ObjectKey& group);
  void set_synced();
  void tick(Time now);

  void opened(StreamId id, Proxy proxy);
  void request(StreamId id, Request request);
  void closed(StreamId id);

  std::size_t proxies(const ObjectKey& group) const override;
  Delivery delivery(const ObjectKey& group, const ResourceKey& key) const override;
  std::optional<Nack> nack(const ObjectKey& group, const ResourceKey& key) const override;
  std::vector<std::pair<ResourceKey, Nack>> nacks(const ObjectKey& group) const override;
  std::vector<ProxyView> proxies_of(const ObjectKey& group, const ResourceKey& key) const override;
  const Snapshot* snapshot(const ObjectKey& group) const override;
  std::vector<ObjectKey> groups() const override;
  Stats& stats() { return stats_; }

 private:
  struct Connection {
    Proxy proxy;
    std::unique_ptr<Stream> stream;  // null while it waits
    std::optional<Request> waiting;
    std::array<Time, kTypeCount> sent{};  // when the last response of a type was handed over
  };
  struct Group {
    Group(const ObjectKey& key, Stats& stats, LedgerEvents& events)
        : ledger(key, snapshot, stats, events) {}
    Snapshot snapshot;
    Deferred deferred;
    GroupLedger ledger;
    HeldBases bases;
    absl::btree_map<StreamId, Connection*> streams;
  };

  Group* find(const ObjectKey& key) const;
  void apply(Group& group, Edit edit);
  void handle(StreamId id, Connection& connection, Group& group, const Request& request);
  void start(StreamId id, Connection& connection, Group& group);
  void start_waiting();
  void deliver(StreamId id, Connection& connection, const Responses& responses);
  void detach(StreamId id, Connection& connection, Group& group);
  void proxies_changed(const ObjectKey& group, std::size_t proxies);
  // Ends every public function that may have changed something.
  void report();

  const StreamOptions options_;
  Sink& sink_;
  LedgerObserver& observer_;
  Time now_;
  bool synced_ = false;
  bool reporting_ = false;
  LedgerEvents events_;
  Stats stats_;
  absl::btree_map<ObjectKey, std::unique_ptr<Group>> groups_;
  absl::btree_map<StreamId, std::unique_ptr<Connection>> connections_;
};

}  // namespace kgw::xds
