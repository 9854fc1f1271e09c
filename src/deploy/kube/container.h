// What the containers of a proxy's pod have in common. Internal to kube/.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/gateway_parameters.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

// An object, empty where the text is.
nlohmann::json parse(const RawJson& text);
nlohmann::json::array_t parse(const std::vector<RawJson>& list);
void set_unless_empty(nlohmann::json& object, const char* name, nlohmann::json value);

// An environment variable that holds a field of the pod: "metadata.name".
nlohmann::json field_env(const char* name, const std::string& path);

// name, image, imagePullPolicy, securityContext and resources: what is `own` over the defaults.
nlohmann::json base_container(const char* name, const ContainerParameters& own,
                              const Image& standard, const KubeParameters& parameters);

}  // namespace kgw::deploy::kube
