#include "api/ref.h"

#include <array>

namespace kgw {
namespace {

struct KindRow {
  Kind kind;
  std::string_view group;
  std::string_view name;
};

constexpr std::string_view kGatewayApi = "gateway.networking.k8s.io";

constexpr std::array kKinds = {
    KindRow{Kind::kGatewayClass, kGatewayApi, "GatewayClass"},
    KindRow{Kind::kGateway, kGatewayApi, "Gateway"},
    KindRow{Kind::kListenerSet, kGatewayApi, "ListenerSet"},
    KindRow{Kind::kHttpRoute, kGatewayApi, "HTTPRoute"},
    KindRow{Kind::kGrpcRoute, kGatewayApi, "GRPCRoute"},
    KindRow{Kind::kTlsRoute, kGatewayApi, "TLSRoute"},
    KindRow{Kind::kTcpRoute, kGatewayApi, "TCPRoute"},
    KindRow{Kind::kUdpRoute, kGatewayApi, "UDPRoute"},
    KindRow{Kind::kReferenceGrant, kGatewayApi, "ReferenceGrant"},
    KindRow{Kind::kBackendTlsPolicy, kGatewayApi, "BackendTLSPolicy"},
    KindRow{Kind::kService, "", "Service"},
    KindRow{Kind::kEndpointSlice, "discovery.k8s.io", "EndpointSlice"},
    KindRow{Kind::kSecret, "", "Secret"},
    KindRow{Kind::kConfigMap, "", "ConfigMap"},
    KindRow{Kind::kNamespace, "", "Namespace"},
    KindRow{Kind::kPod, "", "Pod"},
    KindRow{Kind::kBackend, "gateway.kgateway.dev", "Backend"},
    KindRow{Kind::kGatewayParameters, "gateway.kgateway.dev", "GatewayParameters"},
};

const KindRow* row_of(Kind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  const KindRow* row = row_of(kind);
  return row == nullptr ? "Unknown" : row->name;
}

std::string_view kind_group(Kind kind) {
  const KindRow* row = row_of(kind);
  return row == nullptr ? "" : row->group;
}

Kind kind_of(std::string_view group, std::string_view name) {
  for (const KindRow& row : kKinds) {
    if (row.group == group && row.name == name) return row.kind;
  }
  return Kind::kUnknown;
}

std::string to_string(const ObjectKey& key) {
  return key.ns.empty() ? key.name.str() : key.ns.str() + "/" + key.name.str();
}

std::string to_string(const ObjectRef& ref) {
  return std::string(kind_name(ref.kind)) + " " + to_string(ref.key);
}

}  // namespace kgw
