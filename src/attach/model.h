// The bound model: every table between the objects and the Envoy resources that concerns who is
// attached to what. Built once on a Graph by Model's constructor; later layers read it through
// engine::Read.
//
// Flow: inputs -> listeners -> attachments -> (policy: rules) -> (envoy: resources), and
//       inputs -> certificates / services / endpoints / backend TLS, read by whoever needs them.
#pragma once

#include <memory>
#include <vector>

#include "api/backend.h"
#include "api/core.h"
#include "api/gateway.h"
#include "api/gateway_parameters.h"
#include "api/route.h"
#include "attach/attachment.h"
#include "attach/backend_ref.h"
#include "attach/host_ports.h"
#include "attach/listeners.h"
#include "attach/meaning.h"
#include "attach/place.h"
#include "engine/graph.h"

namespace kgw::attach {

// One input table per kind. TLSRoute, TCPRoute and UDPRoute share one, keyed by reference.
struct Inputs {
  explicit Inputs(engine::Graph& graph);

  // Routes an event to its table. `object` null = erase.
  void apply(const ObjectRef& ref, std::shared_ptr<const Object> object);
  // The object in force, null when there is none.
  const Object* find(const ObjectRef& ref) const;

  engine::Input<ObjectKey, GatewayClass>& gateway_classes;
  engine::Input<ObjectKey, Gateway>& gateways;
  engine::Input<ObjectKey, ListenerSet>& listener_sets;
  engine::Input<ObjectKey, HttpRoute>& http_routes;
  engine::Input<ObjectKey, GrpcRoute>& grpc_routes;
  engine::Input<ObjectRef, StreamRoute>& stream_routes;
  engine::Input<ObjectKey, ReferenceGrant>& grants;
  engine::Input<ObjectKey, BackendTlsPolicy>& backend_tls_policies;
  engine::Input<ObjectKey, Service>& services;
  engine::Input<ObjectKey, EndpointSlice>& endpoint_slices;
  engine::Input<ObjectKey, Secret>& secrets;
  engine::Input<ObjectKey, ConfigMap>& config_maps;
  engine::Input<ObjectKey, Namespace>& namespaces;
  engine::Input<ObjectKey, Pod>& pods;  // of Istio's mesh, where that matters
  engine::Input<ObjectKey, Backend>& backends;
  engine::Input<ObjectKey, GatewayParameters>& gateway_parameters;
};

// Table `certificates`: a TLS Secret, parsed and checked once per version.
struct Certificate {
  std::string chain_pem;
  std::string key_pem;
  std::int64_t not_after = 0;          // seconds since the epoch
  std::vector<std::string> dns_names;  // SANs, for overlap warnings
  Fault invalid;  // not a TLS Secret, unparsable, key mismatch, unsupported algorithm
  Fault warning;  // expired, or: the Secret is now invalid and this is its last good version

  friend bool operator==(const Certificate&, const Certificate&) = default;
};

// Table `ca_bundles`: a ConfigMap or Secret used as certificate authority (key ca.crt).
struct CaBundle {
  std::string pem;
  Fault invalid;

  friend bool operator==(const CaBundle&, const CaBundle&) = default;
};

// Table `service_facts`: what routing needs of a Service; unaffected by its labels or status.
struct ServiceFacts {
  Name type;
  Name external_name;
  bool headless = false;
  Name traffic_distribution;
  bool no_istio_mtls = false;  // annotation kgateway.dev/disable-istio-auto-mtls
  std::vector<ServicePort> ports;

  const ServicePort* find_port(std::int32_t port, std::string_view l4_protocol) const;
  friend bool operator==(const ServiceFacts&, const ServiceFacts&) = default;
};

// Which BackendTLSPolicy governs a port of a Service or Backend (table `backend_tls`, keyed by
// BackendPort).
struct BackendPort {
  ObjectRef backend;
  std::int32_t port = 0;

