// StatusStore: the statuses as last reported, with the times at which conditions changed.
//
// Keeps for each object what a reader sees; update() merges a new status into it the way the API
// server's clients do: a condition whose status did not flip keeps its lastTransitionTime. Reports
// whether anything differs, so that a writer writes only then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/container/btree_map.h"
#include "api/ref.h"
#include "status/types.h"

namespace kgw::status {

class StatusStore {
 public:
  // True when the stored status changed. `now`: seconds since the epoch.
  bool update(const ObjectRef& object, ObjectStatus status, std::int64_t now);
  void erase(const ObjectRef& object) { statuses_.erase(object); }

  const ObjectStatus* find(const ObjectRef& object) const;
  const absl::btree_map<ObjectRef, ObjectStatus>& all() const { return statuses_; }
  // How often update() found a difference: the writes that an API server would have seen.
  std::uint64_t writes() const { return writes_; }

 private:
  absl::btree_map<ObjectRef, ObjectStatus> statuses_;
  std::uint64_t writes_ = 0;
};

}  // namespace kgw::status
