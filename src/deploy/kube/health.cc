#include "deploy/kube/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <tuple>
#include <vector>

#include "deploy/kube/json_text.h"
#include "deploy/kube/live.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

// Without a copy: these objects are looked at every second. Null where there is none.
const Json& at(const Json& object, const char* member) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(member);
  return found == object.end() ? kNone : *found;
}

std::int64_t number_of(const Json& object, const char* member, std::int64_t otherwise) {
  const Json& value = at(object, member);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

// The elements of a list, which may be none.
std::span<const Json> items(const Json& list) {
  if (!list.is_array()) return {};
  return list.get_ref<const Json::array_t&>();
}

// Of the conditions that say why pods are missing.
std::string failures_in(const Json& status) {
  std::string all;
  for (const Json& condition : items(at(status, "conditions"))) {
    const std::string type = text_of(condition, "type");
    const std::string holds = text_of(condition, "status");
    const bool failure = (type == "ReplicaFailure" && holds == "True") ||
                         (type == "Progressing" && holds == "False");
    if (failure) all += ": " + text_of(condition, "reason") + ": " + text_of(condition, "message");
  }
  return all;
}

std::string why_unscheduled(const Json& status) {
  for (const Json& condition : items(at(status, "conditions"))) {
    if (text_of(condition, "type") != "PodScheduled" || text_of(condition, "status") != "False") {
      continue;
    }
    return text_of(condition, "reason") + ": " + text_of(condition, "message");
  }
  return "";
}

std::string why_not_running(const Json& container) {
  const Json& waiting = at(at(container, "state"), "waiting");
  const std::string reason = text_of(waiting, "reason");
  const Json& ended = at(at(container, "lastState"), "terminated");
  if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") return "";
  std::string why = reason + ": " + text_of(waiting, "message");
  if (ended.is_object()) {
    why += fmt::format(" (exit code {}, {})", number_of(ended, "exitCode", 0),
                       text_of(ended, "reason"));
  }
  return why;
}

std::string why_not_running_pod(const Json& pod) {
  const Json& status = at(pod, "status");
  if (std::string why = why_unscheduled(status); !why.empty()) return why;
  for (const char* kind : {"initContainerStatuses", "containerStatuses"}) {
    for (const Json& container : items(at(status, kind))) {
      if (std::string why = why_not_running(container); !why.empty()) return why;
    }
  }
  return "";
}

// port, target port, protocol
using ServicePort = std::tuple<std::int64_t, std::int64_t, std::string>;

std::vector<ServicePort> ports_of(const Json& service) {
  std::vector<ServicePort> out;
  for (const Json& entry : items(at(at(service, "spec"), "ports"))) {
    const std::int64_t port = number_of(entry, "port", 0);
    const std::string protocol = text_of(entry, "protocol");
    out.emplace_back(port, number_of(entry, "targetPort", port),
                     protocol.empty() ? "TCP" : protocol);
  }
  return out;
}

}  // namespace

std::string deployment_problem(const Json& deployment) {
  if (!deployment.is_object()) return "";
  const std::string name = "Deployment " + metadata_text(deployment, "namespace") + "/" +
                           metadata_text(deployment, "name");
  const std::int64_t wanted = number_of(at(deployment, "spec"), "replicas", 1);
  if (wanted == 0) return name + " is scaled to 0 replicas";
  const Json& status = at(deployment, "status");
  const std::int64_t ready = number_of(status, "readyReplicas", 0);
  const std::string failures = failures_in(status);
  if (ready >= wanted && failures.empty()) return "";
  return fmt::format("{} has {} of {} pods ready{}", name, ready, wanted, failures);
}

std::string pods_problem(const Json& pods) {
  for (const Json& pod : items(at(pods, "items"))) {
    const std::string why = why_not_running_pod(pod);
    if (!why.empty()) return "pod " + metadata_text(pod, "name") + ": " + why;
  }
  return "";
}

std::set<PortKey> missing_ports(const Json& rendered, const Json& live) {
  std::set<PortKey> missing;
  std::set<PortKey> served;
  const std::vector<ServicePort> there = ports_of(live);
  for (const ServicePort& port : ports_of(rendered)) {
    const auto& [number, target, protocol] = port;
    const bool found = std::ranges::find(there, port) != there.end();
    (found ? served : missing).insert({static_cast<std::int32_t>(target), protocol == "UDP"});
  }
  std::erase_if(missing, [&](const PortKey& port) { return served.contains(port); });
  return missing;
}

}  // namespace kgw::deploy::kube
