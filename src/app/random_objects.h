// Test support: random objects of every kind that the translation reads, as YAML. Few names and
// many ways to refer to them, so that references dangle, meet and change.
#pragma once

#include <absl/strings/escaping.h>

#include <initializer_list>
#include <random>
#include <string>

#include "attach/test_certificates.h"

namespace kgw::app::test {

using Random = std::mt19937;

inline std::string pick(Random& random, std::initializer_list<const char*> choices) {
  return *(choices.begin() + random() % choices.size());
}

inline std::string number(Random& random, unsigned below) {
  return std::to_string(random() % below);
}

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
                 ", allowedRoutes: {namespaces: {from: " + pick(random, {"All", "Same"}) + "}}}\n";
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

inline std::string random_parent(Random& random) {
  return pick(random, {"name: gw0", "name: gw1", "kind: ListenerSet, name: ls0",
                       "kind: ListenerSet, name: ls1"}) +
         ", namespace: " + pick(random, {"default", "default", "team"}) +
         pick(random, {"", "", ", sectionName: l0", ", port: 81"});
}

// A route that takes connections or datagrams as they are; or, of TLS, by name.
inline std::string random_stream_route(Random& random) {
  const std::string kind = pick(random, {"TCPRoute", "UDPRoute", "TLSRoute"});
  return "apiVersion: gateway.networking.k8s.io/" + std::string("v1") +
         (kind == "TLSRoute" ? "" : "alpha2") + "\nkind: " + kind + "\nmetadata: {name: t" +
         number(random, 3) + ", namespace: " + pick(random, {"default", "team"}) +
         "}\nspec:\n  parentRefs: [{" + random_parent(random) + "}]\n" +
         (kind == "TLSRoute"
              ? "  hostnames: [" +
                    pick(random, {"a.example.com", "\"*.example.com\"", "other.org"}) + "]\n"
              : "") +
         "  rules: [{backendRefs: [{name: s" + number(random, 4) +
         ", port: 80, weight: " + number(random, 3) + "}]}]\n";
}

inline std::string random_grpc_route(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: g" +
         number(random, 3) + ", namespace: " + pick(random, {"default", "team"}) +
         "}\nspec:\n  parentRefs: [{" + random_parent(random) + "}]\n  hostnames: [" +
         pick(random, {"", "a.example.com", "\"*.example.com\""}) +
         "]\n  rules: [{matches: [{method: {" +
         pick(random, {"service: a.B", "service: a.B, method: C", "method: C",
                       "type: RegularExpression, service: \"a.*\""}) +
         "}}], backendRefs: [{name: s" + number(random, 4) + ", port: 80}]}]\n";
}

inline std::string random_route(Random& random) {
  std::string text =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
      number(random, 6) + ", namespace: " + pick(random, {"default", "team"}) +
      "}\nspec:\n  parentRefs: [{" + random_parent(random) + "}]\n  hostnames: [" +
      pick(random, {"", "a.example.com", "\"*.example.com\"", "b.example.com, other.org",
                    "\"*.t1.example.com\", \"*.t2.example.com\"", "x.t1.example.com"}) +
      "]\n  rules:\n";
  for (unsigned i = 0; i <= random() % 3; ++i) {
    text +=
        "  - matches: [{path: {type: " +
        pick(random, {"PathPrefix, value: /a", "Exact, value: /b", "PathPrefix, value: /",
                      "RegularExpression, value: \"/x.*\"", "RegularExpression, value: \"((\""}) +
        "}}]\n    backendRefs: [{name: s" + number(random, 4) +
        ", namespace: " + pick(random, {"default", "team"}) +
        ", port: 80, weight: " + number(random, 3) + "}]\n";
    if (random() % 3 == 0) {
      text += "    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: " +
              pick(random, {"x-a", "host"}) + ", value: v" + number(random, 3) + "}]}}]\n";
    }
  }
  return text;
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
         ", namespace: " + pick(random, {"default", "team"}) +
         "}], to: [{group: \"\", kind: " + pick(random, {"Service", "Secret"}) + "}]}\n";
}

inline std::string random_policy(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: p" +
         number(random, 2) + "}\nspec: {targetRefs: [{group: \"\", kind: Service, name: s" +
         number(random, 4) + "}], validation: {hostname: h" + number(random, 2) +
         ".example.com, wellKnownCACertificates: System}}\n";
}

inline std::string random_object(Random& random) {
  using Make = std::string (*)(Random&);
  static constexpr Make kMakers[] = {
      random_gateway, random_gateway,      random_route,        random_route,      random_route,
      random_route,   random_service,      random_slice,        random_grant,      random_policy,
      random_secret,  random_listener_set, random_stream_route, random_grpc_route, random_pod};
  return kMakers[random() % std::size(kMakers)](random);
}

}  // namespace kgw::app::test
