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
  using Ours = engine::Index<ObjectRef, ObjectRef, attach::RouteAttachment>;
  Ours& our_routes;         // HTTPRoute, GRPCRoute
  Ours& our_stream_routes;  // TLSRoute, TCPRoute, UDPRoute
  engine::Derived<ObjectRef, BoundRoute>& rules;
  engine::Derived<ObjectRef, BoundStreamRoute>& stream_rules;
};

}  // namespace kgw::policy
