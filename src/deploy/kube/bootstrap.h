// The files that a proxy of a cluster is started with, as the data of its ConfigMap.
//
// Besides what every Envoy of ours has (deploy/bootstrap.h): ADS from the controller's Service,
// with the pod's ServiceAccount token as authorization and, with TLS, the controller verified; the
// admin interface on a Unix socket, for a backend of a tenant may be a name that resolves to
// loopback; /ready on port 8082 for the kubelet; statistics on port 9091.
#pragma once

#include "api/gateway_parameters.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

inline constexpr const char* kConfigDirectory = "/etc/envoy";
inline constexpr const char* kTokenDirectory = "/var/run/secrets/tokens";
inline constexpr const char* kTokenFile = "xds-token";
// Where the proxy may write: a volume for its admin socket.
inline constexpr const char* kRunDirectory = "/run/kgateway";

// What begins the end of a pod: POST to this path on the pod's loopback, port kDrainPort, instead
// of all that Envoy's admin interface can do. Whoever does not know the pod's uid cannot do it.
inline constexpr const char* kDrainPath = "/drain/$(POD_UID)";

// envoy.yaml; xds_service_account_token.json with xds_auth; ca.crt with xds_tls; the SDS resources
// of Istio's certificate with istio_auto_mtls.
StringMap bootstrap_files(const ObjectKey& gateway, const KubeParameters& parameters,
                          const Settings& settings);

// What differs from pod to pod, laid over envoy.yaml as JSON: its place, how much memory it may
// have, and where it is drained. Names the pod's variables POD_UID, KGATEWAY_NODE_REGION, _ZONE,
// _SUBZONE and KGATEWAY_MEMORY_LIMIT as Kubernetes expands them in arguments.
std::string bootstrap_of_pod();

}  // namespace kgw::deploy::kube
