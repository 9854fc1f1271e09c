// Values of header filters: text in which Envoy fills in %COMMAND% (its substitution format).
//
// Gateway API knows no such formats, but kgateway hands values to Envoy as they are and its users
// rely on it, so what reads as a command is one and "%%" stands for "%". Any other "%" would make
// Envoy refuse the whole table; it is taken literally, as the user meant it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/envoy_rules.h"

namespace kgw::policy {

// check_header_value(), and that each command is one that Envoy has and that a route may use, with
// an argument and a length that Envoy takes.
Problem check_header_format(std::string_view value);

// How Envoy's configuration writes it. REQUIRES: checked.
std::string header_format(std::string_view value);

// How Envoy's configuration writes a value in which nothing is to be filled in.
std::string literal_value(std::string_view value);

// A use of each command that is known, for tests against a real Envoy.
std::vector<std::string> known_header_commands();

}  // namespace kgw::policy
