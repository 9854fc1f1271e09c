// Encoded Envoy resources as JSON, for people: translate, golden tests, /snapshots/xds.
#pragma once

#include <nlohmann/json.hpp>

#include "envoy/resource.h"

namespace kgw::app {

// kHide: of a Secret only its name. kHideHeaders: nor what stands in headers that routes set or ask
// for, which may be credentials.
enum class Secrets { kShow, kHide, kHideHeaders };

// The resource with Envoy's field names (snake_case), durations as text, Any expanded. Bytes that
// do not parse give {"error": ...}.
nlohmann::ordered_json to_json(envoy::ResourceType type, const envoy::Resource& resource,
                               Secrets secrets);

}  // namespace kgw::app
