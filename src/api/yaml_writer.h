// JSON values as block-style YAML, the way kubectl prints objects; it reads back to the same values,
// here and with kubectl. Members come in the order of the JSON value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kgw {

// One document without `---`, ending in a newline.
std::string to_yaml(const nlohmann::json& value);
std::string to_yaml(const nlohmann::ordered_json& value);

}  // namespace kgw
