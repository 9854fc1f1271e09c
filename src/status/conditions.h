// How conditions are made: a type, whether it holds, and the words. Reasons are those of the
// Gateway API specification (v1.7) and of kgateway.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/meta.h"
#include "attach/listeners.h"
#include "status/types.h"

namespace kgw::status {

// The condition type that kgateway adds to the parents of a route.
inline constexpr std::string_view kRouteProgrammed = "kgateway.dev/Programmed";

// status True with `reason`.
Condition holds(std::string_view type, std::string_view reason, std::string_view message,
                std::int64_t generation);
// status False with the fault's reason and message.
Condition fails(std::string_view type, const attach::Fault& fault, std::int64_t generation);
// status Unknown.
Condition pending(std::string_view type, std::string_view reason, std::string_view message,
                  std::int64_t generation);
// fails() when there is a fault, else holds() with the type's own name as the reason.
Condition judge(std::string_view type, const attach::Fault& fault, std::string_view message,
                std::int64_t generation);

// The condition of that type, null when there is none.
const Condition* find(const Conditions& conditions, std::string_view type);

}  // namespace kgw::status
