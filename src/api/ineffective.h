// Labels and annotations of kgateway's groups that have no effect: misspelt ones, those on a kind
// that they do not belong to, and those that this version does not follow yet.
//
// Decoding keeps metadata of these groups (kinds_common.cc), so this needs the object only.
#pragma once

#include <array>
#include <string_view>

#include "api/diagnostic.h"
#include "api/meta.h"

namespace kgw {

// Of labels and annotations that kgateway defines.
inline constexpr std::array<std::string_view, 3> kOwnMetadataPrefixes = {
    "kgateway.dev/", "gateway.kgateway.dev/", "delegation.kgateway.dev/"};

// One warning for each. `weighted_routes`: kgateway.dev/route-weight is followed.
Diagnostics ineffective_metadata(const Object& object, bool weighted_routes);

}  // namespace kgw
