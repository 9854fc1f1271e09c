// Reading JSON that others wrote, which may be anything.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kgw::deploy::kube {

// The string member of an object; empty if it is not there or not a string.
inline std::string text_of(const nlohmann::json& object, std::string_view member) {
  if (!object.is_object()) return "";
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// The member of an object; null if it is not there.
inline nlohmann::json member_of(const nlohmann::json& object, const char* member) {
  return object.is_object() ? object.value(member, nlohmann::json()) : nlohmann::json();
}

}  // namespace kgw::deploy::kube
