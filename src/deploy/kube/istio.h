// Istio's agent in the pod of a proxy, for automatic mTLS: it has istiod sign a certificate for the
// proxy's ServiceAccount, renews it, and keeps it in files.
//
// Envoy reads these files itself (SDS from a file, envoy/istio_mtls.h), so there is no container
// that serves them. The agent does not start Istio's own Envoy, which would have nothing to do, and
// Istio is told not to inject anything into the pod. Internal to kube/.
#pragma once

#include <nlohmann/json.hpp>

#include "api/gateway_parameters.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

// Label of a pod that is left alone by Istio's injector when it is "false".
inline constexpr const char* kInjectLabel = "sidecar.istio.io/inject";

// `name` is that of the Deployment.
nlohmann::json istio_container(const std::string& name, const KubeParameters& parameters,
                               const Settings& settings);
nlohmann::json::array_t istio_volumes();
// Of the container that reads the certificate.
nlohmann::json istio_mount();
// Files for the directory of Envoy's configuration: the SDS resources.
StringMap istio_files();

}  // namespace kgw::deploy::kube
