#include "envoy/shard_key.h"

#include <algorithm>
#include <array>
#include <ranges>

namespace kgw::envoy {
namespace {

// All that a hostname may consist of, but for the dot.
constexpr std::string_view kAlphabet = "-0123456789_abcdefghijklmnopqrstuvwxyz";
// The vector of each. Found by trying random ones: the best spread of names with numbers of equal
// and of growing length, of hexadecimal names, and of words (shard_key_test.cc keeps it).
constexpr std::array<std::uint8_t, kAlphabet.size()> kVectors = {
    29, 8,  28, 3,  41, 45, 20, 2, 1,  27, 39, 38, 11, 4,  47, 56, 13, 58, 36,
    48, 54, 56, 18, 6,  11, 52, 9, 36, 46, 55, 46, 4,  27, 53, 8,  1,  0,  46};
constexpr std::uint32_t kStrange = kShards - 1;  // shard of hosts that no exact name can be

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The XOR of a name's characters, of which `ignored` counts nothing; kStrange if there are others.
std::uint32_t hash(std::string_view name, char ignored) {
  std::uint32_t sum = 0;
  for (const char c : name) {
    if (c == ignored) continue;
    const std::size_t at = kAlphabet.find(lower(c));
    if (at == std::string_view::npos) return kStrange;
    sum ^= kVectors[at];
  }
  return sum;
}

bool is_label(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return kAlphabet.contains(lower(c)); });
}

std::uint32_t hash_label(std::string_view host, std::uint8_t label) {
  for (std::uint8_t i = 1; i < label; ++i) {
    const std::size_t dot = host.rfind('.');
    if (dot == std::string_view::npos || !is_label(host.substr(dot + 1))) return kStrange;
    host = host.substr(0, dot);
  }
  const std::size_t dot = host.rfind('.');
  return hash(dot == std::string_view::npos ? host : host.substr(dot + 1), '\0');
}

// A class of the characters whose vectors have, or have not, the bit.
std::string character_class(std::uint32_t bit, bool set, bool with_dot) {
  std::string chars;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    if (((kVectors[i] >> bit & 1) != 0) != set) continue;
    const char c = kAlphabet[i];
    chars += c;
    if (c >= 'a' && c <= 'z') chars += static_cast<char>(c - 'a' + 'A');
  }
  if (with_dot && !set) chars += '.';
  return "[" + chars + "]";  // "-" is the first character of the alphabet, thus literal
}

std::string matches(std::string_view pattern) {
  return "request.host.matches('" + std::string(pattern) + "')";
}

// The number whose bits are those of the patterns that do not match.
std::string sum_of(const std::vector<std::string>& patterns) {
  std::string sum;
  std::uint32_t value = 1;
  for (const std::string& pattern : patterns) {
    sum +=
        (sum.empty() ? "((" : " + (") + matches(pattern) + " ? 0 : " + std::to_string(value) + ")";
    value <<= 1;
  }
  return sum + ")";
}

}  // namespace

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  const bool in_brackets = bracket != std::string_view::npos && colon < bracket;
  return in_brackets ? host : host.substr(0, colon);
}

std::uint32_t shard_of_request(const Layout& layout, std::string_view host) {
  host = without_port(host);
  return layout.label == 0 ? hash(host, '.') : hash_label(host, layout.label);
}

std::size_t fixed_labels(std::string_view wildcard) {
  return static_cast<std::size_t>(std::ranges::count(wildcard, '.'));
}

std::uint32_t shard_of(const Layout& layout, std::string_view domain) {
  if (!layout.sharded) return 0;
  if (!domain.starts_with('*')) return shard_of_request(layout, domain);
  if (layout.label == 0 || fixed_labels(domain) < layout.label) return kEveryShard;
  return shard_of_request(layout, domain);
}

std::vector<std::string> shard_patterns(const Layout& layout, bool has_port) {
  const bool whole = layout.label == 0;
  const std::string before = whole ? "^" : "(?:^|[.])";
  std::string after;
  if (layout.label > 1) after = "(?:[.][-0-9A-Z_a-z]+){" + std::to_string(layout.label - 1) + "}";
  after += has_port ? std::string(kPortPattern) : "$";
  std::vector<std::string> patterns;
  for (std::uint32_t bit = 0; bit < kShardBits; ++bit) {
    const std::string even = character_class(bit, false, whole);
    const std::string odd = character_class(bit, true, whole);
    patterns.push_back(before + "(?:" + even + "|" + odd + even + "*" + odd + ")*" + after);
  }
  return patterns;
}

std::string shard_expression(const Layout& layout) {
  return matches(kPortPattern) + " ? " + sum_of(shard_patterns(layout, true)) + " : " +
         sum_of(shard_patterns(layout, false));
}

}  // namespace kgw::envoy
