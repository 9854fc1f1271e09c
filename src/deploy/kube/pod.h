// The pod of a proxy. Internal to kube/.
#pragma once

#include <nlohmann/json.hpp>

#include "api/gateway_parameters.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

// PodSpec. `name` is that of the ConfigMap and the ServiceAccount.
nlohmann::json pod_spec(const std::string& name, const KubeParameters& parameters,
                        const Settings& settings);

// Seconds that the proxy waits, reported as not ready, before it is told to end; 0 = not at all.
std::int64_t drain_seconds(const PodParameters& pod);
std::int64_t grace_seconds(const PodParameters& pod);

}  // namespace kgw::deploy::kube
