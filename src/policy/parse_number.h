// Whole numbers in annotations.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace kgw::policy {

// Empty when `text` is anything but one number that fits.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return {};
  return value;
}

}  // namespace kgw::policy
