// Keys of what belongs to one Gateway: a cluster that it refers to, a resource that its proxies
// get.
#pragma once

#include <compare>
#include <string>
#include <utility>

#include "attach/backend_ref.h"

namespace kgw::envoy {

struct GatewayCluster {
  ObjectKey gateway;
  attach::ClusterId cluster;

  friend auto operator<=>(const GatewayCluster&, const GatewayCluster&) = default;
  friend bool operator==(const GatewayCluster&, const GatewayCluster&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GatewayCluster& id) {
    return H::combine(std::move(h), id.gateway, id.cluster);
  }
};
inline std::string to_string(const GatewayCluster& id) {
  return kgw::to_string(id.gateway) + " " + attach::to_string(id.cluster);
}

// A resource's name among those of its type.
struct GatewayResourceId {
  ObjectKey gateway;
  Name name;

  friend auto operator<=>(const GatewayResourceId&, const GatewayResourceId&) = default;
  friend bool operator==(const GatewayResourceId&, const GatewayResourceId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GatewayResourceId& id) {
    return H::combine(std::move(h), id.gateway, id.name);
  }
};
inline std::string to_string(const GatewayResourceId& id) {
  return kgw::to_string(id.gateway) + " " + id.name.str();
}

}  // namespace kgw::envoy
