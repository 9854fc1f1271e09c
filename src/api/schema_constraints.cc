#include <fmt/format.h>
#include <re2/re2.h>
#include <xxhash.h>

#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "api/schema_type.h"
#include "api/schema_words.h"

namespace kgw::schema {
namespace {

// Patterns are few and repeat: each is compiled once and kept.
const re2::RE2* compile(const std::string& regex) {
  static std::mutex* mutex = new std::mutex;
  static auto* known = new std::unordered_map<std::string, std::unique_ptr<re2::RE2>>;
  std::lock_guard lock(*mutex);
  std::unique_ptr<re2::RE2>& compiled = (*known)[regex];
  if (compiled == nullptr) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    compiled = std::make_unique<re2::RE2>(regex, options);
    if (!compiled->ok()) std::abort();  // a pattern in our own source
  }
  return compiled.get();
}

bool matches(std::string_view text, const re2::RE2& regex) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

}  // namespace

Constraints& Constraints::length(std::uint32_t min, std::optional<std::uint32_t> max) {
  min_length = min;
  longest = max;
  return *this;
}

Constraints& Constraints::pattern(std::string_view text) {
  regex = text;
  compiled = compile(regex);
  return *this;
}

Constraints& Constraints::prefix_length(std::uint32_t max) {
  longest_prefix = max;
  return *this;
}

Constraints& Constraints::range(std::optional<std::int64_t> min, std::optional<std::int64_t> max) {
  minimum = min;
  maximum = max;
  return *this;
}

Constraints& Constraints::one_of(std::vector<std::string> values) {
  allowed = std::move(values);
  return *this;
}

Constraints& Constraints::one_of_numbers(std::vector<std::int64_t> values) {
  allowed_numbers = std::move(values);
  return *this;
}

Constraints& Constraints::size(std::uint32_t min, std::optional<std::uint32_t> max) {
  min_size = min;
  largest = max;
  return *this;
}

Constraints& Constraints::items(Constraints each) {
  item = std::make_shared<const Constraints>(std::move(each));
  return *this;
}

Constraints& Constraints::keys(Constraints each) {
  key = std::make_shared<const Constraints>(std::move(each));
  return *this;
}

Constraints& Constraints::unique() {
  is_set = true;
  return *this;
}

Constraints& Constraints::unique_by(std::vector<std::string> fields) {
  map_keys = std::move(fields);
  return *this;
}

Constraints& Constraints::wrapped_in(std::string_view field) {
  wrapper = field;
  return *this;
}

Constraints& Constraints::base64() {
  codec = Codec::kBase64;
  return *this;
}

Constraints& Constraints::text_only() {
  codec = Codec::kText;
  return *this;
}

Constraints& Constraints::binary_only() {
  codec = Codec::kBase64Binary;
  return *this;
}

Constraints& Constraints::keep_keys(std::vector<std::string> prefixes) {
  kept_prefixes = std::move(prefixes);
  return *this;
}

Constraints& Constraints::total_bytes(std::size_t max) {
  max_total_bytes = max;
  return *this;
}

bool check_string(Context& context, std::uint32_t line, std::string_view value,
                  const Constraints& constraints) {
  const std::size_t before = context.error_count();
  if (!constraints.allowed.empty() &&
      std::ranges::find(constraints.allowed, value) == constraints.allowed.end()) {
    context.error(line, reason::kUnsupportedValue, unsupported(quote(value), constraints.allowed));
  }
  if (constraints.min_length > 0 || constraints.longest) {
    const std::size_t length = code_points(value);
    if (length < constraints.min_length) {
      context.error(line, reason::kInvalidValue,
                    fmt::format("Invalid value: {}: should be at least {} chars long", quote(value),
                                constraints.min_length));
    } else if (constraints.longest && length > *constraints.longest) {
      context.error(line, reason::kTooLong,
                    fmt::format("Too long: may not be more than {} chars", *constraints.longest));
    }
  }
  if (constraints.compiled != nullptr && context.error_count() == before &&
      !matches(value, *constraints.compiled)) {
    context.error(
        line, reason::kInvalidValue,
        fmt::format("Invalid value: {}: should match '{}'", quote(value), constraints.regex));
  }
  const std::size_t slash = value.find('/');
  if (constraints.longest_prefix && context.error_count() == before &&
      slash != std::string_view::npos && slash > *constraints.longest_prefix) {
    context.error(line, reason::kTooLong,
                  fmt::format("Too long: its prefix may not be more than {} chars",
                              *constraints.longest_prefix));
  }
  return context.error_count() == before;
}

bool check_size(Context& context, std::uint32_t line, std::size_t size,
                const Constraints& constraints) {
  if (size < constraints.min_size) {
    context.error(line, reason::kInvalidValue,
                  fmt::format("Invalid value: {}: should have at least {} items", size,
                              constraints.min_size));
    return false;
  }
  if (constraints.largest && size > *constraints.largest) {
    context.error(
        line, reason::kTooMany,
        fmt::format("Too many: {}: must have at most {} items", size, *constraints.largest));
    return false;
  }
  return true;
}

void wrong_type(Context& context, const doc::Node& node, std::string_view expected) {
  std::string shown(doc::name_of(node.kind()));
  if (!node.is_mapping() && !node.is_sequence()) {
    shown = node.is_string() ? quote(node.as_string()) : doc::to_json(node);
  }
  // YAML reads unquoted 80, 1.5, yes, on, n and the like as something other than text.
  const bool unquoted = expected == "string" && !node.is_mapping() && !node.is_sequence();
  context.error(node.line(), reason::kInvalidType,
                fmt::format("Invalid value: {}: must be of type {}{}", shown, expected,
                            unquoted ? "; put it in quotes" : ""));
}

void Hasher::add(std::uint64_t value) {
  state_ = XXH3_64bits_withSeed(&value, sizeof value, state_);
}

void Hasher::add(std::string_view text) {
  state_ = XXH3_64bits_withSeed(text.data(), text.size(), state_ + text.size());
}

}  // namespace kgw::schema
