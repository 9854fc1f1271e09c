// ClusterGate: which clusters a stream's proxy cannot use yet, so that no route points at them.
//
// A new cluster is unsettled until the proxy has answered for it in CDS and, where it has a
// ClusterLoadAssignment, for the first one in EDS. A listener or route of generation g may refer to
// any cluster added up to g; so it may be sent iff all unsettled clusters were added after g.
// Clusters that the proxy holds already never appear here, so their changes gate nothing.
#pragma once

#include <chrono>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "xds/snapshot.h"

namespace kgw::xds {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

class ClusterGate {
 public:
  static constexpr Generation kOpen = std::numeric_limits<Generation>::max();

  void add(const Name& cluster, Generation added, Time now);
  // The proxy answered for the cluster in CDS; it stays unsettled if its endpoints are awaited.
  void answered(const Name& cluster, bool awaits_endpoints);
  // An unsettled cluster is sent once more.
  void asked_again(const Name& cluster);
  // The proxy answered for the cluster's endpoints, or there are none any more.
  void endpoints_answered(const Name& cluster);
  // Returns whether the cluster was unsettled.
  bool remove(const Name& cluster);
  void clear();
  // Gives up on clusters that are unsettled for `age` or longer; returns how many.
  std::size_t release(Time now, Clock::duration age);

  // Consumers changed before this generation may be sent.
  Generation open_below() const;
  bool empty() const { return unsettled_.empty(); }

 private:
  struct Unsettled {
    Generation added;
    Time since;
    bool awaits_endpoints = false;
  };
  absl::flat_hash_map<Name, Unsettled> unsettled_;
  // Minimum of `added`; kOpen when none, 0 when it must be computed again.
  mutable Generation lowest_ = kOpen;
};

}  // namespace kgw::xds
