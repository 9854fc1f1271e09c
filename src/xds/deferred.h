// Deferred: the part of a group's edits that may wait for the next tick.
//
// Envoy builds a whole route table anew for each change. While only the connections of a draining
// filter chain use a table (Edit::unhurried), many changes of it are sent as one, once a second, so
// that it does not hold up what everybody else uses. What goes meanwhile goes with it: the table may
// still name it.
#pragma once

#include <map>

#include "absl/container/btree_set.h"
#include "xds/snapshot.h"

namespace kgw::xds {

class Deferred {
 public:
  // Takes out of `edit` what may wait, and adds what need not wait any more. `current`: what the
  // edit is about to change; a table that is new there does not wait.
  void sift(Edit& edit, const Snapshot& current);
  // Everything that waits, which then does no more.
  Edit take();
  bool empty() const { return upserts_.empty() && removals_.empty(); }

 private:
  std::map<ResourceKey, Resource> upserts_;
  absl::btree_set<ResourceKey> removals_;  // empty if nothing else waits
};

}  // namespace kgw::xds
