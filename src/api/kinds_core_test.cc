#include "api/core.h"
#include "api/kinds_test_util.h"

namespace kgw {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <typename T>
const T& as(const std::shared_ptr<const Object>& object) {
  return static_cast<const T&>(*object);
}

TEST(ServiceKind, ReadsWhatAGatewayNeeds) {
  const auto object = expect_valid(R"(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  clusterIP: 10.0.0.1
  clusterIPs: [10.0.0.1]
  externalTrafficPolicy: Local
  selector: {app: web}
  trafficDistribution: PreferClose
  sessionAffinity: ClientIP
  ports:
  - {name: http, port: 80, targetPort: 8080, appProtocol: kubernetes.io/h2c, nodePort: 30080}
  - {name: dns, port: 53, protocol: UDP, targetPort: dns}
status: {loadBalancer: {}}
)");
  ASSERT_NE(object, nullptr);
  const auto& service = as<Service>(object);
  EXPECT_EQ(service.ports[0].target_port, "8080");
  EXPECT_EQ(service.ports[1].target_port, "dns");
  EXPECT_EQ(service.ports[1].protocol, "UDP");
  EXPECT_EQ(service.ports[0].protocol, "TCP");
  EXPECT_EQ(service.session_affinity, "ClientIP");
}

TEST(ServiceKind, IsChecked) {
  check("v1", "Service",
        {{"type: ExternalName, externalName: a.example", ""},
         {"ports: [{port: 0}]", "spec.ports[0].port: Invalid value: 0"},
         {"ports: [{port: 80}, {port: 81}]", "spec.ports: a name is required for each port"},
         {"ports: [{name: a, port: 80}, {name: b, port: 80}]", "spec.ports[1]: Duplicate value"},
         {"ports: [{name: a, port: 80}, {name: b, port: 80, protocol: UDP}]", ""},
         {"ports: [{port: 80, protocol: tcp}]", "spec.ports[0].protocol: Unsupported value"},
         {"ports: [{port: 80, targetPort: 70000}]", "spec.ports[0].targetPort: Invalid value"},
         {"ports: [{port: 80, targetPort: {}}]",
          "spec.ports[0].targetPort: Invalid value: object: must be of type integer or string"},
         {"port: [{port: 80}]", "spec.port: unknown field \"port\", did you mean \"ports\"?"}});
}

TEST(EndpointSliceKind, ReadsWhatAGatewayNeeds) {
  const auto object = expect_valid(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints:
- addresses: [10.1.0.1]
  conditions: {ready: true, serving: true, terminating: false}
  nodeName: node-1
  zone: zone-a
  hints: {forZones: [{name: zone-a}], forNodes: [{name: node-1}]}
  targetRef: {kind: Pod, name: web-0}
- {addresses: [10.1.0.2], conditions: {ready: false}}
ports: [{name: "", port: 8080, appProtocol: http}]
)");
  ASSERT_NE(object, nullptr);
  const auto& slice = as<EndpointSlice>(object);
  EXPECT_EQ(slice.endpoints[0].hint_zones, std::vector<std::string>{"zone-a"});
  EXPECT_EQ(slice.endpoints[0].hint_nodes, std::vector<std::string>{"node-1"});
  EXPECT_EQ(slice.endpoints[0].target_kind, "Pod");
  EXPECT_EQ(slice.endpoints[0].target_name, "web-0");
  EXPECT_EQ(slice.endpoints[1].conditions.ready, false);
  EXPECT_EQ(slice.endpoints[1].conditions.serving, std::nullopt);
  EXPECT_EQ(slice.ports[0].port, 8080);
}

TEST(EndpointSliceKind, IsChecked) {
  const auto slice = [](std::string_view rest) {
    return problems("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, " +
                    std::string(rest) + "}");
  };
  EXPECT_THAT(slice("endpoints: []"), ElementsAre("addressType: Required value"));
  EXPECT_THAT(slice("addressType: IPv4, endpoints: [{addresses: ['::1']}]"),
              ElementsAre(StartsWith("endpoints: addresses must be IP addresses")));
  EXPECT_THAT(slice("addressType: IPv6, endpoints: [{addresses: ['::1']}]"), ElementsAre());
  EXPECT_THAT(slice("addressType: FQDN, endpoints: [{addresses: [a.b]}]"), ElementsAre());
  EXPECT_THAT(slice("addressType: IPv4, endpoints: [{addresses: []}]"),
              ElementsAre(StartsWith("endpoints[0].addresses: Invalid value: 0")));
}

TEST(PodKind, OnlyWhetherItIsInIstiosMeshIsKept) {
  const auto object = expect_valid(R"(
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop, uid: u, labels: {a: b, security.istio.io/tlsMode: istio}}
spec: {containers: [{name: web}]}
)");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->metadata.labels, (StringMap{{"security.istio.io/tlsMode", "istio"}}));
  EXPECT_EQ(object->metadata.uid, "");
}

TEST(SecretKind, DataIsDecodedAndStringDataWins) {
  const auto object = expect_valid(R"(
apiVersion: v1
kind: Secret
metadata: {name: s}
type: kubernetes.io/tls
stringData: {a: text}
data: {a: aGVsbG8=, b: /wA=}
immutable: true
)");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(as<Secret>(object).data, (StringMap{{"a", "text"}, {"b", std::string("\xff\0", 2)}}));
  EXPECT_THAT(problems("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: '!'}}"),
              ElementsAre("data[a]: Invalid value: must be base64"));
  EXPECT_THAT(problems("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a/b: ''}}"),
              ElementsAre(StartsWith("data[a/b]: Invalid value")));
}

TEST(ConfigMapKind, BinaryDataIsMerged) {
  const auto object = expect_valid(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: "text\n"}
binaryData: {b: /wA=}
)");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(as<ConfigMap>(object).data,
            (StringMap{{"a", "text\n"}, {"b", std::string("\xff\0", 2)}}));
  EXPECT_THAT(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: 5}}"),
              ElementsAre(HasSubstr("put it in quotes")));
}

TEST(NamespaceKind, KeepsLabels) {
  const auto object = expect_valid(
      "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {team: b}}, spec: "
      "{finalizers: [kubernetes]}}");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->metadata.labels, (StringMap{{"team", "b"}}));
  EXPECT_EQ(to_string(object->ref()), "Namespace a");
}

}  // namespace
}  // namespace kgw
