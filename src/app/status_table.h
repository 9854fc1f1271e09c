// The body of /status as a table for a terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace kgw::app {

std::string status_table(const nlohmann::ordered_json& status);

}  // namespace kgw::app
