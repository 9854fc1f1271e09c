// key_text(key): the key of a table as text, for explain, traces and fatal messages.
//
// A key type says how it prints in one of these ways, tried in this order:
//   1. a free function `std::string key_text(const T&)` in the namespace of T (found by ADL);
//   2. a member `to_string()`, or a free `to_string(const T&)` found by ADL;
//   3. built in: everything convertible to std::string_view, arithmetic types, enums (as numbers),
//      and std::pair, std::tuple and std::optional of printable types.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace kgw::engine {

namespace key_text_detail {

void key_text();  // hides outer names, so that only ADL finds candidates
void to_string();

template <class T>
std::string print(const T& value);

template <class T>
struct BuiltIn;  // undefined: the key type does not print

template <class T>
  requires std::is_arithmetic_v<T>
struct BuiltIn<T> {
  static std::string print(T value) {
    if constexpr (std::same_as<T, bool>) return value ? "true" : "false";
    return std::to_string(value);
  }
};

template <class T>
  requires std::is_enum_v<T>
struct BuiltIn<T> {
  static std::string print(T value) {
    return std::to_string(static_cast<long long>(static_cast<std::underlying_type_t<T>>(value)));
  }
};

template <class... T>
std::string join(const T&... parts) {
  std::string text = "(";
  size_t position = 0;
  ((text += (position++ == 0 ? "" : ", "), text += key_text_detail::print(parts)), ...);
  return text + ")";
}

template <class A, class B>
struct BuiltIn<std::pair<A, B>> {
  static std::string print(const std::pair<A, B>& value) { return join(value.first, value.second); }
};

template <class... T>
struct BuiltIn<std::tuple<T...>> {
  static std::string print(const std::tuple<T...>& value) {
    return std::apply([](const T&... parts) { return join(parts...); }, value);
  }
};

template <class T>
struct BuiltIn<std::optional<T>> {
  static std::string print(const std::optional<T>& value) {
    return value ? key_text_detail::print(*value) : "-";
  }
};

template <class T>
std::string print(const T& value) {
  if constexpr (requires { std::string(key_text(value)); }) {
    return std::string(key_text(value));
  } else if constexpr (requires { std::string(value.to_string()); }) {
    return std::string(value.to_string());
  } else if constexpr (requires { std::string(to_string(value)); }) {
    return std::string(to_string(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return std::string(std::string_view(value));
  } else {
    static_assert(
        requires { BuiltIn<T>::print(value); },
        "a table key needs key_text(const T&) or to_string(), see engine/key_text.h");
    return BuiltIn<T>::print(value);
  }
}

}  // namespace key_text_detail

template <class T>
std::string key_text(const T& key) {
  return key_text_detail::print(key);
}

}  // namespace kgw::engine
