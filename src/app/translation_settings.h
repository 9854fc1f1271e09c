// What the settings of `kgateway controller` mean to the translation.
#pragma once

#include <vector>

#include "attach/trust.h"
#include "deploy/kube/environment.h"
#include "envoy/settings.h"

namespace kgw::app {

envoy::Settings translation_settings(const deploy::kube::ControllerSettings& settings);

attach::Trust trust_of(const deploy::kube::ControllerSettings& settings);

// Kinds that the translation reads only with these settings.
std::vector<Kind> on_demand_kinds(const deploy::kube::ControllerSettings& settings);

}  // namespace kgw::app
