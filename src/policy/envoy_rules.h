// Envoy's own rules for values, applied before publication: one value that Envoy refuses makes it
// refuse the whole resource that carries it. Each check returns what is wrong, in words, or
// nothing. Sources: the validate.rules of route_components.proto and base.proto, header_parser.cc,
// regex.cc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kgw::policy {

using Problem = std::optional<std::string>;

// Envoy's default for `re2.max_program_size.error_level`; seen in force in 1.40. A bootstrap that
// raises the level must raise this with it.
inline constexpr int kMaxRegexProgram = 100;

// The longest header name or value that Envoy's configuration takes, in bytes.
inline constexpr std::size_t kMaxHeaderBytes = 16384;

Problem check_regex(std::string_view pattern);
// A token of RFC 9110; neither a `:`-header nor Host, which Envoy lets nobody modify.
Problem check_header_edit_name(std::string_view name);
Problem check_header_name(std::string_view name);
// No NUL, CR or LF.
Problem check_header_value(std::string_view value);
// Starts with "/", without query, fragment or control characters.
Problem check_path(std::string_view path);
// A host name or address, perhaps with a port, that may stand in a Host header or a Location.
Problem check_host(std::string_view host);
Problem check_cookie_name(std::string_view name);

std::string to_lower(std::string_view text);

}  // namespace kgw::policy
