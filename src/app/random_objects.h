// Test support: random objects of every kind that the translation reads, as YAML. Few names and
// many ways to refer to them, so that references dangle, meet and change.
#pragma once

#include <absl/strings/escaping.h>

#include <string>

#include "app/random_routes.h"
#include "attach/test_certificates.h"

namespace kgw::app::test {

// The lines of `listeners`, named l0, l1, ...
inline std::string random_listeners(Random& random) {
  std::string listeners;
  for (unsigned i = 0; i <= random() % 3; ++i) {
    const std::string host = pick(random, {"", "*.example.com", "a.example.com"});
    const std::string protocol =
        pick(random, {"HTTP", "HTTP", "HTTP", "HTTPS", "TLS", "TCP", "UDP"});
    std::string tls;
    if (protocol == "HTTPS" || protocol == "TLS") {
      tls = protocol == "TLS" && random() % 2 == 0
                ? ", tls: {mode: Passthrough}"
                : ", tls: {certificateRefs: [{name: c" + number(random, 3) + "}]}";
    }
    const bool names = protocol == "HTTP" || !tls.empty();
    listeners += "  - {name: l" + std::to_string(i) +
                 ", port: " + pick(random, {"80", "81", "443"}) + ", protocol: " + protocol + tls +
                 (host.empty() || !names ? "" : ", hostname: \"" + host + "\"") +
                 ", allowedRoutes: {namespaces: {from: " +
                 pick(random, {"All", "Same", "Selector, selector: {matchLabels: {tenant: a}}"}) +
                 "}}}\n";
  }
  return listeners;
}

inline std::string random_gateway(Random& random) {
  const std::string sharding = pick(random, {"Auto", "Auto", "Always", "Never", "nonsense"});
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw" +
         number(random, 2) + ", annotations: {kgateway.dev/route-sharding: " + sharding +
         "}}\nspec:\n  gatewayClassName: " + pick(random, {"kgateway", "kgateway", "other"}) +
         "\n  allowedListeners: {namespaces: {from: " + pick(random, {"All", "None", "Same"}) +
         "}}\n  listeners:\n" + random_listeners(random);
}

inline std::string random_listener_set(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: ls" +
         number(random, 2) + ", namespace: " + pick(random, {"default", "team"}) +
         "}\nspec:\n  parentRef: {name: gw" + number(random, 2) +
         ", namespace: default}\n  listeners:\n" + random_listeners(random);
}

inline std::string random_secret(Random& random) {
  static const attach::Pair pairs[] = {attach::make_pair("a.example.com"),
                                       attach::make_pair("*.example.com"),
                                       attach::make_pair("other.org")};
  const attach::Pair& pair = pairs[random() % 3];
  return "apiVersion: v1\nkind: Secret\nmetadata: {name: c" + number(random, 3) +
         ", namespace: " + pick(random, {"default", "team"}) +
         "}\ntype: kubernetes.io/tls\ndata: {tls.crt: " + absl::Base64Escape(pair.certificate) +
         ", tls.key: " + absl::Base64Escape(pair.key) + "}\n";
}

inline std::string random_service(Random& random) {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: s" + number(random, 4) +
         ", namespace: " + pick(random, {"default", "team"}) +
         pick(random, {"", "", ", annotations: {kgateway.dev/disable-istio-auto-mtls: \"true\"}"}) +
         "}\nspec: {ports: [{name: http, port: 80" +
         pick(random, {"", ", appProtocol: kubernetes.io/h2c"}) + "}]}\n";
}

inline std::string random_slice(Random& random) {
  const std::string service = "s" + number(random, 4);
  return "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " + service + "-" +
         number(random, 2) + ", namespace: " + pick(random, {"default", "team"}) +
         ", labels: {kubernetes.io/service-name: " + service +
         "}}\naddressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints: [{addresses: "
         "[10.0.0." +
         number(random, 5) + "], targetRef: {kind: Pod, name: pod" + number(random, 3) + "}}]\n";
}

inline std::string random_pod(Random& random) {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: pod" + number(random, 3) +
         ", namespace: " + pick(random, {"default", "team"}) +
         ", labels: {security.istio.io/tlsMode: " + pick(random, {"istio", "disabled"}) + "}}\n";
}

inline std::string random_grant(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: ReferenceGrant\nmetadata: {name: g, "
         "namespace: " +
         pick(random, {"default", "team"}) +
         "}\nspec: {from: [{group: gateway.networking.k8s.io, kind: " +
         pick(random, {"HTTPRoute", "HTTPRoute", "GRPCRoute", "TCPRoute", "Gateway"}) +
         ", namespace: " + pick(random, {"default", "team"}) + "}], to: [{group: " +
         pick(random, {"\"\", kind: Service", "\"\", kind: Service", "\"\", kind: Secret",
                       "gateway.kgateway.dev, kind: Backend"}) +
         "}]}\n";
}

inline std::string random_policy(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: p" +
         number(random, 2) + "}\nspec: {targetRefs: [{group: \"\", kind: Service, name: s" +
         number(random, 4) + "}], validation: {hostname: h" + number(random, 2) +
         ".example.com, wellKnownCACertificates: System}}\n";
}

inline std::string random_backend(Random& random) {
  return "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: Backend\nmetadata: {name: b" +
         number(random, 4) + ", namespace: " + random_namespace(random) + ", " +
         random_labels(random) +
         "}\nspec: {static: {hosts: [{host: " + pick(random, {"10.1.0.1", "api.example.com"}) +
         ", port: " + pick(random, {"80", "443"}) + "}]" +
         pick(random, {"", ", appProtocol: http2"}) + "}}\n";
}

// A tenant's namespace, which listeners choose by its label.
inline std::string random_tenant(Random& random) {
  return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + random_namespace(random) + ", " +
         random_labels(random) + "}\n";
}

inline std::string random_object(Random& random) {
  using Make = std::string (*)(Random&);
  static constexpr Make kMakers[] = {
      random_gateway, random_gateway, random_route,   random_route,        random_route,
      random_route,   random_route,   random_service, random_slice,        random_grant,
      random_grant,   random_policy,  random_secret,  random_listener_set, random_stream_route,
      random_backend, random_tenant,  random_pod,     random_grpc_route,   random_grpc_route};
  return kMakers[random() % std::size(kMakers)](random);
}

}  // namespace kgw::app::test
