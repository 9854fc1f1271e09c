// JSON values as block-style YAML that reads back to the same values, here and with kubectl.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kgw {

// One document without `---`, ending in a newline. Members come in the order of the JSON value.
std::string to_yaml(const nlohmann::json& value);

}  // namespace kgw
