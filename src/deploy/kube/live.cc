#include "deploy/kube/live.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>

#include "attach/model.h"
#include "deploy/kube/json_text.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

// What the API server leaves out.
bool is_nothing(const Json& value) {
  return value.is_null() || ((value.is_structured() || value.is_string()) && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && !text.empty() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string metadata_text(const Json& object, const char* name) {
  return object.is_object() && object.contains("metadata") ? text_of(object["metadata"], name) : "";
}

bool owns_replicas(const Json& live) {
  static const Json::json_pointer replicas("/fieldsV1/f:spec/f:replicas");
  static const Json::json_pointer managers("/metadata/managedFields");
  const Json none = Json::array();
  return std::ranges::any_of(
      live.contains(managers) ? live.at(managers) : none, [](const Json& entry) {
        return text_of(entry, "manager") == attach::kControllerName &&
               text_of(entry, "operation") == "Apply" && entry.contains(replicas);
      });
}

std::string hash_json(const Json& value) {
  const std::string dumped = value.dump();
  return fmt::format("{:016x}", XXH3_64bits(dumped.data(), dumped.size()));
}

Json content_of(Json live) {
  if (!live.is_object()) return live;
  live.erase("status");
  if (live.contains("metadata") && live["metadata"].is_object()) {
    for (const char* name : {"managedFields", "resourceVersion", "generation"}) {
      live["metadata"].erase(name);
    }
  }
  return live;
}

std::optional<Owner> owner_of(const Json& live) {
  if (!live.is_object() || !live.contains("metadata")) return std::nullopt;
  const Json& metadata = live["metadata"];
  if (!metadata.is_object() || !metadata.contains("ownerReferences")) return std::nullopt;
  for (const Json& owner : metadata["ownerReferences"]) {
    const bool is_gateway = text_of(owner, "kind") == "Gateway" &&
                            text_of(owner, "apiVersion").starts_with("gateway.networking.k8s.io/");
    if (!is_gateway) continue;
    return Owner{{text_of(metadata, "namespace"), text_of(owner, "name")}, text_of(owner, "uid")};
  }
  return std::nullopt;
}

// Maps that Kubernetes has as one value: whoever sets them owns them whole, and one more entry
// means something else. Source: mapType and structType "atomic" in Kubernetes' API.
bool is_one_value(const std::string& member) {
  return member == "selector" || member == "nodeSelector";
}

bool satisfies(const Json& live, const Json& wanted) {
  if (wanted.is_object()) {
    if (!live.is_object()) return false;
    return std::ranges::all_of(wanted.items(), [&](const auto& member) {
      const auto found = live.find(member.key());
      if (found == live.end()) return is_nothing(member.value());
      if (is_one_value(member.key())) return *found == member.value();
      return satisfies(*found, member.value());
    });
  }
  if (wanted.is_array()) {
    // A list of values is one value too: arguments, address ranges.
    const bool of_values =
        std::ranges::none_of(wanted, [](const Json& item) { return item.is_structured(); });
    if (of_values && !wanted.empty()) return live == wanted;
    return live.is_array() && std::ranges::all_of(wanted, [&](const Json& item) {
             return std::ranges::any_of(live,
                                        [&](const Json& other) { return satisfies(other, item); });
           });
  }
  return live == wanted;
}

bool is_current(const Json& live, const Json& known) {
  const auto version = number(metadata_text(live, "resourceVersion"));
  const auto known_version = number(metadata_text(known, "resourceVersion"));
  return !version || !known_version || *version >= *known_version;
}

}  // namespace kgw::deploy::kube
