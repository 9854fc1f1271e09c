// What `check`, `status` and `explain` say about objects that are fine by themselves.
#include "app/problems.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/seen_world.h"

namespace kgw::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Gateway "edge" with these listeners, and Service "app".
std::string edge(const std::string& listeners) {
  return R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: kgateway
  listeners:)" +
         listeners +
         R"(
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [{name: http, port: 80}]}
)";
}

const std::string kGateway = edge(R"(
  - {name: http, port: 80, protocol: HTTP}
  - {name: tcp, port: 81, protocol: TCP}
  - {name: tls, port: 82, protocol: TLS, tls: {mode: Passthrough}})");

std::string route(const std::string& kind, const std::string& name, const std::string& spec,
                  const std::string& metadata = "") {
  const std::string version = kind == "TCPRoute" ? "v1alpha2" : "v1";
  return "\n---\napiVersion: gateway.networking.k8s.io/" + version + "\nkind: " + kind +
         "\nmetadata: {name: " + name + metadata + "}\nspec:\n  " + spec +
         "\n  rules: [{backendRefs: [{name: app, port: 80}]}]\n";
}

const std::string kOld = ", creationTimestamp: \"2024-01-01T00:00:00Z\"";
const std::string kYoung = ", creationTimestamp: \"2025-01-01T00:00:00Z\"";

TEST(Problems, AWorldInOrderHasNone) {
  const SeenWorld world(kGateway + route("HTTPRoute", "r", "parentRefs: [{name: edge}]"));
  EXPECT_THAT(world.check(), IsEmpty());
  EXPECT_EQ(world.explain({Kind::kHttpRoute, {"default", "r"}})["inForce"], true);
}

TEST(Problems, ATcpRouteThatLostItsListenerIsNotInForce) {
  const std::string parent = "parentRefs: [{name: edge, sectionName: tcp}]";
  const ObjectRef old{Kind::kTcpRoute, {"default", "old"}};
  const ObjectRef young{Kind::kTcpRoute, {"default", "young"}};
  SeenWorld world(kGateway + route("TCPRoute", "old", parent, kOld) +
                  route("TCPRoute", "young", parent, kYoung));
  const std::string message = "Listener tcp belongs to TCPRoute default/old, which has precedence.";
  EXPECT_THAT(world.check(), ElementsAre("warning: TCPRoute default/young: spec.parentRefs[0]: " +
                                         message + " (Conflicted)"));
  EXPECT_THAT(world.status(), HasSubstr("to Gateway edge/tcp: Conflicted: " + message));
  EXPECT_EQ(world.explain(young)["inForce"], false);
  EXPECT_EQ(world.explain(young)["because"], message);
  EXPECT_EQ(world.explain(young)["rules"][0]["inForce"], false);
  EXPECT_EQ(world.explain(old)["inForce"], true);

  world.erase(old);
  EXPECT_THAT(world.check(), IsEmpty());
  EXPECT_EQ(world.explain(young)["inForce"], true);
}

TEST(Problems, ATlsRouteMayLoseSomeOfItsHosts) {
  const std::string parent = "parentRefs: [{name: edge, sectionName: tls}]\n  hostnames: ";
  const SeenWorld world(kGateway + route("TLSRoute", "old", parent + "[a.test]", kOld) +
                        route("TLSRoute", "young", parent + "[a.test, b.test]", kYoung));
  const std::string message =
      "Host a.test of listener tls belongs to TLSRoute default/old, which has precedence.";
  const auto explained = world.explain({Kind::kTlsRoute, {"default", "young"}});
  EXPECT_EQ(explained["inForce"], true);
  EXPECT_THAT(explained["rules"][0]["state"].get<std::string>(),
              HasSubstr("Acknowledged by every connected proxy. But " + message));
  EXPECT_THAT(world.check(), ElementsAre(HasSubstr(message)));
}

TEST(Problems, AListenerThatIsNotServedIsToldOfARouteThatOthersServe) {
  const SeenWorld world(edge(R"(
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: nobody}]}})") +
                        route("HTTPRoute", "r", "parentRefs: [{name: edge}]"));
  const auto explained = world.explain({Kind::kHttpRoute, {"default", "r"}});
  EXPECT_EQ(explained["inForce"], true);
  EXPECT_THAT(explained["status"].dump(),
              HasSubstr("Acknowledged by every connected proxy. But Listener https is not served: "
                        "Secret default/nobody does not exist"));
}

TEST(Problems, ARouteWithoutHostsAtItsListenerIsNotInForce) {
  const SeenWorld world(
      edge(R"(
  - {name: all, port: 80, protocol: HTTP}
  - {name: one, port: 80, protocol: HTTP, hostname: a.test})") +
      route("HTTPRoute", "lost",
            "parentRefs: [{name: edge, sectionName: all}]\n  hostnames: [a.test]") +
      route("HTTPRoute", "fine", "parentRefs: [{name: edge}]\n  hostnames: [a.test]"));
  EXPECT_EQ(world.explain({Kind::kHttpRoute, {"default", "lost"}})["inForce"], false);
  EXPECT_EQ(world.explain({Kind::kHttpRoute, {"default", "fine"}})["inForce"], true);
  EXPECT_THAT(world.check(), ElementsAre(AllOf(HasSubstr("warning: HTTPRoute default/lost"),
                                               HasSubstr("NoHostLeft"))));
}

