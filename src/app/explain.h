// `kgateway explain`: why an object does, or does not, work: is it attached, resolved, in which
// resource and version, and which proxies acknowledged it; if not, what Envoy said.
#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <string>

#include "api/ref.h"

namespace kgw::app {

struct AdminView;

// Error: no such kind or object, one sentence. Thread: the core.
std::expected<nlohmann::ordered_json, std::string> explain(const std::string& kind,
                                                           const ObjectKey& key,
                                                           const AdminView& view);

// The same for people: indented text.
std::string explanation_text(const nlohmann::ordered_json& explanation);

}  // namespace kgw::app
