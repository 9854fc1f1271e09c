// HTTP on a listener: the HTTP connection manager.
//
// It knows its route table by name only (RDS), or the table's shards by their key (SRDS), and
// carries every HTTP filter that a route may need, so it never changes because of a route; only
// when the table is cut or joined.
#pragma once

#include "envoy/listener.h"
#include "envoy/settings.h"

namespace kgw::envoy {

// The chain of all HTTP listeners of a port.
ListenerChains http_chains(const ListenerShape& shape, const Settings& settings,
                           const attach::Layout& layout = {});
// The chain of an HTTPS listener. `tls` may be absent or unusable; then it closes connections.
ListenerChains https_chains(const ListenerShape& shape, const attach::ListenerTlsState* tls,
                            const Settings& settings, const attach::Layout& layout = {});

}  // namespace kgw::envoy
