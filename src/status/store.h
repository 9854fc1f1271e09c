// StatusStore: the statuses as last reported, with the times at which conditions changed.
//
// Keeps for each object what a reader sees; update() merges a new status into it the way the API
// server's clients do: a condition whose status did not flip keeps its lastTransitionTime. Reports
// whether anything differs, so that a writer writes only then. A status is shared with the table
// that computed it; of its own the store has only the times.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "api/box.h"
#include "api/ref.h"
#include "status/types.h"

namespace kgw::status {

class StatusStore {
 public:
  // True when the stored status changed. `now`: seconds since the epoch.
  // REQUIRES: `status` is not null and has no times.
  bool update(const ObjectRef& object, std::shared_ptr<const ObjectStatus> status,
              std::int64_t now);
  void erase(const ObjectRef& object) { statuses_.erase(object); }

  // With the times.
  std::optional<ObjectStatus> find(const ObjectRef& object) const;
  // f(const ObjectRef&, const ObjectStatus&), in the order of objects.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [object, stored] : statuses_) f(object, stored.with_times());
  }
  // How often update() found a difference: the writes that an API server would have seen.
  std::uint64_t writes() const { return writes_; }

 private:
  struct Stored {
    Stored(std::shared_ptr<const ObjectStatus> status, const std::vector<std::int64_t>& times);
    ObjectStatus with_times() const;

    std::shared_ptr<const ObjectStatus> status;
    std::int64_t time = 0;                // of all conditions
    Box<std::vector<std::int64_t>> each;  // or of each, where they differ
  };

  absl::btree_map<ObjectRef, Stored> statuses_;
  std::uint64_t writes_ = 0;
};

}  // namespace kgw::status
