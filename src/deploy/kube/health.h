// What the live objects of a proxy lack, in words for the Gateway's status.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <utility>

namespace kgw::deploy::kube {

// Why a Deployment has fewer ready pods than it wants, in one sentence: their number, and the words
// of its conditions (ReplicaFailure, Progressing). Empty when all are ready.
std::string deployment_problem(const nlohmann::json& deployment);

// Why pods of a list (PodList) do not run, of the first that has a reason: not scheduled, an image
// that cannot be pulled, a container that ends again and again. Empty where none says so.
std::string pods_problem(const nlohmann::json& pods);

// A listener's port: its number, and whether it is of UDP.
using PortKey = std::pair<std::int32_t, bool>;

// The ports of listeners that the rendered Service has and the live one, which may be null, has
// not. A port is known by the port of the pods that it leads to. What an overlay took out of the
// rendered Service is not missed.
std::set<PortKey> missing_ports(const nlohmann::json& rendered, const nlohmann::json& live);

}  // namespace kgw::deploy::kube