TEST(Problems, ARouteThatHasNoParentIsToldEverywhere) {
  const SeenWorld world(kGateway + route("HTTPRoute", "lost", "parentRefs: [{name: egde}]"));
  const char* why = "No parent is a Gateway or ListenerSet of a class of this controller";
  EXPECT_THAT(world.check(), ElementsAre(AllOf(HasSubstr(why), HasSubstr("Gateway default/egde"))));
  EXPECT_THAT(world.status(),
              HasSubstr(std::string("HTTPRoute default/lost: spec.parentRefs: ") + why));
  const auto explained = world.explain({Kind::kHttpRoute, {"default", "lost"}});
  EXPECT_EQ(explained["inForce"], false);
  EXPECT_THAT(explained["because"].get<std::string>(), HasSubstr(why));
}

TEST(Problems, ARouteOfAnotherControllersGatewayIsItsAffair) {
  const SeenWorld world(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: theirs}
spec: {controllerName: example.com/theirs}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: theirs, listeners: [{name: http, port: 80, protocol: HTTP}]}
)" + route("HTTPRoute", "r", "parentRefs: [{name: edge}]"));
  EXPECT_THAT(world.check(), IsEmpty());
  EXPECT_EQ(world.explain({Kind::kHttpRoute, {"default", "r"}})["because"],
            "Its parents belong to other controllers.");
}

TEST(Problems, AMisspeltParentAmongOthersIsTold) {
  const SeenWorld world(kGateway +
                        route("HTTPRoute", "r", "parentRefs: [{name: edge}, {name: typo}]"));
  EXPECT_THAT(world.check(),
              ElementsAre("warning: HTTPRoute default/r: spec.parentRefs[1]: there is no Gateway "
                          "default/typo (NoMatchingParent)"));
  EXPECT_THAT(world.status_json().dump(),
              HasSubstr("The route is accepted. But spec.parentRefs[1]: there is no Gateway "
                        "default/typo"));
}

TEST(Problems, WhatServicesAndSlicesSayInVainIsTold) {
  const SeenWorld world(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: kgateway, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: app, annotations: {networking.istio.io/traffic-distribution: PreferClose}}
spec: {sessionAffinity: ClientIP, ports: [{name: web, port: 80, appProtocol: https}]}
---
apiVersion: v1
kind: Service
metadata: {name: unused}
spec: {sessionAffinity: ClientIP, ports: [{name: web, port: 80, appProtocol: https}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: names, labels: {kubernetes.io/service-name: app}}
addressType: FQDN
ports: [{name: web, port: 80}]
endpoints: [{addresses: [app.example.com]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: unnamed, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.0.0.1]}]
)" + route("HTTPRoute", "r", "parentRefs: [{name: edge}]"));
  const auto lines = world.check();
  EXPECT_THAT(
      lines, testing::UnorderedElementsAre(
                 HasSubstr("Service default/app: spec.sessionAffinity: ClientIP is not followed"),
                 HasSubstr("Service default/app: "
                           "metadata.annotations[networking.istio.io/traffic-distribution]: "),
                 HasSubstr("Service default/app: spec.ports[0].appProtocol: https is not followed"),
                 HasSubstr("EndpointSlice default/names: addressType: "),
                 HasSubstr("EndpointSlice default/unnamed: ports: no port has the name \"web\"")));
  EXPECT_THAT(world.status(), HasSubstr("EndpointSlice default/unnamed: ports"));
}

TEST(Problems, OptionsOfABackendTlsPolicyAreTold) {
  const SeenWorld world(kGateway + route("HTTPRoute", "r", "parentRefs: [{name: edge}]") + R"(
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: app}]
  options: {kgateway.dev/min-tls-version: "1.3", example.com/other: "on"}
  validation: {wellKnownCACertificates: System, hostname: app.test}
)");
  EXPECT_THAT(world.check(), ElementsAre(HasSubstr("spec.options[example.com/other]"),
                                         HasSubstr("spec.options[kgateway.dev/min-tls-version]")));
  EXPECT_THAT(world.status_json().dump(),
              HasSubstr("The policy is accepted. But spec.options[example.com/other]: "));
}

TEST(Problems, OneConflictOfListenersIsToldOnce) {
  const SeenWorld world(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: kgateway
  listeners:
  - {name: http, port: 8080, protocol: HTTP}
  - {name: tcp, port: 8080, protocol: TCP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: none}
spec:
  gatewayClassName: kgateway
  listeners:
  - {name: sctp, port: 8080, protocol: SCTP}
)");
  EXPECT_THAT(world.check(), testing::UnorderedElementsAre(HasSubstr("spec.listeners[tcp]"),
                                                           HasSubstr("spec.listeners[sctp]")));
}

TEST(Explain, EachRuleSaysWhetherItStands) {
  const SeenWorld world(kGateway + R"(
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: edge}]
  rules:
  - {name: good, backendRefs: [{name: app, port: 80}]}
  - matches: [{path: {type: RegularExpression, value: "("}}]
    backendRefs: [{name: app, port: 80}]
)");
  const auto rules = world.explain({Kind::kHttpRoute, {"default", "r"}})["rules"];
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0]["rule"], "good");
  EXPECT_EQ(rules[0]["inForce"], true);
  EXPECT_EQ(rules[0]["state"], "stands in acknowledged listener~80");
  EXPECT_EQ(rules[1]["inForce"], false);
  EXPECT_THAT(rules[1]["state"].get<std::string>(), HasSubstr("left out"));
}

}  // namespace
}  // namespace kgw::app
