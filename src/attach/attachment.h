// Which listener takes which route: the verdict on every parentRef, and for HTTP the hosts that
// result.
//
// Table `attachments`: one entry per route that names at least one parent of ours. It reads the
// route's parents and hostnames, the listeners of the named Gateways and namespace labels, never
// the rules. Sources: Gateway API parentRefs, allowedRoutes, hostname intersection; GEP-1713.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/refs.h"
#include "api/route.h"
#include "attach/listeners.h"
#include "attach/route_table.h"

namespace kgw::attach {

// One hostname under which a listener serves a route.
struct AttachedHost {
  Name domain;      // the intersection of listener and route: "a.b.c", "*.b.c"; "*" = every host
  Name route_host;  // the route's own hostname it came from; empty when the route has none.
                    // Rules of the more specific one come first
                    // (GatewayRouteHostnameIntersectionPrecedence).

  friend bool operator==(const AttachedHost&, const AttachedHost&) = default;
};

struct ListenerAttachment {
  ListenerId listener;
  std::int32_t port = 0;
  Protocol protocol = Protocol::kHttp;
  RouteTableId table;               // HTTP and HTTPS only
  std::vector<AttachedHost> hosts;  // HTTP, HTTPS, TLS. Without the hosts that a more specific
                                    // listener of the same port owns (listener isolation)

  friend bool operator==(const ListenerAttachment&, const ListenerAttachment&) = default;
};

// The verdict on one parentRef. A route has one entry per parentRef of ours, in spec order.
struct ParentBinding {
  ParentRef parent;   // as written
  ObjectRef target;   // the Gateway or ListenerSet named
  ObjectKey gateway;  // the Gateway that serves it
  Fault unaccepted;   // NoMatchingParent, NotAllowedByListeners, NoMatchingListenerHostname, ...
  std::vector<ListenerAttachment> listeners;  // empty when unaccepted

  friend bool operator==(const ParentBinding&, const ParentBinding&) = default;
};

// The route table of a usable HTTP or HTTPS listener; empty for others.
RouteTableId route_table_of(const BoundListener& listener);

struct RouteAttachment {
  std::vector<ParentBinding> parents;

  friend bool operator==(const RouteAttachment&, const RouteAttachment&) = default;
};

}  // namespace kgw::attach
