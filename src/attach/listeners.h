// Which listeners a Gateway really has: its own and those of its ListenerSets, merged in precedence
// order, with conflicts, supported kinds and TLS references judged one by one.
//
// Tables (see model.h): `listeners` (structure only; a Secret never touches it) and `listener_tls`.
// Sources: Gateway API v1 Gateway/ListenerSet, GEP-1713 (ListenerSet), GEP-91 (frontend client
// validation).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/gateway.h"
#include "api/ref.h"

namespace kgw::attach {

enum class Protocol : std::uint8_t { kHttp, kHttps, kTls, kTcp, kUdp };

// A listener's identity. `owner` is the Gateway itself or a ListenerSet.
struct ListenerId {
  ObjectKey gateway;
  ObjectRef owner;
  Name name;

  friend auto operator<=>(const ListenerId&, const ListenerId&) = default;
  friend bool operator==(const ListenerId&, const ListenerId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ListenerId& id) {
    return H::combine(std::move(h), id.gateway, id.owner, id.name);
  }
};
std::string to_string(const ListenerId& id);

// A verdict with the words for a condition. An empty reason means "nothing is wrong".
struct Fault {
  Name reason;
  Name message;

  explicit operator bool() const { return !reason.empty(); }
  friend bool operator==(const Fault&, const Fault&) = default;
};

struct BoundListener {
  ListenerId id;
  std::shared_ptr<const Object> owner;  // the Gateway or ListenerSet that holds `spec`
  const Listener* spec = nullptr;       // points into *owner
  std::int32_t port = 0;                // the effective one
  std::optional<Protocol> protocol;     // absent = unsupported
  TlsMode tls_mode = TlsMode::kTerminate;
  Name hostname;                                // lower case; empty = every host
  std::vector<RouteGroupKind> supported_kinds;  // for status; empty when none is valid
  std::vector<Kind> route_kinds;                // the kinds that may attach
  Fault unaccepted;   // UnsupportedProtocol, PortUnavailable, UnsupportedValue, ...
  Fault conflicted;   // HostnameConflict, ProtocolConflict
  Fault bad_kinds;    // ResolvedRefs: InvalidRouteKinds
  Fault overlapping;  // condition OverlappingTLSConfig: OverlappingHostnames; the listener works

  // Routes may attach to it and it may be served.
  bool usable() const { return protocol && !unaccepted && !conflicted; }
  // Shares its port with other listeners by hostname or SNI.
  bool by_hostname() const {
    return protocol && *protocol != Protocol::kTcp && *protocol != Protocol::kUdp;
  }
  friend bool operator==(const BoundListener&, const BoundListener&);
};

// The verdict on one ListenerSet that names this Gateway.
struct ListenerSetVerdict {
  ObjectKey key;
  Fault not_allowed;  // NotAllowed (allowedListeners), ParentNotAccepted

  friend bool operator==(const ListenerSetVerdict&, const ListenerSetVerdict&) = default;
};

// Which part of GatewayListeners::listeners one owner has.
struct OwnerSpan {
  ObjectRef owner;
  std::size_t first = 0;
  std::size_t count = 0;
};

// Table `listeners`: one entry per Gateway of a class of ours.
struct GatewayListeners {
  std::shared_ptr<const Gateway> gateway;
  std::vector<BoundListener> listeners;           // in precedence order
  std::vector<ListenerSetVerdict> listener_sets;  // in precedence order
  std::vector<OwnerSpan> owners;                  // sorted by owner; follows from `listeners`
  Fault unaccepted;  // Gateway Accepted=False, nothing is served: UnsupportedAddress
  // Gateway Accepted=False: InvalidParameters. Proxies are not deployed anew from parameters that
  // are not there, but those that run go on, with all changes of routes.
  Fault parameters;

  const BoundListener* find(const ListenerId& id) const;
  std::span<const BoundListener> of_owner(const ObjectRef& owner) const;
  friend bool operator==(const GatewayListeners&, const GatewayListeners&);
};

// Table `owner_listeners`: the part of one Gateway or ListenerSet, so that what concerns only that
// part is not recomputed for its neighbours.
struct OwnerListeners {
  ObjectKey gateway;
  Fault refused;  // a ListenerSet that the Gateway does not take; then there are no listeners
  std::vector<BoundListener> listeners;

  const BoundListener* find(const Name& name) const;
  friend bool operator==(const OwnerListeners&, const OwnerListeners&) = default;
};

struct GatewayPort {
  ObjectKey gateway;
  std::int32_t port = 0;

  friend auto operator<=>(const GatewayPort&, const GatewayPort&) = default;
  friend bool operator==(const GatewayPort&, const GatewayPort&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GatewayPort& id) {
    return H::combine(std::move(h), id.gateway, id.port);
  }
};
std::string to_string(const GatewayPort& id);

// Table `port_hostnames`: the hostnames of the usable HTTP, HTTPS and TLS listeners of a port. A
// domain belongs to the listener whose hostname is the most specific one that covers it.
struct PortHostnames {
  std::vector<Name> hostnames;  // sorted, distinct; empty name = every host

  // The hostname that owns `domain` ("a.b.c", "*.b.c", empty = every host), if any covers it.
  std::optional<Name> owner_of(const Name& domain) const;
  friend bool operator==(const PortHostnames&, const PortHostnames&) = default;
};

// TLS settings of a listener from tls.options (keys kgateway.dev/...), already validated.
struct TlsOptions {
  std::vector<std::string> alpn;  // default h2, http/1.1 for HTTPS; empty with allow-empty
  std::vector<std::string> cipher_suites;
  std::vector<std::string> ecdh_curves;
  std::vector<std::string> signature_algorithms;
  std::string min_version;  // "1.2"
  std::string max_version;
  std::vector<std::string> verify_subject_alt_names;
  std::vector<std::string> verify_certificate_hashes;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

// Table `listener_tls`: one entry per HTTPS or TLS/Terminate listener.
struct ListenerTlsState {
  std::vector<ObjectKey> certificates;   // usable Secrets, in the order of certificateRefs
  std::vector<ObjectRef> ca_references;  // usable ConfigMaps and Secrets for client validation
  bool validate_clients = false;
  bool allow_insecure_fallback = false;
  TlsOptions options;
  Fault unresolved;  // ResolvedRefs: InvalidCertificateRef, RefNotPermitted,
                     // InvalidCACertificateRef, ...
  Fault unaccepted;  // Accepted: NoValidCACertificate
  Fault warning;     // e.g. a bad renewal: the previous certificate stays in force

  // The listener can serve: at least one certificate, and CAs where clients must be validated.
  bool usable() const { return !certificates.empty() && !unaccepted; }
  friend bool operator==(const ListenerTlsState&, const ListenerTlsState&) = default;
};

}  // namespace kgw::attach
