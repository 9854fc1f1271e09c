// The table of rendered proxies: one entry per Gateway of ours, rendered again when the Gateway,
// its listeners' ports or the GatewayParameters behind it change.
#pragma once

#include <memory>
#include <string>

#include "attach/model.h"
#include "deploy/kube/proxy.h"
#include "engine/graph.h"

namespace kgw::deploy::kube {

struct ProxyPlan {
  RenderedProxy proxy;
  // What is wrong with the GatewayParameters, one sentence; then `proxy` is empty, and what is
  // deployed stays.
  std::string invalid;

  friend bool operator==(const ProxyPlan&, const ProxyPlan&);
};

// A Gateway that is not accepted has no plan.
struct ProxyTable {
  // Made after the model, on the same graph.
  ProxyTable(engine::Graph& graph, attach::Model& model, Settings settings);

  // The certificate authority of the xDS server, PEM; one entry with an empty key. Without it, that
  // of the settings.
  engine::Input<ObjectKey, std::string>& xds_ca;
  engine::Derived<ObjectKey, ProxyPlan>& plans;
};

}  // namespace kgw::deploy::kube
