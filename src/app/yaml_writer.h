// JSON values as block-style YAML, the way kubectl prints objects. Deterministic: keys keep their
// order.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace kgw::app {

std::string to_yaml(const nlohmann::ordered_json& value);

}  // namespace kgw::app
