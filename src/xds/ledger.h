// Ledger: what the proxies of a group have accepted, for status and `explain`.
//
// A resource is delivered when every connected proxy that subscribes to it has accepted its current
// version, and at least one has. That is reported once per version. A rejection is reported once
// for each version and text, however many proxies say it, and is forgotten when the content changes
// or nobody rejects it any more. Thread: the core; observers are called there, after the event that
// caused it is handled, so they may publish.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "api/ref.h"
#include "xds/snapshot.h"
#include "xds/stats.h"
#include "xds/stream.h"

namespace kgw::xds {

class LedgerObserver {
 public:
  virtual ~LedgerObserver() = default;
  virtual void on_delivered(const ObjectKey& group, const ResourceKey& key, Version version) = 0;
  // `message`: Envoy's own words.
  virtual void on_rejected(const ObjectKey& group, const ResourceKey& key, Version version,
                           const std::string& message) = 0;
  // `proxies`: the number that are connected and served now.
  virtual void on_proxies_changed(const ObjectKey& group, std::size_t proxies) = 0;
};

struct Nack {
  Version version;
  std::string message;
  std::chrono::system_clock::time_point time;  // of the first
};

// "acked by `accepted` of `subscribed` proxies"
struct Delivery {
  std::optional<Version> current;  // none: no such resource
  std::size_t proxies = 0;         // connected
  std::size_t subscribed = 0;      // of those; accepted + rejected + pending
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  bool delivered = false;  // LedgerObserver has heard so, of this version
  std::optional<Nack> nack;
};

struct ProxyView {
  std::string node_id;
  std::string peer;
  ProxyState state = ProxyState::kNotSubscribed;
};

// The questions that one may ask.
class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual std::size_t proxies(const ObjectKey& group) const = 0;
  virtual Delivery delivery(const ObjectKey& group, const ResourceKey& key) const = 0;
  virtual std::optional<Nack> nack(const ObjectKey& group, const ResourceKey& key) const = 0;
  // Everything that is refused now.
  virtual std::vector<std::pair<ResourceKey, Nack>> nacks(const ObjectKey& group) const = 0;
  // Every connected proxy of the group and how it stands to this resource.
  virtual std::vector<ProxyView> proxies_of(const ObjectKey& group,
                                            const ResourceKey& key) const = 0;
  // What is published now; null if there is no such group.
  virtual const Snapshot* snapshot(const ObjectKey& group) const = 0;
  virtual std::vector<ObjectKey> groups() const = 0;
};

// What observers must hear once the current event is handled.
using LedgerEvents = std::vector<std::function<void(LedgerObserver&)>>;

// Counts for one group what its streams owe.
class GroupLedger final : public StreamObserver {
 public:
  GroupLedger(ObjectKey group, const Snapshot& snapshot, Stats& stats, LedgerEvents& events)
      : group_(std::move(group)), snapshot_(snapshot), stats_(stats), events_(events) {}

  // REQUIRES: called before the streams hear of the notice.
  void published(const Notice& notice);
  const Nack* nack(const ResourceKey& key) const;
  const absl::flat_hash_map<ResourceKey, Nack>& nacks() const { return nacks_; }
  // Some proxy refuses something that is current.
  bool refused() const { return !nacks_.empty(); }
  // The current version was reported as delivered. REQUIRES: there is one.
  bool delivered(const ResourceKey& key) const { return !undelivered_.contains(key); }

  void behind(const ResourceKey& key) override;
  void caught_up(const ResourceKey& key, std::optional<Version> accepted) override;
  void rejected(const ResourceKey& key, Version version, std::string_view message) override;
  void answered(ResourceType type, bool ack) override;

 private:
  struct Undelivered {
    Version version;
    bool accepted_once = false;
  };

  const ObjectKey group_;
  const Snapshot& snapshot_;
  Stats& stats_;
  absl::flat_hash_map<ResourceKey, std::uint32_t> behind_;  // by how many proxies
  absl::flat_hash_map<ResourceKey, Undelivered> undelivered_;
  absl::flat_hash_map<ResourceKey, Nack> nacks_;
  LedgerEvents& events_;
};

}  // namespace kgw::xds
