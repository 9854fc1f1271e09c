#include "status/kube/own_entries.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "attach/model.h"
#include "status/conditions.h"
#include "status/json.h"

namespace kgw::status {
namespace {

using Json = nlohmann::json;

// Where a kind keeps entries of several controllers; null: the status belongs to one.
const char* shared_list(Kind kind) {
  switch (kind) {
    case Kind::kHttpRoute:
    case Kind::kGrpcRoute:
    case Kind::kTlsRoute:
    case Kind::kTcpRoute:
    case Kind::kUdpRoute:
      return "parents";
    case Kind::kBackendTlsPolicy:
      return "ancestors";
    default:
      return nullptr;
  }
}

const char* subject(const char* list) {
  return std::string_view(list) == "parents" ? "parentRef" : "ancestorRef";
}

const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

bool is_ours(const Json& entry) {
  return member(entry, "controllerName") == attach::kControllerName;
}

bool is_our_type(const Json& condition) {
  static constexpr std::array<std::string_view, 7> kTypes = {
      "Accepted",   "Programmed",           "ResolvedRefs",
      "Conflicted", "OverlappingTLSConfig", "InsecureFrontendValidationMode",
      kDeployFailed};
  const Json& type = member(condition, "type");
  return type.is_string() && std::ranges::count(kTypes, type.get_ref<const std::string&>()) > 0;
}

const Json* with_member(const Json& list, const char* name, const Json& value) {
  if (!list.is_array()) return nullptr;
  const auto found =
      std::ranges::find_if(list, [&](const Json& entry) { return member(entry, name) == value; });
  return found == list.end() ? nullptr : &*found;
}

// The API server puts conditions into a Gateway that nobody has judged yet, with the epoch as their
// time.
bool has_time(const Json& condition) {
  const Json& time = member(condition, "lastTransitionTime");
  return time.is_string() && time != rfc3339(0);
}

void keep_times(Json& conditions, const Json& before, std::int64_t now) {
  if (!conditions.is_array()) return;
  for (Json& condition : conditions) {
    const Json* old = with_member(before, "type", member(condition, "type"));
    const bool same =
        old != nullptr && member(*old, "status") == member(condition, "status") && has_time(*old);
    condition["lastTransitionTime"] = same ? (*old)["lastTransitionTime"] : Json(rfc3339(now));
  }
}

// Our conditions after those of others.
Json join_conditions(const Json& current, Json own, std::int64_t now) {
  keep_times(own, current, now);
  Json joined = Json::array();
  if (current.is_array()) {
    std::ranges::copy_if(current, std::back_inserter(joined),
                         [](const Json& condition) { return !is_our_type(condition); });
  }
  if (own.is_array()) joined.insert(joined.end(), own.begin(), own.end());
  return joined;
}

Json with_own_list(const char* list, const Json& current, const Json* own, std::int64_t now) {
  Json joined = Json::array();
  const Json& before = member(current, list);
  if (before.is_array()) {
    std::ranges::copy_if(before, std::back_inserter(joined),
                         [](const Json& entry) { return !is_ours(entry); });
  }
  if (own != nullptr) {
    for (Json entry : member(*own, list)) {
      const Json* old = nullptr;
      if (before.is_array()) {
        const auto found = std::ranges::find_if(before, [&](const Json& candidate) {
          return is_ours(candidate) &&
                 member(candidate, subject(list)) == member(entry, subject(list));
        });
        if (found != before.end()) old = &*found;
      }
      keep_times(entry["conditions"], old == nullptr ? Json() : member(*old, "conditions"), now);
      joined.push_back(std::move(entry));
    }
  }
  Json status = current.is_object() ? current : Json::object();
  status[list] = std::move(joined);
  return status;
}

Json without_times(Json status) {
  if (status.is_array()) {
    for (Json& entry : status) entry = without_times(std::move(entry));
    std::sort(status.begin(), status.end());
  } else if (status.is_object()) {
    status.erase("lastTransitionTime");
    for (auto& [name, value] : status.items()) value = without_times(std::move(value));
  }
  return status;
}

Json own_entries(Kind kind, const Json& status) {
  if (!status.is_object()) return {};
  if (const char* list = shared_list(kind)) {
    Json own = Json::array();
    const Json& entries = member(status, list);
    if (!entries.is_array()) return {};
    std::ranges::copy_if(entries, std::back_inserter(own), is_ours);
    return own.empty() ? Json() : own;
  }
  Json own = status;
  if (Json& conditions = own["conditions"]; conditions.is_array()) {
    Json kept = Json::array();
    std::ranges::copy_if(conditions, std::back_inserter(kept), is_our_type);
    conditions = std::move(kept);
  }
  return own;
}

}  // namespace

bool shares_status(Kind kind) { return shared_list(kind) != nullptr; }

std::uint64_t own_digest(Kind kind, const Json& status) {
  const Json own = own_entries(kind, status);
  if (own.is_null()) return 0;
  const std::string text = without_times(own).dump();
  return std::max<std::uint64_t>(1, XXH3_64bits(text.data(), text.size()));
}

Json with_own_entries(Kind kind, const Json& current, const Json* own, std::int64_t now) {
  if (const char* list = shared_list(kind)) return with_own_list(list, current, own, now);
  Json status = current.is_object() ? current : Json::object();
  if (own == nullptr) return status;
  const Json before = status;
  for (const auto& [name, value] : own->items()) {
    if (name != "conditions" && name != "listeners") status[name] = value;
  }
  status["conditions"] =
      join_conditions(member(before, "conditions"), member(*own, "conditions"), now);
  if (const Json& listeners = member(*own, "listeners"); listeners.is_array()) {
    Json joined = Json::array();
    for (Json listener : listeners) {
      const Json* old = with_member(member(before, "listeners"), "name", listener["name"]);
      listener["conditions"] = join_conditions(old == nullptr ? Json() : member(*old, "conditions"),
                                               member(listener, "conditions"), now);
      joined.push_back(std::move(listener));
    }
    status["listeners"] = std::move(joined);
  }
  return status;
}

}  // namespace kgw::status
