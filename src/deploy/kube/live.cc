#include "deploy/kube/live.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>

#include "attach/model.h"
#include "deploy/kube/json_text.h"
#include "deploy/kube/names.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

// What the API server leaves out.
bool is_nothing(const Json& value) {
  return value.is_null() || ((value.is_structured() || value.is_string()) && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

// Whether the field was applied by our field manager; any field, where the path is empty.
bool is_applied_with(const Json& live, const Json::json_pointer& field) {
  static const Json::json_pointer managers("/metadata/managedFields");
  const Json none = Json::array();
  return std::ranges::any_of(
      live.contains(managers) ? live.at(managers) : none, [&](const Json& entry) {
        return text_of(entry, "manager") == attach::kControllerName &&
               text_of(entry, "operation") == "Apply" && entry.contains(field);
      });
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

std::string metadata_annotation(const Json& object, const char* name) {
  static const Json::json_pointer annotations("/metadata/annotations");
  return object.is_object() && object.contains(annotations) ? text_of(object[annotations], name)
                                                            : "";
}

std::optional<std::string> applied_by_other(const Json& live, const std::string& installation) {
  if (!is_applied_with(live, Json::json_pointer())) return std::nullopt;
  const std::string by = metadata_annotation(live, kAppliedBy);
  if (by == installation) return std::nullopt;
  if (by.empty()) return "another controller named " + std::string(attach::kControllerName);
  return "the kgateway of namespace " + by;
}

bool owns_replicas(const Json& live) {
  return is_applied_with(live, Json::json_pointer("/fieldsV1/f:spec/f:replicas"));
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

bool is_orphan_of(const Json& live, const Json& wanted) {
  if (owner_of(live)) return false;
  const Json owners = member_of(member_of(live, "metadata"), "ownerReferences");
  if (std::ranges::any_of(
          owners, [](const Json& owner) { return member_of(owner, "controller") == true; })) {
    return false;
  }
  const Json labels = member_of(member_of(live, "metadata"), "labels");
  const Json ours = member_of(member_of(wanted, "metadata"), "labels");
  return text_of(labels, kManagedByLabel) == kManagedBy &&
         text_of(labels, kGatewayNameLabel) == text_of(ours, kGatewayNameLabel);
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
