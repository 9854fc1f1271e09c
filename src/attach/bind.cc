#include "attach/bind.h"

#include <algorithm>
#include <string_view>

#include "attach/hostname.h"

namespace kgw::attach {
namespace {

std::optional<Protocol> protocol_of(std::string_view text) {
  if (text == "HTTP") return Protocol::kHttp;
  if (text == "HTTPS") return Protocol::kHttps;
  if (text == "TLS") return Protocol::kTls;
  if (text == "TCP") return Protocol::kTcp;
  if (text == "UDP") return Protocol::kUdp;
  return std::nullopt;
}

// What an unencrypted stream carries is the same for a TCPRoute, wherever TLS ended.
std::vector<Kind> kinds_of(Protocol protocol, TlsMode mode) {
  switch (protocol) {
    case Protocol::kHttp:
    case Protocol::kHttps:
      return {Kind::kHttpRoute, Kind::kGrpcRoute};
    case Protocol::kTls:
      if (mode == TlsMode::kPassthrough) return {Kind::kTlsRoute};
      return {Kind::kTlsRoute, Kind::kTcpRoute};
    case Protocol::kTcp:
      return {Kind::kTcpRoute};
    case Protocol::kUdp:
      return {Kind::kUdpRoute};
  }
  return {};
}

// The effective port, or the reason why there is none.
Fault bind_port(BoundListener& bound, const Listener& spec,
                std::span<const std::int32_t> own_ports) {
  bound.port = spec.port;
  if (bound.port == 0 && bound.protocol == Protocol::kHttp) bound.port = 80;
  if (bound.port == 0 && bound.protocol == Protocol::kHttps) bound.port = 443;
  if (bound.port == 0) {
    return {"UnsupportedValue", "A listener of protocol " + spec.protocol + " needs a port"};
  }
  const bool tcp = bound.protocol != Protocol::kUdp;
  if (tcp && std::ranges::find(own_ports, bound.port) != own_ports.end()) {
    return {"PortUnavailable",
            "Port " + std::to_string(bound.port) + " is used by the proxy itself"};
  }
  return {};
}

void bind_kinds(BoundListener& bound, const Listener& spec) {
  const std::vector<Kind> possible = kinds_of(*bound.protocol, bound.tls_mode);
  if (spec.allowed_routes.kinds.empty()) {
    for (const Kind kind : possible) {
      bound.supported_kinds.push_back(
          {std::string(kind_group(kind)), std::string(kind_name(kind))});
      bound.route_kinds.push_back(kind);
    }
    return;
  }
  for (const RouteGroupKind& wanted : spec.allowed_routes.kinds) {
    const Kind kind = kind_of(wanted.group, wanted.kind);
    if (std::ranges::find(possible, kind) != possible.end()) {
      if (std::ranges::find(bound.route_kinds, kind) != bound.route_kinds.end()) continue;
      bound.supported_kinds.push_back(wanted);
      bound.route_kinds.push_back(kind);
    } else if (!bound.bad_kinds) {
      bound.bad_kinds = {
          "InvalidRouteKinds",
          "A listener of protocol " + spec.protocol + " does not support kind " +
              (wanted.group.empty() ? wanted.kind : wanted.group + "/" + wanted.kind)};
    }
  }
}

}  // namespace

BoundListener bind_listener(const ObjectKey& gateway, std::shared_ptr<const Object> owner,
                            const Listener& spec, std::span<const std::int32_t> own_ports) {
  BoundListener bound;
  bound.id = {gateway, owner->ref(), spec.name};
  bound.owner = std::move(owner);
  bound.spec = &spec;
  bound.port = spec.port;
  bound.protocol = protocol_of(spec.protocol);
  if (!bound.protocol) {
    bound.unaccepted = {"UnsupportedProtocol",
                        "Protocol \"" + spec.protocol + "\" is not supported"};
    return bound;
  }
  bound.unaccepted = bind_port(bound, spec, own_ports);
  if (spec.tls) bound.tls_mode = spec.tls->mode;
  if (!bound.unaccepted && bound.protocol == Protocol::kHttps &&
      bound.tls_mode == TlsMode::kPassthrough) {
    bound.unaccepted = {"UnsupportedValue",
                        "tls.mode must be Terminate for protocol HTTPS; use protocol TLS to pass "
                        "connections through"};
  }
  // One of them may be what keeps strangers out.
  if (!bound.unaccepted && !spec.filters.empty()) {
    bound.unaccepted = {"UnsupportedValue", "filters of a listener are not supported"};
  }
  if (bound.by_hostname() && spec.hostname) bound.hostname = normal_hostname(*spec.hostname);
  bind_kinds(bound, spec);
  return bound;
}

Fault judge_gateway(const Gateway& gateway) {
  for (const GatewayAddress& address : gateway.addresses) {
    if (address.type == "IPAddress" || address.type == "Hostname") continue;
    return {"UnsupportedAddress", "Address type \"" + address.type + "\" is not supported"};
  }
  return {};
}

}  // namespace kgw::attach
