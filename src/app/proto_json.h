// Encoded Envoy resources as JSON, for people: translate, golden tests, /snapshots/xds.
#pragma once

#include <nlohmann/json.hpp>

#include "envoy/resource.h"

namespace kgw::app {

enum class Secrets { kShow, kHide };

// The resource with Envoy's field names (snake_case), durations as text, Any expanded. With kHide a
// Secret is reduced to its name. Bytes that do not parse give {"error": ...}.
nlohmann::ordered_json to_json(envoy::ResourceType type, const envoy::Resource& resource,
                               Secrets secrets);

}  // namespace kgw::app
