// For tests: what a cluster is set to, and a Gateway as text.
#pragma once

#include <sstream>
#include <string>

#include "deploy/kube/environment.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

inline Settings test_settings(const Environment& environment = {}) {
  Settings settings = read_settings(environment).settings.proxies;
  settings.image.registry = "registry.example";
  settings.version = "1.2.3";
  return settings;
}

// Settings in a golden file: comments such as "# KGW_XDS_TLS=true".
inline Environment settings_in(const std::string& text) {
  Environment found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (!line.starts_with("# KGW_") || equals == std::string::npos) continue;
    found[line.substr(2, equals - 2)] = line.substr(equals + 1);
  }
  return found;
}

// Gateway shop/edge. `listeners` is YAML, two spaces deep; `more` a line of its spec.
inline std::string gateway_text(const std::string& listeners, const std::string& more = "") {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, "
         "namespace: shop, uid: u-1}\nspec:\n  gatewayClassName: kgateway\n  listeners:\n  " +
         listeners + "\n" + (more.empty() ? "" : "  " + more + "\n");
}

}  // namespace kgw::deploy::kube
