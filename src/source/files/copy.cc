#include "api/backend.h"
#include "api/core.h"
#include "api/gateway.h"
#include "api/gateway_parameters.h"
#include "api/route.h"
#include "source/files/catalog.h"

namespace kgw::source {
namespace {

template <typename T>
std::shared_ptr<Object> copy_as(const Object& object) {
  return std::make_shared<T>(static_cast<const T&>(object));
}

}  // namespace

std::shared_ptr<Object> copy_of(const Object& object) {
  switch (object.kind) {
    case Kind::kUnknown:
      return std::make_shared<Object>(object);
    case Kind::kGatewayClass:
      return copy_as<GatewayClass>(object);
    case Kind::kGateway:
      return copy_as<Gateway>(object);
    case Kind::kListenerSet:
      return copy_as<ListenerSet>(object);
    case Kind::kHttpRoute:
      return copy_as<HttpRoute>(object);
    case Kind::kGrpcRoute:
      return copy_as<GrpcRoute>(object);
    case Kind::kTlsRoute:
      return copy_as<StreamRoute>(object);
    case Kind::kTcpRoute:
      return copy_as<StreamRoute>(object);
    case Kind::kUdpRoute:
      return copy_as<StreamRoute>(object);
    case Kind::kReferenceGrant:
      return copy_as<ReferenceGrant>(object);
    case Kind::kBackendTlsPolicy:
      return copy_as<BackendTlsPolicy>(object);
    case Kind::kService:
      return copy_as<Service>(object);
    case Kind::kEndpointSlice:
      return copy_as<EndpointSlice>(object);
    case Kind::kSecret:
      return copy_as<Secret>(object);
    case Kind::kConfigMap:
      return copy_as<ConfigMap>(object);
    case Kind::kNamespace:
      return copy_as<Namespace>(object);
    case Kind::kPod:
      return copy_as<Pod>(object);
    case Kind::kBackend:
      return copy_as<Backend>(object);
    case Kind::kGatewayParameters:
      return copy_as<GatewayParameters>(object);
  }
  return nullptr;
}

}  // namespace kgw::source
