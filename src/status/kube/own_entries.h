// What of an object's `.status` is ours, and how it is written beside what others wrote.
//
// - Routes and policies: the entries of `parents` or `ancestors` that carry our controllerName.
//   Both lists are atomic in the CRDs, so entries of other controllers are written back unchanged.
// - Everything else: the conditions of the types this product writes, and every other field of the
//   status; conditions of other types are kept.
// Times: a condition whose status did not flip keeps the lastTransitionTime that the API server
// has. All functions are pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/ref.h"

namespace kgw::status {

// Whether the status of this kind holds entries of several controllers, ours among them only while
// somebody wants them.
bool shares_status(Kind kind);

// A digest of our entries in `status` without transition times and independent of their order;
// 0 when there are none.
std::uint64_t own_digest(Kind kind, const nlohmann::json& status);

// `current` with our entries replaced by those of `own` (null: with our entries removed). `own` is
// what to_json(ObjectStatus) gives; `now` is the time of conditions that flip, in seconds since the
// epoch.
nlohmann::json with_own_entries(Kind kind, const nlohmann::json& current, const nlohmann::json* own,
                                std::int64_t now);

}  // namespace kgw::status