  friend auto operator<=>(const BackendPort&, const BackendPort&) = default;
  friend bool operator==(const BackendPort&, const BackendPort&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const BackendPort& id) {
    return H::combine(std::move(h), id.backend, id.port);
  }
};
std::string to_string(const BackendPort& id);

struct BackendTls {
  ObjectKey policy;
  std::string sni;                       // validation.hostname
  std::vector<SubjectAltName> sans;      // any-of; empty = the hostname is verified
  std::vector<ObjectRef> ca_references;  // usable ones; empty with system_ca
  bool system_ca = false;
  Fault invalid;  // no valid CA: traffic must fail, never fall back to plain text

  friend bool operator==(const BackendTls&, const BackendTls&) = default;
};

// Table `target_tls`: the BackendTLSPolicies of one Service or Backend, judged against each other.
struct TargetTls {
  // How one targetRef of a policy fared.
  struct Outcome {
    ObjectKey policy;
    std::string section;  // empty: the whole target
    Fault lost;           // Conflicted, TargetNotFound

    friend bool operator==(const Outcome&, const Outcome&) = default;
  };
  std::vector<std::pair<std::int32_t, ObjectKey>> ports;  // port and the policy in force, sorted
  std::vector<Outcome> outcomes;                          // in precedence order

  friend bool operator==(const TargetTls&, const TargetTls&) = default;
};

// Table `route_backends`: the backends of a route for which there may be a BackendTLSPolicy, and
// the Gateways that have accepted the route.
struct RouteBackends {
  std::vector<ObjectRef> backends;
  std::vector<ObjectKey> gateways;

  friend bool operator==(const RouteBackends&, const RouteBackends&) = default;
};

// A BackendTLSPolicy's own verdict, for its status (table `backend_tls_verdicts`).
struct BackendTlsVerdict {
  Fault unaccepted;                 // Conflicted, NoValidCACertificate, TargetNotFound, Invalid
  Fault partial;                    // accepted, but not in force for some of its targets
  Fault unresolved;                 // InvalidKind, InvalidCACertificateRef
  std::vector<ObjectKey> gateways;  // ancestors: Gateways whose routes use a target

  friend bool operator==(const BackendTlsVerdict&, const BackendTlsVerdict&) = default;
};

// Table `ca_references`: the certificate authorities that a Gateway or BackendTLSPolicy names.
struct CaReferences {
  std::vector<ObjectRef> objects;

  friend bool operator==(const CaReferences&, const CaReferences&) = default;
};

// Gateway-level facts outside its listeners (table `gateway_facts`): its own client certificate,
// and how it validates the certificates of clients.
struct GatewayFacts {
  ObjectKey client_certificate;  // empty when none or unusable
  Fault unresolved;              // InvalidClientCertificateRef, RefNotPermitted
  Box<GatewayFrontendTls> frontend;
  bool insecure_frontend = false;  // AllowInsecureFallback somewhere in `frontend`

  friend bool operator==(const GatewayFacts&, const GatewayFacts&) = default;
};

inline constexpr std::string_view kControllerName = "kgateway.dev/kgateway";

struct Model {
  explicit Model(engine::Graph& graph, Place place = {});
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Resolves a backendRef of `from` (a route, or a Gateway for listener filters). `preferred` is
  // what the route speaks (kHttp2 for GRPCRoute, kTcp, kUdp); the port's appProtocol may say more.
  // Records its reads, so the caller is recomputed when the verdict may change.
  ResolvedBackend resolve_backend(engine::Read& read, const ObjectRef& from,
                                  const BackendObjectRef& ref, BackendProtocol preferred) const;

  // True if `from` may refer to `to` (same namespace, or a ReferenceGrant allows it).
  bool permitted(engine::Read& read, const ObjectRef& from, std::string_view to_group,
                 std::string_view to_kind, const ObjectKey& to) const;

