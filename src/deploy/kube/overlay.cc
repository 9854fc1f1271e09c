#include "deploy/kube/overlay.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "deploy/kube/json_text.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList/";
constexpr std::string_view kSetOrder = "$setElementOrder/";

// The patch merge keys of Kubernetes' API for what a Deployment, Service or ServiceAccount holds.
// Custom resources and the other kinds that are rendered here have none.
const std::map<std::string_view, std::string_view> kMergeKeys = {
    {"containers", "name"},
    {"initContainers", "name"},
    {"ephemeralContainers", "name"},
    {"env", "name"},
    {"volumes", "name"},
    {"imagePullSecrets", "name"},
    {"secrets", "name"},
    {"resourceClaims", "name"},
    {"volumeMounts", "mountPath"},
    {"volumeDevices", "devicePath"},
    {"hostAliases", "ip"},
    {"topologySpreadConstraints", "topologyKey"},
};

class Merger {
 public:
  explicit Merger(const Json& object) : kind_(text_of(object, "kind")) {}

  void merge(Json& base, const Json& patch) const {
    if (text_of(patch, kPatch) == "replace") {
      base = without_directives(patch);
      return;
    }
    for (const auto& [name, value] : patch.items()) {
      if (name.starts_with(kDeleteFrom)) {
        delete_values(base, name.substr(kDeleteFrom.size()), value);
      } else if (!is_directive(name)) {
        merge_member(base, name, value);
      }
    }
    if (patch.contains(kRetainKeys)) retain(base, patch[kRetainKeys]);
  }

 private:
  static bool is_directive(std::string_view name) {
    return name == kPatch || name == kRetainKeys || name.starts_with(kDeleteFrom) ||
           name.starts_with(kSetOrder);
  }

  static Json without_directives(const Json& value) {
    if (value.is_array()) {
      Json out = Json::array();
      for (const Json& item : value) {
        const bool only_directive = item.is_object() && item.size() == 1 && item.contains(kPatch);
        if (!only_directive) out.push_back(without_directives(item));
      }
      return out;
    }
    if (!value.is_object()) return value;
    Json out = Json::object();
    for (const auto& [name, member] : value.items()) {
      if (!is_directive(name) && !member.is_null()) out[name] = without_directives(member);
    }
    return out;
  }

  static bool deletes(const Json& value) { return text_of(value, kPatch) == "delete"; }

  void merge_member(Json& base, const std::string& name, const Json& value) const {
    if (value.is_null() || deletes(value)) {
      base.erase(name);
    } else if (value.is_object() && base.contains(name) && base[name].is_object()) {
      merge(base[name], value);
    } else if (value.is_array() && base.contains(name) && base[name].is_array() &&
               !merge_key(name).empty()) {
      merge_list(base[name], value, std::string(merge_key(name)));
    } else {
      base[name] = without_directives(value);
    }
  }

  std::string_view merge_key(std::string_view list) const {
    if (kind_ != "Deployment" && kind_ != "Service" && kind_ != "ServiceAccount") return {};
    if (list == "ports") return kind_ == "Service" ? "port" : "containerPort";
    const auto found = kMergeKeys.find(list);
    return found == kMergeKeys.end() ? std::string_view() : found->second;
  }

  void merge_list(Json& base, const Json& patch, const std::string& key) const {
    const bool replaces = std::ranges::any_of(patch, [](const Json& item) {
      return item.size() == 1 && text_of(item, kPatch) == "replace";
    });
    if (replaces) {
      base = without_directives(patch);
      return;
    }
    for (const Json& item : patch) {
      const auto same = std::ranges::find_if(base, [&](const Json& old) {
        return item.is_object() && item.contains(key) && old.is_object() &&
               old.value(key, Json()) == item[key];
      });
      if (deletes(item)) {
        if (same != base.end()) base.erase(same);
      } else if (same != base.end()) {
        merge(*same, item);
      } else {
        base.push_back(without_directives(item));
      }
    }
  }

  static void delete_values(Json& base, const std::string& list, const Json& values) {
    if (!base.contains(list) || !base[list].is_array() || !values.is_array()) return;
    auto& items = base[list].get_ref<Json::array_t&>();
    std::erase_if(
        items, [&](const Json& item) { return std::ranges::find(values, item) != values.end(); });
  }

  static void retain(Json& base, const Json& keys) {
    if (!keys.is_array()) return;
    for (auto it = base.begin(); it != base.end();) {
      const bool kept = std::ranges::find(keys, Json(it.key())) != keys.end();
      it = kept ? std::next(it) : base.erase(it);
    }
  }

  std::string kind_;
};

}  // namespace

std::string directive_problem(const Json& patch, const std::string& path) {
  if (patch.is_array()) {
    for (std::size_t i = 0; i < patch.size(); ++i) {
      std::string problem = directive_problem(patch[i], path + "[" + std::to_string(i) + "]");
      if (!problem.empty()) return problem;
    }
  }
  if (!patch.is_object()) return "";
  for (const auto& [name, value] : patch.items()) {
    const std::string member = path + "." + name;
    if (name == kPatch && value != "replace" && value != "merge" && value != "delete") {
      return member + ": must be replace, merge or delete";
    }
    if ((name == kRetainKeys || name.starts_with(kDeleteFrom)) && !value.is_array()) {
      return member + ": must be a list";
    }
    std::string problem = directive_problem(value, member);
    if (!problem.empty()) return problem;
  }
  return "";
}

void strategic_merge(Json& object, const Json& patch) { Merger(object).merge(object, patch); }

void apply_overlay(Json& object, const ObjectOverlay& overlay) {
  Json patch = Json::object();
  if (!overlay.labels.empty()) patch["metadata"]["labels"] = overlay.labels;
  if (!overlay.annotations.empty()) patch["metadata"]["annotations"] = overlay.annotations;
  if (!overlay.spec.empty()) patch["spec"] = Json::parse(overlay.spec);
  strategic_merge(object, patch);
}

}  // namespace kgw::deploy::kube
