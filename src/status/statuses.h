// The table of all statuses: one entry per object that has one, recomputed when the model, the
// bound rules or the acknowledgements behind it change.
#pragma once

#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/resources.h"
#include "envoy/routes.h"
#include "policy/rules.h"
#include "status/delivery.h"
#include "status/types.h"

namespace kgw::status {

struct Statuses {
  // Made last on the graph, which outlives it, as do the other arguments.
  Statuses(engine::Graph& graph, attach::Model& model, policy::Rules& rules, envoy::Routes& routes,
           envoy::Resources& resources, Delivery& delivery);

  engine::Derived<ObjectRef, ObjectStatus>& table;
};

}  // namespace kgw::status
