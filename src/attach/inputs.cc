#include <utility>

#include "attach/model.h"

namespace kgw::attach {
namespace {

template <typename T>
void set(engine::Input<ObjectKey, T>& table, const ObjectRef& ref,
         std::shared_ptr<const Object> object) {
  table.set(ref.key, std::static_pointer_cast<const T>(std::move(object)));
}

}  // namespace

Inputs::Inputs(engine::Graph& graph)
    : gateway_classes(graph.input<ObjectKey, GatewayClass>("gateway classes")),
      gateways(graph.input<ObjectKey, Gateway>("gateways")),
      listener_sets(graph.input<ObjectKey, ListenerSet>("listener sets")),
      http_routes(graph.input<ObjectKey, HttpRoute>("http routes")),
      grpc_routes(graph.input<ObjectKey, GrpcRoute>("grpc routes")),
      stream_routes(graph.input<ObjectRef, StreamRoute>("stream routes")),
      grants(graph.input<ObjectKey, ReferenceGrant>("grants")),
      backend_tls_policies(graph.input<ObjectKey, BackendTlsPolicy>("backend tls policies")),
      services(graph.input<ObjectKey, Service>("services")),
      endpoint_slices(graph.input<ObjectKey, EndpointSlice>("endpoint slices")),
      secrets(graph.input<ObjectKey, Secret>("secrets")),
      config_maps(graph.input<ObjectKey, ConfigMap>("config maps")),
      namespaces(graph.input<ObjectKey, Namespace>("namespaces")),
      pods(graph.input<ObjectKey, Pod>("pods")),
      backends(graph.input<ObjectKey, Backend>("backends")),
      gateway_parameters(graph.input<ObjectKey, GatewayParameters>("gateway parameters")) {}

void Inputs::apply(const ObjectRef& ref, std::shared_ptr<const Object> object) {
  switch (ref.kind) {
    case Kind::kGatewayClass:
      return set(gateway_classes, ref, std::move(object));
    case Kind::kGateway:
      return set(gateways, ref, std::move(object));
    case Kind::kListenerSet:
      return set(listener_sets, ref, std::move(object));
    case Kind::kHttpRoute:
      return set(http_routes, ref, std::move(object));
    case Kind::kGrpcRoute:
      return set(grpc_routes, ref, std::move(object));
    case Kind::kTlsRoute:
    case Kind::kTcpRoute:
    case Kind::kUdpRoute:
      return stream_routes.set(ref, std::static_pointer_cast<const StreamRoute>(std::move(object)));
    case Kind::kReferenceGrant:
      return set(grants, ref, std::move(object));
    case Kind::kBackendTlsPolicy:
      return set(backend_tls_policies, ref, std::move(object));
    case Kind::kService:
      return set(services, ref, std::move(object));
    case Kind::kEndpointSlice:
      return set(endpoint_slices, ref, std::move(object));
    case Kind::kSecret:
      return set(secrets, ref, std::move(object));
    case Kind::kConfigMap:
      return set(config_maps, ref, std::move(object));
    case Kind::kNamespace:
      return set(namespaces, ref, std::move(object));
    case Kind::kPod:
      return set(pods, ref, std::move(object));
    case Kind::kBackend:
      return set(backends, ref, std::move(object));
    case Kind::kGatewayParameters:
      return set(gateway_parameters, ref, std::move(object));
    case Kind::kUnknown:
      return;
  }
}

const Object* Inputs::find(const ObjectRef& ref) const {
  switch (ref.kind) {
    case Kind::kGatewayClass:
      return gateway_classes.find(ref.key);
    case Kind::kGateway:
      return gateways.find(ref.key);
    case Kind::kListenerSet:
      return listener_sets.find(ref.key);
    case Kind::kHttpRoute:
      return http_routes.find(ref.key);
    case Kind::kGrpcRoute:
      return grpc_routes.find(ref.key);
    case Kind::kTlsRoute:
    case Kind::kTcpRoute:
    case Kind::kUdpRoute:
      return stream_routes.find(ref);
    case Kind::kReferenceGrant:
      return grants.find(ref.key);
    case Kind::kBackendTlsPolicy:
      return backend_tls_policies.find(ref.key);
    case Kind::kService:
      return services.find(ref.key);
    case Kind::kEndpointSlice:
      return endpoint_slices.find(ref.key);
    case Kind::kSecret:
      return secrets.find(ref.key);
    case Kind::kConfigMap:
      return config_maps.find(ref.key);
    case Kind::kNamespace:
      return namespaces.find(ref.key);
    case Kind::kPod:
      return pods.find(ref.key);
    case Kind::kBackend:
      return backends.find(ref.key);
    case Kind::kGatewayParameters:
      return gateway_parameters.find(ref.key);
    case Kind::kUnknown:
      return nullptr;
  }
  return nullptr;
}

}  // namespace kgw::attach
