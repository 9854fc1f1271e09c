// The world of the benchmarks: a Gateway and N HTTPRoutes, each with a hostname, a Service and an
// EndpointSlice of two endpoints of its own. The same manifests as those of tools/bench_e2e.py.
#pragma once

#include <string>
#include <vector>

#include "api/registry.h"
#include "app/translation.h"

namespace kgw::app {

inline std::string numbered(int i) {
  std::string digits = std::to_string(i);
  return "app-" + std::string(5 - digits.size(), '0') + digits;
}

inline std::string gateway_manifest() {
  return R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: kgateway
  addresses: [{type: IPAddress, value: 127.0.0.1}]
  listeners: [{name: http, port: 8080, protocol: HTTP}]
)";
}

inline std::string route_manifest(int i, const std::string& path = "/") {
  const std::string name = numbered(i);
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name +
         "}\nspec:\n  parentRefs: [{name: gw}]\n  hostnames: [" + name +
         ".example.com]\n  rules:\n  - matches: [{path: {type: PathPrefix, value: " + path +
         "}}]\n    backendRefs: [{name: " + name + ", port: 80}]\n";
}

inline std::string service_manifest(int i) {
  const std::string name = numbered(i);
  return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name +
         "}\nspec: {selector: {app: " + name +
         "}, ports: [{name: http, port: 80, targetPort: 8080}]}\n";
}

// `last`: of the second endpoint's address.
inline std::string slice_manifest(int i, int last = 2) {
  const std::string name = numbered(i);
  const std::string net = "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".";
  return "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " + name +
         "-1, labels: {kubernetes.io/service-name: " + name +
         "}}\naddressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints:\n- {addresses: [" +
         net + "1], conditions: {ready: true}}\n- {addresses: [" + net + std::to_string(last) +
         "], conditions: {ready: true}}\n";
}

inline std::string app_manifests(int i) {
  return route_manifest(i) + "---\n" + service_manifest(i) + "---\n" + slice_manifest(i);
}

using Events = std::vector<source::ObjectEvent>;

// REQUIRES: the manifests are valid.
inline Events decode(const std::string& text) {
  Events events;
  for (Decoded& decoded : decode_text(text, "bench.yaml", DecodeMode::kStrict)) {
    events.push_back({decoded.ref, std::move(decoded.object)});
  }
  return events;
}

inline void append(Events& to, const Events& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace kgw::app
