// For tests: what a cluster is set to, and a Gateway as text.
#pragma once

#include <string>

#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

inline Settings test_settings() {
  Settings settings;
  settings.xds_host = "kgateway.kgateway-system.svc.cluster.local";
  settings.xds_names = {"kgateway.kgateway-system.svc", settings.xds_host};
  settings.image = {"registry.example", "envoy", "v1.40.0", "", "IfNotPresent"};
  settings.version = "1.2.3";
  return settings;
}

// Gateway shop/edge. `listeners` is YAML, two spaces deep; `more` a line of its spec.
inline std::string gateway_text(const std::string& listeners, const std::string& more = "") {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, "
         "namespace: shop, uid: u-1}\nspec:\n  gatewayClassName: kgateway\n  listeners:\n  " +
         listeners + "\n" + (more.empty() ? "" : "  " + more + "\n");
}

}  // namespace kgw::deploy::kube
