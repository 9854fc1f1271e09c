#include "app/proto_json.h"

#include <google/protobuf/util/json_util.h>

#include <memory>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"

namespace kgw::app {
namespace {

std::unique_ptr<google::protobuf::Message> new_message(envoy::ResourceType type) {
  switch (type) {
    case envoy::ResourceType::kSecret:
      return std::make_unique<::envoy::extensions::transport_sockets::tls::v3::Secret>();
    case envoy::ResourceType::kCluster:
      return std::make_unique<::envoy::config::cluster::v3::Cluster>();
    case envoy::ResourceType::kEndpoint:
      return std::make_unique<::envoy::config::endpoint::v3::ClusterLoadAssignment>();
    case envoy::ResourceType::kListener:
      return std::make_unique<::envoy::config::listener::v3::Listener>();
    case envoy::ResourceType::kScopedRoute:
      return std::make_unique<::envoy::config::route::v3::ScopedRouteConfiguration>();
    case envoy::ResourceType::kRoute:
      return std::make_unique<::envoy::config::route::v3::RouteConfiguration>();
  }
  return nullptr;
}

}  // namespace

nlohmann::ordered_json to_json(envoy::ResourceType type, const envoy::Resource& resource,
                               Secrets secrets) {
  if (type == envoy::ResourceType::kSecret && secrets == Secrets::kHide) {
    return {{"name", resource.name.str()}};
  }
  const auto message = new_message(type);
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!message->ParseFromString(*resource.body)) return {{"error", "the bytes do not parse"}};
  const auto status = google::protobuf::util::MessageToJsonString(*message, &text, options);
  if (!status.ok()) return {{"error", std::string(status.message())}};
  return nlohmann::ordered_json::parse(text);
}

}  // namespace kgw::app
