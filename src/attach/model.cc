#include "attach/model.h"

#include "attach/tables.h"

namespace kgw::attach {

Model::Model(engine::Graph& graph, Place given)
    : place(std::move(given)),
      inputs(graph),
      service_facts(make_service_facts(graph, *this)),
      namespace_labels(make_namespace_labels(graph, *this)),
      grants_by_namespace(make_grants_by_namespace(graph, *this)),
      own_gateways(make_own_gateways(graph, *this)),
      declared_sets(make_declared_sets(graph, *this)),
      sets_by_gateway(make_sets_by_gateway(graph, *this)),
      declared_listeners(make_declared_listeners(graph, *this)),
      claims_by_port(make_claims_by_port(graph, *this)),
      port_claims(make_port_claims(graph, *this)),
      port_grants(graph.input<GatewayHostPort, PortGrant>("granted host ports")),
      listeners(make_listeners(graph, *this)),
      owner_listeners(make_owner_listeners(graph, *this)),
      gateways_by_port(make_gateways_by_port(graph, *this)),
      port_hostnames(make_port_hostnames(graph, *this)),
      gateways_by_scope(make_gateways_by_scope(graph, *this)),
      certificate_users(make_certificate_users(graph, *this)),
      ca_references(make_ca_references(graph, *this)),
      ca_users(make_ca_users(graph, *this)),
      good_secrets(graph.input<ObjectKey, Secret>("good secrets")),
      certificates(make_certificates(graph, *this)),
      ca_bundles(make_ca_bundles(graph, *this)),
      gateway_facts(make_gateway_facts(graph, *this)),
      tls_listeners(make_tls_listeners(graph, *this)),
      listener_tls(make_listener_tls(graph, *this)),
      attachments(make_attachments(graph, *this)),
      routes_by_listener(make_routes_by_listener(graph, *this)),
      routes_by_host(make_routes_by_host(graph, *this)),
      routes_by_gateway(make_routes_by_gateway(graph, *this)),
      slices_by_service(make_slices_by_service(graph, *this)),
      tls_policies_by_target(make_tls_policies_by_target(graph, *this)),
      tls_policies_by_namespace(make_tls_policies_by_namespace(graph, *this)),
      target_tls(make_target_tls(graph, *this)),
      tls_ports(make_tls_ports(graph, *this)),
      backend_tls(make_backend_tls(graph, *this)),
      route_backends(make_route_backends(graph, *this)),
      routes_by_backend(make_routes_by_backend(graph, *this)),
      backend_tls_verdicts(make_backend_tls_verdicts(graph, *this)) {
  keep_good_secrets(graph, *this);
}

}  // namespace kgw::attach
