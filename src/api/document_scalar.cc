// What an unquoted YAML scalar means. The source of truth is go-yaml v2, which kubectl uses
// (through sigs.k8s.io/yaml): YAML 1.1 booleans, Go's integer literals with `_` as separator,
// floats, null; no timestamps, no base 60. Not-a-number and infinity do not exist in JSON: error.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>

#include "api/document_internal.h"

namespace kgw::doc::internal {
namespace {

constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 12> kNotJson = {".nan",  ".NaN",  ".NAN",  ".inf",
                                                       ".Inf",  ".INF",  "+.inf", "+.Inf",
                                                       "+.INF", "-.inf", "-.Inf", "-.INF"};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& list) {
  for (const std::string_view entry : list) {
    if (entry == text) return true;
  }
  return false;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Go's integer literals: 0x, 0o, 0b and a leading 0 for octal, with a sign.
std::optional<Node> integer(std::string_view text, std::uint32_t line) {
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  constexpr std::uint64_t kMax = static_cast<std::uint64_t>(INT64_MAX);
  if (value > kMax + (negative ? 1 : 0)) {
    const double rounded = static_cast<double>(value);
    return Node::floating(negative ? -rounded : rounded, line);
  }
  return Node::integer(static_cast<std::int64_t>(negative ? 0 - value : value), line);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
std::optional<Node> floating(std::string_view text, std::uint32_t line) {
  const bool positive_sign = text.starts_with('+');
  if (positive_sign) text.remove_prefix(1);
  std::string_view rest = text;
  if (!positive_sign && rest.starts_with('-')) rest.remove_prefix(1);
  if (rest.empty() || !(is_digit(rest[0]) || rest[0] == '.')) return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return Node::floating(value, line);
}

Node resolve_plain(std::string_view text, std::uint32_t line) {
  if (is_one_of(text, kNull)) return Node::null(line);
  const char first = text[0];
  if (is_digit(first) || first == '+' || first == '-' || first == '.') {
    const bool separated = text.find('_') != std::string_view::npos && first != '.';
    std::string joined;
    if (separated) std::ranges::remove_copy(text, std::back_inserter(joined), '_');
    const std::string_view plain = separated ? std::string_view(joined) : text;
    if (first != '.') {
      if (auto node = integer(plain, line)) return *node;
    }
    if (auto node = floating(plain, line)) return *node;
    return Node::string(text, line);
  }
  if (is_one_of(text, kTrue)) return Node::boolean(true, line);
  if (is_one_of(text, kFalse)) return Node::boolean(false, line);
  return Node::string(text, line);
}

}  // namespace

std::expected<Node, std::string> resolve_scalar(std::string_view text, std::string_view tag,
                                                std::uint32_t line) {
  if (tag == "!!str" || tag == "!") return Node::string(text, line);
  if (is_one_of(text, kNotJson)) {
    return std::unexpected(fmt::format("the number {} cannot be represented", text));
  }
  Node node = resolve_plain(text, line);
  if (tag.empty()) return node;
  if (tag == "!!float" && node.kind() == Kind::kInt) {
    return Node::floating(static_cast<double>(node.as_int()), line);
  }
  const bool fits = (tag == "!!bool" && node.kind() == Kind::kBool) ||
                    (tag == "!!int" && node.kind() == Kind::kInt) ||
                    (tag == "!!float" && node.kind() == Kind::kFloat) ||
                    (tag == "!!null" && node.kind() == Kind::kNull) ||
                    (tag == "!!timestamp" && node.kind() == Kind::kString);
  if (fits) return node;
  return std::unexpected(fmt::format("cannot read '{}' as {}", text.substr(0, 100), tag));
}

}  // namespace kgw::doc::internal
