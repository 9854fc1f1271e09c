// What every Envoy of ours is started with, wherever it runs: whose proxy it is, and that it takes
// everything else over delta ADS from the cluster "xds_cluster", which the caller adds together
// with an admin address.
#pragma once

#include <string>

#include "api/ref.h"

namespace envoy::config::bootstrap::v3 {
class Bootstrap;
}

namespace kgw::deploy {

inline constexpr const char* kXdsCluster = "xds_cluster";

// node.metadata.role: the key by which a Gateway's proxies are known.
// "kgateway-kube-gateway-api~<namespace>~<name>"
std::string node_role(const ObjectKey& gateway);

// node.cluster is "<name>.<namespace>"; node.id is left to the caller.
::envoy::config::bootstrap::v3::Bootstrap common_bootstrap(const ObjectKey& gateway);

// As `envoy -c` reads it.
std::string to_json(const ::envoy::config::bootstrap::v3::Bootstrap& bootstrap);

}  // namespace kgw::deploy
