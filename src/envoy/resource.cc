#include "envoy/resource.h"

#include <xxhash.h>

#include <cstdio>

namespace kgw::envoy {

std::string_view type_url(ResourceType type) {
  switch (type) {
    case ResourceType::kSecret:
      return "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    case ResourceType::kCluster:
      return "type.googleapis.com/envoy.config.cluster.v3.Cluster";
    case ResourceType::kEndpoint:
      return "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
    case ResourceType::kListener:
      return "type.googleapis.com/envoy.config.listener.v3.Listener";
    case ResourceType::kScopedRoute:
      return "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
    case ResourceType::kRoute:
      return "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
  }
  return "";
}

std::string_view type_name(ResourceType type) {
  const std::string_view url = type_url(type);
  return url.substr(url.rfind('.') + 1);
}

std::string to_string(Version version) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(version.hash));
  return text;
}

Resource make_resource(Name name, std::string body) {
  const Version version{XXH3_64bits(body.data(), body.size())};
  return {std::move(name), version, std::make_shared<const std::string>(std::move(body))};
}

std::string to_string(const ResourceKey& key) {
  return std::string(type_name(key.type)) + " " + key.name.str();
}

}  // namespace kgw::envoy
