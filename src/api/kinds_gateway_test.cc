#include "api/gateway.h"
#include "api/kinds_test_util.h"

namespace kgw {
namespace {

constexpr std::string_view kV1 = "gateway.networking.k8s.io/v1";

template <typename T>
const T& as(const std::shared_ptr<const Object>& object) {
  return static_cast<const T&>(*object);
}

TEST(GatewayKind, ReadsEverything) {
  const auto object = expect_valid(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: web}
spec:
  gatewayClassName: kgateway
  defaultScope: All
  addresses:
  - {value: 10.0.0.1}
  - {type: Hostname, value: a.example, routability: Cluster}
  - {type: NamedAddress, value: any}
  infrastructure:
    labels: {example.com/a: b}
    annotations: {a: b}
    parametersRef: {group: gateway.kgateway.dev, kind: GatewayParameters, name: p}
  allowedListeners: {namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}
  tls:
    backend: {clientCertificateRef: {name: client}}
    frontend:
      default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}
      perPort:
      - port: 8443
        tls:
          validation:
            mode: AllowInsecureFallback
            caCertificateRefs: [{group: certificates.k8s.io, kind: ClusterTrustBundle, name: b}]
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: "*.example.com"}
  - name: https
    port: 443
    protocol: HTTPS
    tls: {certificateRefs: [{name: cert}], options: {a: b}}
    allowedRoutes:
      kinds: [{kind: HTTPRoute}]
      namespaces:
        from: Selector
        selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}
    filters:
      requests:
      - type: ExtensionRef
        extensionRef: {group: g, kind: K, name: m}
  - {name: tls, port: 443, protocol: TLS, hostname: t.example, tls: {mode: Passthrough}}
  - {name: tcp, port: 9000, protocol: TCP}
  - {name: custom, port: 9000, protocol: example.com/proto}
)");
  ASSERT_NE(object, nullptr);
  const auto& gateway = as<Gateway>(object);
  EXPECT_EQ(gateway.listeners.size(), 5);
  EXPECT_EQ(gateway.listeners[0].allowed_routes.namespaces.from, FromNamespaces::kSame);
  EXPECT_EQ(gateway.listeners[1].allowed_routes.kinds[0].group, kV1.substr(0, kV1.find('/')));
  EXPECT_EQ(gateway.listeners[1].tls->mode, TlsMode::kTerminate);
  EXPECT_EQ(gateway.listeners[1].tls->certificate_refs[0].kind, "Secret");
  EXPECT_EQ(gateway.listeners[1].filters.size(), 1);
  EXPECT_EQ(gateway.addresses[0].type, "IPAddress");
  EXPECT_EQ(gateway.allowed_listeners.from, FromNamespaces::kSelector);
  EXPECT_EQ(gateway.tls->frontend->per_port[0].tls.validation->mode,
            FrontendValidationMode::kAllowInsecureFallback);
}

TEST(GatewayKind, DefaultsWhatIsAbsent) {
  const auto object = expect_valid(manifest(
      kV1, "Gateway",
      "gatewayClassName: c, allowedListeners: {}, listeners: [{name: a, port: 1, protocol: TCP}]"));
  EXPECT_EQ(as<Gateway>(object).allowed_listeners.from, FromNamespaces::kNone);
}

void check_gateway(std::string_view spec, std::string_view problem) {
  check(
      kV1, "Gateway",
      {{"gatewayClassName: c, listeners: [{name: a, port: 1, protocol: TCP}], " + std::string(spec),
        std::string(problem)}});
}

TEST(GatewayKind, ChecksItsFields) {
  check(
      kV1, "Gateway",
      {{"gatewayClassName: c", "spec.listeners: Required value"},
       {"listeners: [{name: a, port: 1, protocol: TCP}]", "spec.gatewayClassName: Required value"},
       {"gatewayClassName: c, listeners: []", "spec.listeners: Invalid value: 0"}});
  check_gateway("addresses: [{value: a.b}]",
                "spec.addresses[0].value: value must be an IPv4 or IPv6 address");
  check_gateway("addresses: [{type: Hostname, value: ''}, {}, {value: '::1'}]", "");
  check_gateway("addresses: [{value: ''}]",
                "spec.addresses[0].value: value must be an IPv4 or IPv6 address");
  check_gateway("addresses: [{type: Hostname, value: 'a b'}]",
                "spec.addresses[0]: Hostname value must be empty or contain only valid");
  check_gateway("addresses: [{value: 1.1.1.1}, {value: 1.1.1.1}]",
                "spec.addresses: IPAddress and Hostname values must be unique");
  check_gateway("addresses: [{type: Hostname, value: a}, {type: Hostname, value: a}]",
                "spec.addresses: IPAddress and Hostname values must be unique");
  check_gateway("addresses: [{type: Hostname, value: a, routability: example.com/x}]", "");
  for (const std::string routability : {"Public", "k8s.io/x", "a.k8s.io/x", "UP.com/x", "a/"}) {
    check_gateway("addresses: [{type: Hostname, value: a, routability: " + routability + "}]",
                  "spec.addresses[0].routability: Routability must be empty");
  }
  check_gateway("defaultScope: Some", "spec.defaultScope: Unsupported value");
  check_gateway("allowedListeners: {namespaces: {from: Nobody}}",
                "spec.allowedListeners.namespaces.from: Unsupported value");
}

