// What proxies have taken over, as inputs of the status tables: contract 7, "status tells the
// truth".
//
// The xDS ledger reports per resource; here it becomes tables, so that a status that says
// Programmed is recomputed exactly when the resource behind it is acknowledged or rejected.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/gateway.h"
#include "attach/listeners.h"
#include "attach/route_table.h"
#include "engine/graph.h"
#include "envoy/resource.h"

namespace kgw::status {

// A resource of one Gateway's proxies.
struct GatewayResource {
  ObjectKey gateway;
  envoy::ResourceKey resource;

  friend auto operator<=>(const GatewayResource&, const GatewayResource&) = default;
  friend bool operator==(const GatewayResource&, const GatewayResource&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GatewayResource& id) {
    return H::combine(std::move(h), id.gateway, id.resource);
  }
};
inline std::string to_string(const GatewayResource& id) {
  return kgw::to_string(id.gateway) + "|" + envoy::to_string(id.resource);
}

// A route's rules in one route table.
struct RouteInTable {
  ObjectRef route;
  attach::RouteTableId table;

  friend auto operator<=>(const RouteInTable&, const RouteInTable&) = default;
  friend bool operator==(const RouteInTable&, const RouteInTable&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const RouteInTable& id) {
    return H::combine(std::move(h), id.route, id.table);
  }
};
inline std::string to_string(const RouteInTable& id) {
  return kgw::to_string(id.route) + "|" + attach::to_string(id.table);
}

struct ResourceDelivery {
  bool acknowledged =
      false;              // every connected proxy has a version of it, and none rejects the newest
  std::string rejection;  // Envoy's own words, while the newest version is rejected

  friend bool operator==(const ResourceDelivery&, const ResourceDelivery&) = default;
};

// The proxies of one Gateway.
struct ProxyState {
  int connected = 0;
  bool absent = false;  // none is connected, for longer than a restart takes (Feedback::tick)
  std::vector<GatewayAddress> addresses;  // where they can be reached; empty = not known yet
  bool self_managed = false;              // somebody else deploys them and knows where they are
  std::string problem;                    // why none runs, or not as it should, for people
  attach::Fault undeployable;             // InvalidParameters: what it is to be deployed from
  // In a cluster. What the API server refuses of the objects that proxies consist of, in its words.
  std::string refused;
  // The listeners' ports (number, whether of UDP) that their Service does not have, and why; empty:
  // it does not have them yet.
  std::map<std::pair<std::int32_t, bool>, std::string> missing_ports;
  std::string rival;  // who else manages what is deployed; empty = nobody

  friend bool operator==(const ProxyState&, const ProxyState&) = default;
};

// What keeps the routes of one Gateway from being served, whatever they say. By Gateway, for almost
// always there is nothing: a route reads one key, whatever the number of its backends.
struct Shortfall {
  bool no_proxy = false;  // ProxyState::absent
  // The clusters and endpoints whose newest version is refused, with Envoy's words.
  std::map<envoy::ResourceKey, std::string> refused;

  bool empty() const { return !no_proxy && refused.empty(); }
  friend bool operator==(const Shortfall&, const Shortfall&) = default;
};

// Where this instance runs.
struct Platform {
  // Gateways get Services and Deployments: addresses may be asked for, and infrastructure labels
  // have an object to go to.
  bool deploys = false;
  // Kinds that this product reads and the source of objects does not know, sorted by name.
  std::vector<Kind> missing_kinds;

  friend bool operator==(const Platform&, const Platform&) = default;
};

// A Gateway whose present description cannot be read, while its last readable one is in force.
struct Hold {
  std::string message;          // why, and what the proxies do
  std::int64_t generation = 0;  // of the present description

  friend bool operator==(const Hold&, const Hold&) = default;
};

struct Delivery {
  explicit Delivery(engine::Graph& graph)
      : resources(graph.input<GatewayResource, ResourceDelivery>("delivered resources")),
        routes(graph.input<RouteInTable, envoy::Version>("delivered routes")),
        shortfalls(graph.input<ObjectKey, Shortfall>("shortfalls")),
        proxies(graph.input<ObjectKey, ProxyState>("proxies")),
        platform(graph.input<ObjectKey, Platform>("platform")),
        holds(graph.input<ObjectKey, Hold>("held gateways")) {}

  // Listeners and route tables: statuses ask for no others.
  engine::Input<GatewayResource, ResourceDelivery>& resources;
  engine::Input<RouteInTable, envoy::Version>& routes;
  engine::Input<ObjectKey, Shortfall>& shortfalls;
  engine::Input<ObjectKey, ProxyState>& proxies;
  engine::Input<ObjectKey, Platform>& platform;  // one entry, with an empty key
  engine::Input<ObjectKey, Hold>& holds;
};

}  // namespace kgw::status
