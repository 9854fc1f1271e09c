#include "deploy/kube/account_mark.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "deploy/kube/json_text.h"
#include "deploy/kube/live.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

// An account that was made this much later than the Deployment was not made with it.
constexpr std::time_t kYounger = 60;

const Json::json_pointer kAnnotations("/metadata/annotations");
const Json::json_pointer kPodAnnotations("/spec/template/metadata/annotations");
const Json::json_pointer kAccountName("/spec/template/spec/serviceAccountName");

std::string mark_at(const Json& object, const Json::json_pointer& place) {
  return object.contains(place) ? text_of(object.at(place), kAccountUid) : "";
}

// Empty: without a mark.
bool set_mark(Json& object, const Json::json_pointer& place, const std::string& mark) {
  if (mark_at(object, place) == mark) return false;
  if (mark.empty()) {
    object[place].erase(kAccountUid);
  } else {
    object[place][kAccountUid] = mark;
  }
  return true;
}

// As the API server writes it: 2026-01-02T03:04:05Z.
std::optional<std::time_t> creation_time(const Json& object) {
  std::tm parts{};
  const std::string text = metadata_text(object, "creationTimestamp");
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return std::nullopt;
  return timegm(&parts);
}

bool is_younger(const Json& account, const Json& deployment) {
  const auto since = creation_time(account);
  const auto of = creation_time(deployment);
  return since && of && *since - *of > kYounger;
}

}  // namespace

bool mark_account(Json& deployment, const Json& live, const Json& account) {
  const bool own = deployment.contains(kAccountName) &&
                   deployment.at(kAccountName) == metadata_text(deployment, "name");
  if (!own) return false;
  const std::string known = mark_at(live, kAnnotations);
  std::string uid = metadata_text(account, "uid");
  std::string rolled = mark_at(live, kPodAnnotations);
  if (uid.empty()) {
    uid = known;
  } else if (known.empty() ? is_younger(account, live) : known != uid) {
    rolled = uid;
  }
  const bool marked = set_mark(deployment, kAnnotations, uid);
  return set_mark(deployment, kPodAnnotations, rolled) || marked;
}

}  // namespace kgw::deploy::kube
