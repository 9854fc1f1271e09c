// Small pieces of the messages that decoding gives, in the words of the API server.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kgw::schema {

// The text in double quotes, cut when long.
std::string quote(std::string_view text);

// `Unsupported value: "x": supported values: "a", "b"`.
std::string unsupported(std::string_view shown_value, std::span<const std::string> allowed);

// The candidate that differs from `text` by the fewest edits (ignoring case), if that is at most
// a third of its length; empty otherwise.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

// RFC 3339. Parsing gives nothing for a text that is not a valid time.
std::string format_time(std::int64_t seconds);
bool parse_time(std::string_view text, std::int64_t& seconds);

// Standard base64 with padding; line breaks are skipped, as Go does.
std::string encode_base64(std::string_view bytes);
bool decode_base64(std::string_view text, std::string& bytes);

bool is_utf8(std::string_view bytes);

}  // namespace kgw::schema
