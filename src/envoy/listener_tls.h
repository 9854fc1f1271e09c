// TLS of a listener: certificates, client validation, versions and ciphers (DownstreamTlsContext),
// and the choice of a filter chain by SNI.
#pragma once

#include <vector>

#include "attach/listeners.h"
#include "envoy/secret.h"

namespace envoy::config::core::v3 {
class TransportSocket;
}
namespace envoy::config::listener::v3 {
class FilterChain;
}

namespace kgw::envoy {

// Makes the chain terminate TLS; returns the secrets that it refers to.
// REQUIRES: state.usable().
std::vector<SecretId> terminate_tls(const attach::ListenerTlsState& state,
                                    ::envoy::config::listener::v3::FilterChain& chain);

// The chain takes TLS connections for `server_name` ("a.b.c", "*.b.c"; empty: any that no other
// chain takes).
void match_sni(const Name& server_name, ::envoy::config::listener::v3::FilterChain& chain);

}  // namespace kgw::envoy
