// The tables of bound rules. A route is bound only while it names a Gateway of ours.
#pragma once

#include "api/ref.h"
#include "attach/attachment.h"
#include "engine/graph.h"
#include "policy/rule.h"

namespace kgw::attach {
struct Model;
}

namespace kgw::policy {

struct Rules {
  // Made after the model, on the same graph, which both outlive. `weighted`: annotation
  // kgateway.dev/route-weight of HTTPRoutes counts.
  Rules(engine::Graph& graph, attach::Model& model, bool weighted = false);

  // One bucket per route that names a parent of ours.
  engine::Index<ObjectRef, ObjectRef, attach::RouteAttachment>& our_routes;
  engine::Derived<ObjectRef, BoundRoute>& rules;               // HTTPRoute, GRPCRoute
  engine::Derived<ObjectRef, BoundStreamRoute>& stream_rules;  // TLSRoute, TCPRoute, UDPRoute
};

}  // namespace kgw::policy