TEST(GatewayKind, ChecksInfrastructure) {
  const std::string long_prefix = std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                  std::string(60, 'c') + "." + std::string(80, 'd');
  check_gateway("infrastructure: {labels: {'a b': c}}",
                "spec.infrastructure.labels: Label keys must be in the form");
  check_gateway("infrastructure: {annotations: {'a b': c}}",
                "spec.infrastructure.annotations: Annotation keys must be in the form");
  check_gateway("infrastructure: {labels: {" + long_prefix + "/a: c}}",
                "spec.infrastructure.labels: If specified, the label key's prefix");
  check_gateway("infrastructure: {annotations: {" + long_prefix + "/a: c}}",
                "spec.infrastructure.annotations: If specified, the annotation key's prefix");
  check_gateway("infrastructure: {labels: {a: '-'}}",
                "spec.infrastructure.labels[a]: Invalid value");
  check_gateway("infrastructure: {parametersRef: {group: g, kind: K, name: m, namespace: o}}",
                "spec.infrastructure.parametersRef.namespace: unknown field");
}

TEST(GatewayKind, ChecksTls) {
  check_gateway("tls: {frontend: {}}", "spec.tls.frontend.default: Required value");
  check_gateway("tls: {frontend: {default: {validation: {caCertificateRefs: []}}}}",
                "spec.tls.frontend.default.validation.caCertificateRefs: Invalid value: 0");
  check_gateway(
      "tls: {frontend: {default: {validation: {caCertificateRefs: [{group: certificates.k8s.io, "
      "kind: ClusterTrustBundle, name: a, namespace: b}]}}}}",
      "spec.tls.frontend.default.validation.caCertificateRefs: ClusterTrustBundle references");
  check_gateway("tls: {frontend: {default: {}, perPort: [{port: 1, tls: {}}, {port: 1, tls: {}}]}}",
                "spec.tls.frontend.perPort[1]: Duplicate value: {\"port\":1}");
}

// Only the CRD of Gateways has this rule; it asks whether filters are written, be it none.
TEST(Listeners, HaveFiltersInGatewaysOnlyForHttp) {
  for (const std::string filters :
       {"{}", "{requests: []}",
        "{requests: [{type: ExtensionRef, extensionRef: {group: g, kind: K, name: m}}]}"}) {
    const std::string listener =
        "listeners: [{name: a, port: 1, protocol: TCP, filters: " + filters + "}]";
    check(kV1, "Gateway",
          {{"gatewayClassName: c, " + listener,
            "spec.listeners[0]: filters may only be set when protocol is HTTP or HTTPS"}});
    check(kV1, "ListenerSet", {{"parentRef: {name: g}, " + listener, ""}});
  }
}

