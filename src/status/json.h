// Statuses in the form in which the API server and people see them (camelCase JSON).
#pragma once

#include <nlohmann/json.hpp>

#include "status/types.h"

namespace kgw::status {

nlohmann::ordered_json to_json(const Condition& condition);
// The value of `.status`. Conditions carry lastTransitionTime when it is not 0.
nlohmann::ordered_json to_json(const ObjectStatus& status);

// RFC 3339, UTC, seconds: "2026-11-23T15:00:00Z".
std::string rfc3339(std::int64_t seconds_since_epoch);

}  // namespace kgw::status
