#include "envoy/endpoint.h"
#include "envoy/resource_tables.h"

namespace kgw::envoy {
namespace {

std::string_view l4_protocol(const attach::ClusterId& id) {
  return id.protocol == attach::BackendProtocol::kUdp ? "UDP" : "TCP";
}

std::optional<Resource> assign_service(const Model& model, const Settings& settings,
                                       const attach::ClusterId& id, Read& read) {
  const attach::ServiceFacts* service = read.get(model.service_facts, id.backend.key);
  if (service == nullptr || Discovery::of(id, *service).type != Discovery::Type::kEds) {
    return std::nullopt;
  }
  EndpointSelector selector{.protocol = l4_protocol(id),
                            .port = id.port,
                            .traffic_distribution = service->traffic_distribution};
  const ServicePort* port = service->find_port(id.port, selector.protocol);
  if (port != nullptr) selector.port_name = port->name;
  EndpointCollector::InMesh in_mesh;
  if (settings.istio_mtls && takes_istio_mtls(id, *service)) {
    in_mesh = [&](const ObjectKey& key) {
      const Pod* pod = read.get(model.inputs.pods, key);
      return pod != nullptr && is_in_mesh(*pod);
    };
  }
  EndpointCollector endpoints(selector, settings.proximity, std::move(in_mesh));
  if (port != nullptr) {
    read.each(model.slices_by_service, id.backend.key,
              [&](const ObjectKey&, const EndpointSlice& slice) { endpoints.add(slice); });
  }
  return endpoints.build(attach::cluster_name(id));
}

std::optional<Resource> assign_backend(const Model& model, const Proximity& proximity,
                                       const attach::ClusterId& id, Read& read) {
  const Backend* backend = read.get(model.inputs.backends, id.backend.key);
  if (backend == nullptr || !backend->static_backend) return std::nullopt;
  const std::vector<BackendHost> hosts = hosts_of(id, *backend->static_backend);
  if (Discovery::of(hosts).type != Discovery::Type::kEds) return std::nullopt;
  EndpointCollector endpoints({}, proximity);
  for (const BackendHost& host : hosts) {
    endpoints.add(host.host, host.port);
  }
  return endpoints.build(attach::cluster_name(id));
}

// The entry of `backend_tls` for a cluster. A Backend has one for all its ports.
attach::BackendPort tls_port_of(const attach::ClusterId& id) {
  return {id.backend, id.backend.kind == Kind::kBackend ? 0 : id.port};
}

// Null where the mesh's mTLS is out of the question.
const IstioMtls* istio_mtls_of(const Model& model, const Settings& settings,
                               const attach::ClusterId& id, Read& read) {
  if (!settings.istio_mtls || id.backend.kind != Kind::kService) return nullptr;
  const attach::ServiceFacts* service = read.get(model.service_facts, id.backend.key);
  const bool takes = service != nullptr && takes_istio_mtls(id, *service);
  return takes ? &*settings.istio_mtls : nullptr;
}

}  // namespace

std::optional<Discovery> discover(const Model& model, const attach::ClusterId& id, Read& read) {
  if (id.backend.kind == Kind::kService) {
    const attach::ServiceFacts* service = read.get(model.service_facts, id.backend.key);
    if (service == nullptr) return std::nullopt;
    return Discovery::of(id, *service);
  }
  const Backend* backend = read.get(model.inputs.backends, id.backend.key);
  if (backend == nullptr || !backend->static_backend) return std::nullopt;
  return Discovery::of(hosts_of(id, *backend->static_backend));
}

std::optional<BuiltCluster> compute_cluster(const Model& model, const Settings& settings,
                                            const ClusterVariant& variant, Read& read) {
  std::optional<Discovery> discovery = discover(model, variant.id, read);
  if (!discovery) return std::nullopt;
  discovery->dns_lookup_family = settings.dns_lookup_family;
  const attach::BackendTls* tls = read.get(model.backend_tls, tls_port_of(variant.id));
  return build_cluster(variant, *discovery, tls, settings.system_ca_path,
                       istio_mtls_of(model, settings, variant.id, read));
}

std::optional<Resource> compute_assignment(const Model& model, const Settings& settings,
                                           const attach::ClusterId& id, Read& read) {
  return id.backend.kind == Kind::kService ? assign_service(model, settings, id, read)
                                           : assign_backend(model, settings.proximity, id, read);
}

ClusterVariant compute_variant(const Model& model, const GatewayCluster& use, Read& read) {
  const attach::BackendTls* tls = read.get(model.backend_tls, tls_port_of(use.cluster));
  if (tls == nullptr || tls->invalid) return {use.cluster, {}};
  const attach::GatewayFacts* gateway = read.get(model.gateway_facts, use.gateway);
  return {use.cluster, gateway ? gateway->client_certificate : ObjectKey{}};
}

}  // namespace kgw::envoy
