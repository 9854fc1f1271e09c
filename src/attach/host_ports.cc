#include "attach/host_ports.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "attach/tables.h"

namespace kgw::attach {
namespace {

using Bytes16 = std::array<unsigned char, 16>;
constexpr Bytes16 kAnyIpv6 = {};
constexpr Bytes16 kAnyIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

// IPv4 as IPv6 has it ("::ffff:1.2.3.4"); absent: no IP address.
std::optional<Bytes16> parse_address(std::string_view text) {
  const std::string address(text);
  Bytes16 bytes = kAnyIpv4;
  if (inet_pton(AF_INET, address.c_str(), bytes.data() + 12) == 1) return bytes;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

bool is_ipv4(const Bytes16& address) {
  return std::equal(address.begin(), address.begin() + 12, kAnyIpv4.begin());
}

bool covers(const Bytes16& address, const Bytes16& other) {
  return address == other || address == kAnyIpv6 || (address == kAnyIpv4 && is_ipv4(other));
}

bool compete(const PortClaim& claim, const PortClaim& other) {
  return std::ranges::any_of(claim.addresses, [&](const std::string& address) {
    return std::ranges::any_of(other.addresses, [&](const std::string& another) {
      return attach::overlap(address, another);
    });
  });
}

HostPort host_port_of(const BoundListener& listener) {
  return {listener.port, listener.protocol == Protocol::kUdp};
}

std::vector<HostPort> ports_of(const GatewayListeners& gateway) {
  std::vector<HostPort> ports;
  if (gateway.unaccepted) return ports;
  for (const BoundListener& listener : gateway.listeners) {
    if (listener.usable()) ports.push_back(host_port_of(listener));
  }
  std::ranges::sort(ports);
  const auto repeats = std::ranges::unique(ports);
  ports.erase(repeats.begin(), repeats.end());
  return ports;
}

PortClaims compute_claims(const Model& model, const HostPort& port, engine::Read& read) {
  PortClaims result;
  read.each(model.claims_by_port, port, [&](const ObjectKey& key, const GatewayListeners& gateway) {
    result.claims.push_back({gateway.gateway->metadata.creation_time,
                             key,
                             model.place.addresses(*gateway.gateway),
                             {}});
  });
  judge_claims(result.claims);
  return result;
}

Fault unavailable(const HostPort& port, const std::string& why) {
  return {"PortUnavailable", "Port " + std::to_string(port.number) + " " + why};
}

// Why the Gateway cannot have the port.
Fault judge_port(const Model& model, const ObjectKey& gateway, const HostPort& port,
                 engine::Read& read) {
  const PortClaims* claims = read.get(model.port_claims, port);
  const PortClaim* claim = claims == nullptr ? nullptr : claims->find(gateway);
  if (claim != nullptr && !claim->has_port()) {
    return unavailable(port, "is taken by Gateway " + to_string(claim->lost_to) +
                                 ", which is older or first by name, on the same address");
  }
  if (!model.place.needs_grants) return {};
  const PortGrant* grant = read.get(model.port_grants, GatewayHostPort{gateway, port});
  if (grant == nullptr) return unavailable(port, "is not looked at yet");
  if (grant->holder.empty()) return {};
  return unavailable(port, "is in use by " + grant->holder.str());
}

}  // namespace

bool overlap(std::string_view address, std::string_view other) {
  const auto a = parse_address(address);
  const auto b = parse_address(other);
  if (!a || !b) return address == other;
  return covers(*a, *b) || covers(*b, *a);
}

std::string to_string(const HostPort& port) {
  return std::to_string(port.number) + (port.udp ? "/udp" : "");
}

std::string to_string(const GatewayHostPort& id) {
  return kgw::to_string(id.gateway) + ":" + to_string(id.port);
}

const PortClaim* PortClaims::find(const ObjectKey& gateway) const {
  const auto found = std::ranges::find(claims, gateway, &PortClaim::gateway);
  return found == claims.end() ? nullptr : &*found;
}

void judge_claims(std::vector<PortClaim>& claims) {
  std::ranges::sort(claims, {}, [](const PortClaim& claim) {
    return std::tie(claim.creation_time, claim.gateway);
  });
  for (auto claim = claims.begin(); claim != claims.end(); ++claim) {
    const auto owner = std::find_if(claims.begin(), claim, [&](const PortClaim& earlier) {
      return earlier.has_port() && compete(earlier, *claim);
    });
    claim->lost_to = owner == claim ? ObjectKey() : owner->gateway;
  }
}

engine::Index<HostPort, ObjectKey, GatewayListeners>& make_claims_by_port(engine::Graph& graph,
                                                                          const Model& model) {
  return graph.index<HostPort>(model.declared_listeners, "gateways by host port",
                               [](const ObjectKey&, const GatewayListeners& gateway, auto&& emit) {
                                 for (const HostPort& port : ports_of(gateway)) emit(port);
                               });
}

engine::Derived<HostPort, PortClaims>& make_port_claims(engine::Graph& graph, const Model& model) {
  return graph.derived<HostPort, PortClaims>("host ports")
      .from(model.claims_by_port, [&model](const HostPort& port, engine::Read& read) {
        return std::optional(compute_claims(model, port, read));
      });
}

GatewayListeners with_host_ports(const Model& model, const ObjectKey& key,
                                 const GatewayListeners& declared, engine::Read& read) {
  GatewayListeners result = declared;
  if (result.unaccepted) return result;
  for (BoundListener& listener : result.listeners) {
    if (listener.usable()) {
      listener.unaccepted = judge_port(model, key, host_port_of(listener), read);
    }
  }
  return result;
}

}  // namespace kgw::attach