  // True if `policy` of an owner in namespace `own` selects `ns`. A Namespace that does not exist
  // counts as one whose only label is kubernetes.io/metadata.name.
  bool selects_namespace(engine::Read& read, const NamespacePolicy& policy, const Name& own,
                         const Name& ns) const;

  const Place place;

  // In the order of creation: each table reads only those above it.
  Inputs inputs;
  engine::Derived<ObjectKey, ServiceFacts>& service_facts;
  engine::Derived<ObjectKey, StringMap>& namespace_labels;
  engine::Index<Name, ObjectKey, ReferenceGrant>& grants_by_namespace;  // that of the targets

  // Gateways of a class of ours, and ListenerSets, without what a status update changes.
  engine::Derived<ObjectKey, Meaning<Gateway>>& own_gateways;
  engine::Derived<ObjectKey, Meaning<ListenerSet>>& declared_sets;
  engine::Index<ObjectKey, ObjectKey, Meaning<ListenerSet>>& sets_by_gateway;

  // Of a shared host only: the listeners before other Gateways and programs are looked at.
  engine::Derived<ObjectKey, GatewayListeners>& declared_listeners;
  engine::Index<HostPort, ObjectKey, GatewayListeners>& claims_by_port;
  engine::Derived<HostPort, PortClaims>& port_claims;
  engine::Input<GatewayHostPort, PortGrant>& port_grants;

  engine::Derived<ObjectKey, GatewayListeners>& listeners;
  engine::Derived<ObjectRef, OwnerListeners>& owner_listeners;  // by Gateway or ListenerSet
  engine::Index<GatewayPort, ObjectKey, GatewayListeners>& gateways_by_port;
  engine::Derived<GatewayPort, PortHostnames>& port_hostnames;
  engine::Index<std::string, ObjectKey, GatewayListeners>& gateways_by_scope;

  engine::Index<ObjectKey, ObjectKey, GatewayListeners>& certificate_users;
  engine::Derived<ObjectRef, CaReferences>& ca_references;
  engine::Index<ObjectRef, ObjectRef, CaReferences>& ca_users;
  engine::Input<ObjectKey, Secret>& good_secrets;  // last version whose certificate was valid
  engine::Derived<ObjectKey, Certificate>& certificates;  // by Secret, those that are referenced
  engine::Derived<ObjectRef, CaBundle>& ca_bundles;       // by ConfigMap or Secret, likewise

  engine::Derived<ObjectKey, GatewayFacts>& gateway_facts;
  engine::Index<ListenerId, ObjectRef, OwnerListeners>& tls_listeners;
  engine::Derived<ListenerId, ListenerTlsState>& listener_tls;

  engine::Derived<ObjectRef, RouteAttachment>& attachments;
  engine::Index<ListenerId, ObjectRef, RouteAttachment>&
      routes_by_listener;                                             // count = attachedRoutes
  engine::Index<HostId, ObjectRef, RouteAttachment>& routes_by_host;  // HTTP and HTTPS
  engine::Index<ObjectKey, ObjectRef, RouteAttachment>& routes_by_gateway;
  engine::Index<ObjectKey, ObjectKey, EndpointSlice>& slices_by_service;

  engine::Index<ObjectRef, ObjectKey, BackendTlsPolicy>& tls_policies_by_target;
  engine::Index<Name, ObjectKey, BackendTlsPolicy>& tls_policies_by_namespace;
  engine::Derived<ObjectRef, TargetTls>& target_tls;  // by Service or Backend
  engine::Index<BackendPort, ObjectRef, TargetTls>& tls_ports;
  engine::Derived<BackendPort, BackendTls>& backend_tls;
  engine::Derived<ObjectRef, RouteBackends>& route_backends;
  engine::Index<ObjectRef, ObjectRef, RouteBackends>& routes_by_backend;
  engine::Derived<ObjectKey, BackendTlsVerdict>& backend_tls_verdicts;
};

}  // namespace kgw::attach
