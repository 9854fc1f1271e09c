// The builders of the model's tables, one file per topic. Internal to attach/: Model's constructor
// calls them in the order of its members. A builder's functions run at commit, when all members of
// the Model are bound; they may read only tables above their own.
#pragma once

#include "attach/model.h"

namespace kgw::attach {

// service.cc
engine::Derived<ObjectKey, ServiceFacts>& make_service_facts(engine::Graph&, const Model&);
engine::Index<ObjectKey, ObjectKey, EndpointSlice>& make_slices_by_service(engine::Graph&,
                                                                           const Model&);
// grants.cc
engine::Derived<ObjectKey, StringMap>& make_namespace_labels(engine::Graph&, const Model&);
engine::Index<Name, ObjectKey, ReferenceGrant>& make_grants_by_namespace(engine::Graph&,
                                                                         const Model&);
// gateways.cc
engine::Derived<ObjectKey, Meaning<Gateway>>& make_own_gateways(engine::Graph&, const Model&);
engine::Derived<ObjectKey, Meaning<ListenerSet>>& make_declared_sets(engine::Graph&, const Model&);
engine::Index<ObjectKey, ObjectKey, Meaning<ListenerSet>>& make_sets_by_gateway(engine::Graph&,
                                                                                const Model&);
engine::Derived<ObjectKey, GatewayListeners>& make_declared_listeners(engine::Graph&, const Model&);
engine::Derived<ObjectKey, GatewayListeners>& make_listeners(engine::Graph&, const Model&);
engine::Derived<ObjectRef, OwnerListeners>& make_owner_listeners(engine::Graph&, const Model&);
engine::Index<GatewayPort, ObjectKey, GatewayListeners>& make_gateways_by_port(engine::Graph&,
                                                                               const Model&);
engine::Derived<GatewayPort, PortHostnames>& make_port_hostnames(engine::Graph&, const Model&);
engine::Index<std::string, ObjectKey, GatewayListeners>& make_gateways_by_scope(engine::Graph&,
                                                                                const Model&);
// host_ports.cc
engine::Index<HostPort, ObjectKey, GatewayListeners>& make_claims_by_port(engine::Graph&,
                                                                          const Model&);
engine::Derived<HostPort, PortClaims>& make_port_claims(engine::Graph&, const Model&);
// The listeners of a Gateway, without those whose port somebody else has.
GatewayListeners with_host_ports(const Model&, const ObjectKey& key,
                                 const GatewayListeners& declared, engine::Read&);
// certificates.cc
engine::Index<ObjectKey, ObjectKey, GatewayListeners>& make_certificate_users(engine::Graph&,
                                                                              const Model&);
engine::Derived<ObjectRef, CaReferences>& make_ca_references(engine::Graph&, const Model&);
engine::Index<ObjectRef, ObjectRef, CaReferences>& make_ca_users(engine::Graph&, const Model&);
engine::Derived<ObjectKey, Certificate>& make_certificates(engine::Graph&, const Model&);
engine::Derived<ObjectRef, CaBundle>& make_ca_bundles(engine::Graph&, const Model&);
// Lets good_secrets follow the certificates.
void keep_good_secrets(engine::Graph&, const Model&);
// tls.cc
engine::Derived<ObjectKey, GatewayFacts>& make_gateway_facts(engine::Graph&, const Model&);
engine::Index<ListenerId, ObjectRef, OwnerListeners>& make_tls_listeners(engine::Graph&,
                                                                         const Model&);
engine::Derived<ListenerId, ListenerTlsState>& make_listener_tls(engine::Graph&, const Model&);
// attachments.cc
engine::Derived<ObjectRef, RouteAttachment>& make_attachments(engine::Graph&, const Model&);
engine::Index<ListenerId, ObjectRef, RouteAttachment>& make_routes_by_listener(engine::Graph&,
                                                                               const Model&);
engine::Index<HostId, ObjectRef, RouteAttachment>& make_routes_by_host(engine::Graph&,
                                                                       const Model&);
engine::Index<ObjectKey, ObjectRef, RouteAttachment>& make_routes_by_gateway(engine::Graph&,
                                                                             const Model&);
// backend_tls.cc
engine::Index<ObjectRef, ObjectKey, BackendTlsPolicy>& make_tls_policies_by_target(engine::Graph&,
                                                                                   const Model&);
engine::Index<Name, ObjectKey, BackendTlsPolicy>& make_tls_policies_by_namespace(engine::Graph&,
                                                                                 const Model&);
engine::Derived<ObjectRef, TargetTls>& make_target_tls(engine::Graph&, const Model&);
engine::Index<BackendPort, ObjectRef, TargetTls>& make_tls_ports(engine::Graph&, const Model&);
engine::Derived<BackendPort, BackendTls>& make_backend_tls(engine::Graph&, const Model&);
// backend_tls_verdict.cc
engine::Derived<ObjectRef, RouteBackends>& make_route_backends(engine::Graph&, const Model&);
engine::Index<ObjectRef, ObjectRef, RouteBackends>& make_routes_by_backend(engine::Graph&,
                                                                           const Model&);
engine::Derived<ObjectKey, BackendTlsVerdict>& make_backend_tls_verdicts(engine::Graph&,
                                                                         const Model&);

}  // namespace kgw::attach
