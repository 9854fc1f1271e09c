// Which Gateway has a port of the host, where the proxies of all Gateways share one.
//
// Envoys listen with SO_REUSEPORT, so the kernel would let two of them have the same port and deal
// connections out to both. Of Gateways whose addresses overlap, the oldest has the port, then the
// first by namespace and name; the others' listeners are not accepted and name the owner. A Gateway
// that lost a port does not keep it from a third one.
//
//   declared_listeners -> claims_by_port -> port_claims -> listeners
// Where no host is shared (Place), these tables are empty.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/ref.h"

namespace kgw::attach {

struct HostPort {
  std::int32_t number = 0;
  bool udp = false;

  friend auto operator<=>(const HostPort&, const HostPort&) = default;
  friend bool operator==(const HostPort&, const HostPort&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const HostPort& port) {
    return H::combine(std::move(h), port.number, port.udp);
  }
};
std::string to_string(const HostPort& port);  // "80", "53/udp"

struct PortClaim {
  std::int64_t creation_time = 0;
  ObjectKey gateway;
  std::vector<std::string> addresses;
  ObjectKey lost_to;  // empty: the Gateway has the port

  bool has_port() const { return lost_to.name.empty(); }
  friend bool operator==(const PortClaim&, const PortClaim&) = default;
};

// Table `port_claims`, in the order of precedence.
struct PortClaims {
  std::vector<PortClaim> claims;

  const PortClaim* find(const ObjectKey& gateway) const;
  friend bool operator==(const PortClaims&, const PortClaims&) = default;
};

// Sorts the claims, and sets `lost_to`.
void judge_claims(std::vector<PortClaim>& claims);

// True if no two sockets could listen on the same port of both addresses.
bool overlap(std::string_view address, std::string_view other);

// A port for a Gateway, as the host sees it.
struct GatewayHostPort {
  ObjectKey gateway;
  HostPort port;

  friend auto operator<=>(const GatewayHostPort&, const GatewayHostPort&) = default;
  friend bool operator==(const GatewayHostPort&, const GatewayHostPort&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GatewayHostPort& id) {
    return H::combine(std::move(h), id.gateway, id.port);
  }
};
std::string to_string(const GatewayHostPort& id);

// Input `port_grants`: what the host says.
struct PortGrant {
  Name holder;  // who else has the port; empty: it is this Gateway's

  friend bool operator==(const PortGrant&, const PortGrant&) = default;
};

}  // namespace kgw::attach