TEST(Listeners, AreCheckedInGatewaysAndListenerSets) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{name: a, port: 1, protocol: HTTP, tls: {certificateRefs: [{name: c}]}}",
       ": tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"},
      {"{name: a, port: 1, protocol: HTTPS, tls: {mode: Passthrough}}",
       ": tls mode must be Terminate for protocol HTTPS"},
      {"{name: a, port: 1, protocol: TLS}", ": tls mode must be set for protocol TLS"},
      {"{name: a, port: 1, protocol: UDP, hostname: a.b}", ": hostname must not be specified"},
      {"{name: a, port: 1, protocol: TCP}, {name: a, port: 2, protocol: TCP}",
       "[1]: Duplicate value: {\"name\":\"a\"}"},
      {"{name: a, port: 1, protocol: TCP}, {name: b, port: 1, protocol: TCP}",
       ": Combination of port, protocol and hostname must be unique"},
      {"{name: a, port: 1, protocol: HTTP, hostname: a}, "
       "{name: b, port: 1, protocol: HTTP}",
       ""},
      {"{name: a, port: 1, protocol: TLS, tls: {}}",
       "[0].tls: certificateRefs or options must be specified when mode is Terminate"},
      {"{name: a, port: 1, protocol: HTTP, filters: {requests: [{type: ExtensionRef}]}}",
       "[0].filters.requests[0]: filter.extensionRef must be specified"},
      {"{name: a, port: 1, protocol: HTTP, filters: {requests: [{type: ExternalAuth}]}}",
       "[0].filters.requests[0]: filter.externalAuth must be specified"},
      {"{name: a, port: 1, protocol: HTTP, filters: {requests: [{type: ExternalAuth, "
       "externalAuth: {protocol: GRPC, grpc: {}, backendRef: {name: a, port: 1}}, "
       "extensionRef: {group: g, kind: K, name: m}}]}}",
       "[0].filters.requests[0]: filter.extensionRef must be nil"},
      {"{name: a, port: 1, protocol: HTTP, filters: {requests: [{type: ExtensionRef, "
       "externalAuth: {protocol: GRPC, grpc: {}, backendRef: {name: a, port: 1}}, "
       "extensionRef: {group: g, kind: K, name: m}}]}}",
       "[0].filters.requests[0]: filter.externalAuth must be nil"},
      {"{name: a, port: 1, protocol: '-'}", "[0].protocol: Invalid value"},
      {"{name: a, protocol: TCP}", "[0].port: Required value"},
      {"{name: a, port: 65536, protocol: TCP}", "[0].port: Invalid value: 65536"},
      {"{name: a, port: 1, protocol: HTTP, allowedRoutes: {namespaces: {from: None}}}",
       "[0].allowedRoutes.namespaces.from: Unsupported value"}};
  for (const auto& [listeners, problem] : cases) {
    const std::string full = problem.empty() ? "" : "spec.listeners" + problem;
    check(kV1, "Gateway", {{"gatewayClassName: c, listeners: [" + listeners + "]", full}});
    check(kV1, "ListenerSet", {{"parentRef: {name: g}, listeners: [" + listeners + "]", full}});
  }
}

TEST(ListenerSetKind, ChecksItsParent) {
  const std::string listeners = "listeners: [{name: a, port: 1, protocol: TCP}]";
  check(kV1, "ListenerSet",
        {{listeners, "spec.parentRef: Required value"},
         {"parentRef: {name: g, sectionName: s}, " + listeners,
          "spec.parentRef.sectionName: unknown field"}});
}

TEST(ListenerSetKind, TheExperimentalFormIsRead) {
  const auto object = expect_valid(
      manifest("gateway.networking.x-k8s.io/v1alpha1", "XListenerSet",
               "parentRef: {name: g}, listeners: [{name: a, protocol: HTTP, hostname: a.b}, "
               "{name: b, protocol: HTTP, hostname: a.b}]"));
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->kind, Kind::kListenerSet);
  EXPECT_EQ(as<ListenerSet>(object).listeners[0].port, 0);
}

TEST(GatewayClassKind, IsChecked) {
  const auto in = [](std::string_view spec) { return manifest(kV1, "GatewayClass", spec); };
  const auto object = expect_valid(
      in("controllerName: kgateway.dev/kgateway, description: d, parametersRef: {group: g, kind: "
         "K, name: p, namespace: o}"));
  EXPECT_EQ(to_string(object->ref()), "GatewayClass x");
  check(kV1, "GatewayClass",
        {{"", "spec.controllerName: Required value"},
         {"controllerName: nodomain", "spec.controllerName: Invalid value"},
         {"controllerName: a.b/c, description: " + std::string(65, 'd'),
          "spec.description: Too long: may not be more than 64"}});
}

TEST(ReferenceGrantKind, IsChecked) {
  const std::string from = "from: [{group: '', kind: Gateway, namespace: a}]";
  const std::string to = "to: [{group: '', kind: Secret}, {group: '', kind: Service, name: s}]";
  for (const std::string_view version : {"v1", "v1beta1"}) {
    check(
        "gateway.networking.k8s.io/" + std::string(version), "ReferenceGrant",
        {{from + ", " + to, ""},
         {from, "spec.to: Required value"},
         {from + ", to: []", "spec.to: Invalid value: 0"},
         {"from: [{group: '', kind: Gateway}], " + to, "spec.from[0].namespace: Required value"}});
  }
}

}  // namespace
}  // namespace kgw
