// The files that a proxy of a cluster is started with, as the data of its ConfigMap.
//
// Besides what every Envoy of ours has (deploy/bootstrap.h): ADS from the controller's Service,
// with the pod's ServiceAccount token as authorization and, with TLS, the controller verified; the
// admin interface on loopback; /ready on port 8082 for the kubelet; statistics on port 9091.
#pragma once

#include "api/gateway_parameters.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

inline constexpr const char* kConfigDirectory = "/etc/envoy";
inline constexpr const char* kTokenDirectory = "/var/run/secrets/tokens";
inline constexpr const char* kTokenFile = "xds-token";

// envoy.yaml; xds_service_account_token.json with xds_auth; ca.crt with xds_tls; the SDS resources
// of Istio's certificate with istio_auto_mtls.
StringMap bootstrap_files(const ObjectKey& gateway, const KubeParameters& parameters,
                          const Settings& settings);

}  // namespace kgw::deploy::kube
