// TLSRoute, TCPRoute and UDPRoute on a listener: connections and datagrams go to weighted clusters.
//
// A share of an invalid backend goes to a cluster that does not exist: its connections are closed,
// its datagrams dropped. For UDP the choice falls per session by a hash of the client's port:
// Envoy's udp_proxy has no weighted clusters, but takes a matcher.
#pragma once

#include <span>
#include <vector>

#include "envoy/listener.h"

namespace kgw::envoy {

struct StreamBackend {
  Name cluster;  // empty: this share goes nowhere
  std::uint32_t weight = 1;

  friend bool operator==(const StreamBackend&, const StreamBackend&) = default;
};
// Of one route. Those of weight 0 do not count; when none is left, all goes nowhere.
using StreamBackends = std::vector<StreamBackend>;

// A host of a TLS listener.
struct StreamHost {
  Name domain;  // "*" = every host
  StreamBackends backends;
};

// `hosts`: sorted by domain, each once. `tls`: of a terminating listener, else null.
ListenerChains tls_chains(const ListenerShape& shape, const attach::ListenerTlsState* tls,
                          std::span<const StreamHost> hosts);
ListenerChains tcp_chains(const ListenerShape& shape, const StreamBackends& backends);
ListenerChains udp_chains(const ListenerShape& shape, const StreamBackends& backends);

// Closes the connections for the hostname of the listener.
FilterChain closing_chain(const ListenerShape& shape);

}  // namespace kgw::envoy
