#include "app/backend_warnings.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "attach/local_address.h"
#include "attach/trust.h"

namespace kgw::app {
namespace {

using attach::BackendProtocol;
using attach::ClusterId;

constexpr const char* kDistribution = "networking.istio.io/traffic-distribution";

using Slices = std::vector<const EndpointSlice*>;

Diagnostic warning(const ObjectRef& object, std::string field, std::string message) {
  return {object, std::move(field), "NoEffect", std::move(message), Severity::kWarning, {}};
}

std::set<ClusterId> clusters_in_use(const Translation& translation) {
  std::set<ClusterId> clusters;
  translation.resources.cluster_uses.for_each(
      [&](const envoy::GatewayCluster& use, const envoy::ClusterVariant&) {
        if (use.cluster.backend.kind == Kind::kService) clusters.insert(use.cluster);
      });
  return clusters;
}

std::map<ObjectKey, Slices> slices_by_service(const Translation& translation) {
  std::map<ObjectKey, Slices> slices;
  translation.model.inputs.endpoint_slices.for_each(
      [&](const ObjectKey& key, const EndpointSlice& slice) {
        const auto service = slice.metadata.labels.find(EndpointSlice::kServiceName);
        if (service == slice.metadata.labels.end()) return;
        slices[{key.ns, service->second}].push_back(&slice);
      });
  return slices;
}

void check_service(const Service& service, Diagnostics& out) {
  if (service.session_affinity == "ClientIP") {
    out.push_back(warning(service.ref(), "spec.sessionAffinity",
                          "ClientIP is not followed; a route's sessionPersistence keeps a client "
                          "at one endpoint"));
  }
  if (service.metadata.annotations.contains(kDistribution)) {
    out.push_back(warning(service.ref(), "metadata.annotations[" + std::string(kDistribution) + "]",
                          "this annotation is not supported by this version of kgateway and has no "
                          "effect; spec.trafficDistribution is followed"));
  }
}

// What is spoken to the port of a Service, for HTTP (GEP-1911).
void check_app_protocol(const Service& service, const ClusterId& cluster, bool has_tls,
                        Diagnostics& out) {
  constexpr std::array kFollowed = {
      "http", "http2", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"};
  const bool is_http =
      cluster.protocol == BackendProtocol::kAuto || cluster.protocol == BackendProtocol::kHttp2;
  if (!is_http) return;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    const ServicePort& port = service.ports[i];
    if (port.port != cluster.port || port.protocol != "TCP" || !port.app_protocol) continue;
    const std::string protocol = port.app_protocol->str();
    if (std::ranges::find(kFollowed, protocol) != std::end(kFollowed)) continue;
    if (protocol == "https" && has_tls) continue;
    out.push_back(warning(
        service.ref(), "spec.ports[" + std::to_string(i) + "].appProtocol",
        protocol == "https"
            ? "https is not followed: requests go there without TLS; a BackendTLSPolicy turns it on"
            : "\"" + protocol + "\" is not followed: requests go there by plain HTTP/1.1"));
  }
}

bool has_port(const EndpointSlice& slice, const ServicePort& port) {
  return std::ranges::any_of(slice.ports, [&](const EndpointPort& own) {
    return own.name == port.name && own.protocol == port.protocol;
  });
}

// The slices that a controller made lack a port where the Pods differ; those that somebody wrote
// lack it by mistake, and so do they if all of them lack it.
void check_slices(const ObjectRef& service, const ServicePort& port, const Slices& slices,
                  Diagnostics& out) {
  const bool any = std::ranges::any_of(
      slices, [&](const EndpointSlice* slice) { return has_port(*slice, port); });
  for (const EndpointSlice* slice : slices) {
    const bool is_made = slice->metadata.labels.contains(EndpointSlice::kManagedBy);
    if (slice->endpoints.empty() || has_port(*slice, port) || (any && is_made)) continue;
    const std::string name = port.name.empty() ? "no name" : "the name \"" + port.name.str() + "\"";
    out.push_back(warning(slice->ref(), "ports",
                          "no port has " + name + " and protocol " + port.protocol.str() +
                              ", as port " + std::to_string(port.port) + " of " +
                              to_string(service) + " has; no request is sent to its endpoints"));
  }
}

void check_address_types(const Slices& slices, Diagnostics& out) {
  for (const EndpointSlice* slice : slices) {
    if (slice->address_type != "FQDN") continue;
    out.push_back(warning(slice->ref(), "addressType",
                          "addresses of type FQDN are not used; a Backend, or a Service of type "
                          "ExternalName, takes names"));
  }
}

}  // namespace

void report_backends(const Translation& translation, Diagnostics& out) {
  const auto slices = slices_by_service(translation);
  for (const ClusterId& cluster : clusters_in_use(translation)) {
    const Service* service = translation.model.inputs.services.find(cluster.backend.key);
    const auto* facts = translation.model.service_facts.find(cluster.backend.key);
    if (service == nullptr || facts == nullptr) continue;
    check_service(*service, out);
    const bool has_tls =
        translation.model.backend_tls.find({cluster.backend, cluster.port}) != nullptr;
    check_app_protocol(*service, cluster, has_tls, out);
    const auto own = slices.find(cluster.backend.key);
    if (own == slices.end()) continue;
    check_address_types(own->second, out);
    const bool udp = cluster.protocol == BackendProtocol::kUdp;
    const ServicePort* port = facts->find_port(cluster.port, udp ? "UDP" : "TCP");
    if (port != nullptr) check_slices(cluster.backend, *port, own->second, out);
  }
}

void report_endpoints(const Translation& translation, Diagnostics& out) {
  if (attach::trust().local_backends) return;
  translation.model.inputs.endpoint_slices.for_each(
      [&](const ObjectKey&, const EndpointSlice& slice) {
        for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
          const auto& addresses = slice.endpoints[i].addresses;
          if (addresses.empty()) continue;
          const attach::Fault fault = attach::local_host(addresses.front());
          if (!fault) continue;
          out.push_back({slice.ref(),
                         "endpoints[" + std::to_string(i) + "].addresses[0]",
                         fault.reason.str(),
                         fault.message.str(),
                         Severity::kError,
                         {}});
        }
      });
}

}  // namespace kgw::app
