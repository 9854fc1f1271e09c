// TLS towards a backend, as a BackendTLSPolicy asks for it (GEP-1897, GEP-3155).
#pragma once

#include <string>
#include <vector>

#include "envoy/cluster.h"

namespace envoy::config::core::v3 {
class TransportSocket;
}

namespace kgw::envoy {

// Returns the secrets that it refers to. REQUIRES: tls is valid.
std::vector<SecretId> set_upstream_tls(const ClusterVariant& variant, const attach::BackendTls& tls,
                                       const std::string& system_ca_path,
                                       ::envoy::config::core::v3::TransportSocket& socket);

}  // namespace kgw::envoy
