// Envoy listeners: one per port of a Gateway, put together from filter chains.
//
// A filter chain is encoded once, when the Gateway API listener it stands for changes, and its
// bytes are spliced into the listener. Its name and match depend only on that listener, so Envoy
// updates a listener in place and touches the connections of changed chains only
// (LDS: "filter chain only" update).
//
//   HTTP        one chain for all HTTP listeners of the port; hosts are told apart by the routes
//   HTTPS       one chain per listener, chosen by SNI
//   TLS         one chain per host of a TLSRoute, chosen by SNI; one that closes the connection for
//               the rest of the listener's hostname, so that no other listener gets it
//   TCP         one chain; without a route it closes connections
//   UDP         no chain but a listener filter, kept in the same form
// A listener that is not usable gets a closing chain for its hostname. A port where every chain is
// of that kind is not published.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attach/attachment.h"
#include "envoy/resource.h"
#include "envoy/secret.h"

namespace kgw::envoy {

// A cluster name that never exists: TCP connections to it are closed, datagrams dropped.
inline constexpr std::string_view kBlackhole = "blackhole-cluster";

// A socket of a Gateway. TCP and UDP ports of the same number are different ones.
struct PortId {
  ObjectKey gateway;
  std::int32_t port = 0;
  bool udp = false;

  friend auto operator<=>(const PortId&, const PortId&) = default;
  friend bool operator==(const PortId&, const PortId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const PortId& id) {
    return H::combine(std::move(h), id.gateway, id.port, id.udp);
  }
};
std::string to_string(const PortId& id);

// "listener~80", "listener~udp~53": the Envoy listener.
Name listener_name(const PortId& id);

// What a filter chain depends on, of a listener that may be served.
struct ListenerShape {
  PortId port;
  attach::ListenerId id;
  attach::Protocol protocol = attach::Protocol::kHttp;
  TlsMode tls_mode = TlsMode::kTerminate;
  Name hostname;     // empty = every host
  Name route_table;  // HTTP, HTTPS

  friend auto operator<=>(const ListenerShape&, const ListenerShape&) = default;
  friend bool operator==(const ListenerShape&, const ListenerShape&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ListenerShape& s) {
    return H::combine(std::move(h), s.port, s.id, s.protocol, s.tls_mode, s.hostname,
                      s.route_table);
  }
  bool terminates_tls() const;
};
std::string to_string(const ListenerShape& shape);

// Absent when the listener is not usable.
std::optional<ListenerShape> shape_of(const attach::BoundListener& listener);
// The HTTP listeners of a port share their chain: their shapes without what tells them apart.
ListenerShape chain_shape(ListenerShape shape);
// "name" for a Gateway's own listener, "ns/set/name" for one of a ListenerSet.
std::string chain_name(const ListenerShape& shape);

struct FilterChain {
  std::string name;
  Name server_name;     // SNI it is chosen by; empty = any
  Bytes body;           // envoy.config.listener.v3.FilterChain; for UDP a ListenerFilter
  bool closes = false;  // it only closes connections
  std::string hash;     // of `body`: names it in the quarantine

  friend bool operator==(const FilterChain& a, const FilterChain& b) {
    return a.name == b.name && a.hash == b.hash && a.closes == b.closes;
  }
};
FilterChain make_chain(std::string name, Name server_name, std::string body, bool closes);

// The chains of one listener (of all HTTP listeners of a port), and the secrets they refer to.
struct ListenerChains {
  PortId port;
  attach::Protocol protocol = attach::Protocol::kHttp;
  std::vector<FilterChain> chains;
  std::vector<SecretId> secrets;

  friend bool operator==(const ListenerChains&, const ListenerChains&) = default;
};

// Absent when no chain serves. Of chains with the same server name the first one stays (Envoy would
// refuse the listener). REQUIRES: addresses is not empty.
std::optional<Resource> assemble_listener(const PortId& port,
                                          std::span<const std::string> addresses,
                                          attach::Protocol protocol,
                                          std::span<const FilterChain* const> chains);

}  // namespace kgw::envoy
