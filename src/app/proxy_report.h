// What a Gateway's status says of its proxies in a cluster: their addresses, and what is wrong with
// the objects that they consist of.
#pragma once

#include <string>

#include "api/gateway.h"
#include "deploy/kube/applier.h"
#include "deploy/kube/proxy_table.h"
#include "status/delivery.h"

namespace kgw::app {

struct ProxyFacts {
  const Gateway& gateway;
  const deploy::kube::ProxyPlan* plan = nullptr;  // null: there is none
  const deploy::kube::Applier& applier;
  std::string unconnected;  // why proxies that run may not get through to this controller
};

// Sets in `state` what the cluster says; what proxies say is left as it is.
void report_proxy(const ProxyFacts& facts, status::ProxyState& state);

}  // namespace kgw::app
