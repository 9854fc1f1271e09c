#include "envoy/endpoint.h"

#include "attach/trust.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using ::envoy::config::endpoint::v3::ClusterLoadAssignment;
using testing::ElementsAre;
using testing::IsEmpty;

EndpointSlice slice(std::vector<Endpoint> endpoints, std::vector<EndpointPort> ports = {{"", 80}}) {
  EndpointSlice result;
  result.address_type = "IPv4";
  result.endpoints = std::move(endpoints);
  result.ports = std::move(ports);
  return result;
}

Endpoint ready(std::string address) { return {.addresses = {std::move(address)}}; }

Endpoint with(std::string address, bool ready, bool serving, bool terminating) {
  return {.addresses = {std::move(address)}, .conditions = {ready, serving, terminating}};
}

Endpoint in_zone(std::string address, std::string zone) {
  return {.addresses = {std::move(address)}, .zone = std::move(zone)};
}

// "priority zone address:port", in the order of the assignment.
std::vector<std::string> assign(const std::vector<EndpointSlice>& slices,
                                EndpointSelector selector = {}, const Proximity& here = {}) {
  EndpointCollector collector(selector, here);
  for (const EndpointSlice& s : slices) collector.add(s);
  std::vector<std::string> lines;
  const auto assignment = decode<ClusterLoadAssignment>(collector.build("c"));
  for (const auto& locality : assignment.endpoints()) {
    for (const auto& endpoint : locality.lb_endpoints()) {
      const auto& address = endpoint.endpoint().address().socket_address();
      lines.push_back(std::to_string(locality.priority()) + " " + locality.locality().zone() + " " +
                      address.address() + ":" + std::to_string(address.port_value()));
    }
  }
  return lines;
}

TEST(Endpoints, AnEmptyAssignmentIsSent) {
  const Proximity nowhere;
  EndpointCollector empty({}, nowhere);
  expect_resource<ClusterLoadAssignment>(empty.build("kube_a_b_80"),
                                         R"pb(cluster_name: "kube_a_b_80")pb");
}

TEST(Endpoints, PodsOfTheMeshAreMarked) {
  const Proximity nowhere;
  EndpointCollector collector({}, nowhere,
                              [](const ObjectKey& pod) { return to_string(pod) == "shop/in"; });
  EndpointSlice s = slice({ready("10.0.0.1"), ready("10.0.0.2"), ready("10.0.0.3")});
  s.metadata.ns = "shop";
  s.endpoints[0].target_kind = s.endpoints[1].target_kind = "Pod";
  s.endpoints[2].target_kind = "Node";
  s.endpoints[0].target_name = s.endpoints[2].target_name = "in";
  s.endpoints[1].target_name = "out";
  EndpointSlice by_hand = slice({ready("10.0.0.1")});  // names no Pod
  collector.add(by_hand);
  collector.add(s);
  const auto assignment = decode<ClusterLoadAssignment>(collector.build("c"));
  std::vector<std::string> marks;
  for (const auto& endpoint : assignment.endpoints(0).lb_endpoints()) {
    const auto& metadata = endpoint.metadata().filter_metadata();
    const auto match = metadata.find("envoy.transport_socket_match");
    marks.push_back(match == metadata.end() ? ""
                                            : match->second.fields().at("tlsMode").string_value());
  }
  EXPECT_THAT(marks, ElementsAre("istio", "", ""));
}

TEST(Endpoints, Encoding) {
  const Proximity nowhere;
  EndpointCollector collector({}, nowhere);
  const EndpointSlice s = slice({in_zone("10.0.0.2", "a"), in_zone("10.0.0.1", "a")});
  collector.add(s);
  expect_resource<ClusterLoadAssignment>(collector.build("c"), R"pb(
    cluster_name: "c"
    endpoints {
      locality { zone: "a" }
      lb_endpoints {
        endpoint { address { socket_address { address: "10.0.0.1" port_value: 80 } } }
      }
      lb_endpoints {
        endpoint { address { socket_address { address: "10.0.0.2" port_value: 80 } } }
      }
    }
  )pb");
}

TEST(Endpoints, PortsAreFoundByNameAndProtocolInEachSlice) {
  const std::vector<EndpointSlice> slices = {
      slice({ready("10.0.0.1")}, {{"http", 8080}, {"dns", 5353, "UDP"}}),
      slice({ready("10.0.0.2")}, {{"http", 9090}, {"metrics", 1}}),
      slice({ready("10.0.0.3")}, {{"metrics", 1}}),
      slice({ready("10.0.0.4")}, {{"http", std::nullopt}}),
  };
  EXPECT_THAT(assign(slices, {.port_name = "http", .port = 80}),
              ElementsAre("0  10.0.0.1:8080", "0  10.0.0.2:9090", "0  10.0.0.4:80"));
  EXPECT_THAT(assign(slices, {.port_name = "dns", .protocol = "UDP"}),
              ElementsAre("0  10.0.0.1:5353"));
  EXPECT_THAT(assign(slices, {.port_name = "dns"}), IsEmpty());
}

TEST(Endpoints, TheOrderOfSlicesAndEndpointsDoesNotMatterAndRepeatsCountOnce) {
  const EndpointSlice a = slice({ready("10.0.0.3"), ready("10.0.0.1")});
  const EndpointSlice b = slice({ready("10.0.0.1"), ready("10.0.0.2")});
  const auto expected = ElementsAre("0  10.0.0.1:80", "0  10.0.0.2:80", "0  10.0.0.3:80");
  EXPECT_THAT(assign({a, b}), expected);
  EXPECT_THAT(assign({b, a}), expected);
}

TEST(Endpoints, ReadyOnesAloneAreUsedWhileThereAreAny) {
  const Endpoint draining = with("10.0.0.2", false, true, true);
  const Endpoint dead = with("10.0.0.3", false, false, true);
  const Endpoint starting = with("10.0.0.4", false, true, false);
  EXPECT_THAT(assign({slice({ready("10.0.0.1"), draining, dead, starting})}),
              ElementsAre("0  10.0.0.1:80"));
  EXPECT_THAT(assign({slice({draining, dead, starting})}), ElementsAre("0  10.0.0.2:80"));
  EXPECT_THAT(assign({slice({dead, starting})}), IsEmpty());
}

TEST(Endpoints, AReadyRepeatWinsOverADrainingOne) {
  EXPECT_THAT(assign({slice({with("10.0.0.1", false, true, true)}),
                      slice({ready("10.0.0.1"), ready("10.0.0.2")})}),
              ElementsAre("0  10.0.0.1:80", "0  10.0.0.2:80"));
}

TEST(Endpoints, OfTwoFamiliesOfTheSamePodsIPv4IsUsed) {
  EndpointSlice v6 = slice({ready("fd00::1")});
  v6.address_type = "IPv6";
  EXPECT_THAT(assign({slice({ready("10.0.0.1")}), v6}),
              ElementsAre("0  10.0.0.1:80", "0  fd00::1:80"))
      << "somebody wrote both by hand and meant both";
  v6.metadata.labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io";
  EXPECT_THAT(assign({slice({ready("10.0.0.1")}), v6}), ElementsAre("0  10.0.0.1:80"));
  EXPECT_THAT(assign({v6}), ElementsAre("0  fd00::1:80"));
  EXPECT_THAT(assign({slice({with("10.0.0.1", false, false, false)}), v6}),
              ElementsAre("0  fd00::1:80"));
}

TEST(Endpoints, WhatIsNoAddressIsLeftOut) {
  Endpoint none;
  EXPECT_THAT(assign({slice({ready("db.example.com"), ready("10.0.0.1"), none, ready("1.2.3")})}),
              ElementsAre("0  10.0.0.1:80"));
}

TEST(Endpoints, AddressesOfTheProxyItselfAreLeftOutUnlessTheInstallationTrustsThem) {
  const auto all = slice({ready("127.0.0.1"), ready("169.254.169.254"), ready("10.0.0.1")});
  EXPECT_EQ(assign({all}).size(), 3u);
  attach::set_trust({.local_backends = false});
  EXPECT_THAT(assign({all}), ElementsAre("0  10.0.0.1:80"));
  attach::set_trust({});
}

TEST(Endpoints, TrafficDistributionMakesPriorities) {
  Endpoint hinted = in_zone("10.0.0.3", "c");
  hinted.hint_zones = {"a"};
  const EndpointSlice s = slice({in_zone("10.0.0.1", "a"), in_zone("10.0.0.2", "b"), hinted});
  const auto closest = ElementsAre("0 a 10.0.0.1:80", "0 c 10.0.0.3:80", "1 b 10.0.0.2:80");
  EXPECT_THAT(assign({s}, {.traffic_distribution = "PreferClose"}, {.zone = "a"}), closest);
  EXPECT_THAT(assign({s}, {.traffic_distribution = "PreferSameZone"}, {.zone = "a"}), closest);
  EXPECT_THAT(assign({s}, {}, {.zone = "a"}),
              ElementsAre("0 a 10.0.0.1:80", "0 b 10.0.0.2:80", "0 c 10.0.0.3:80"));
}

TEST(Endpoints, LevelsWithoutEndpointsAreClosedUp) {
  const EndpointSlice s = slice({in_zone("10.0.0.1", "b")});
  EXPECT_THAT(assign({s}, {.traffic_distribution = "PreferClose"}, {.zone = "a"}),
              ElementsAre("0 b 10.0.0.1:80"));
  EXPECT_THAT(assign({s}, {.traffic_distribution = "PreferClose"}), ElementsAre("0 b 10.0.0.1:80"));
}

TEST(Endpoints, PreferSameNodeFallsBackToTheZone) {
  Endpoint local = in_zone("10.0.0.1", "a");
  local.node_name = "n1";
  const EndpointSlice s = slice({local, in_zone("10.0.0.2", "a"), in_zone("10.0.0.3", "b")});
  EXPECT_THAT(assign({s}, {.traffic_distribution = "PreferSameNode"}, {.zone = "a", .node = "n1"}),
              ElementsAre("0 a 10.0.0.1:80", "1 a 10.0.0.2:80", "2 b 10.0.0.3:80"));
}

TEST(Endpoints, PlainAddresses) {
  const Proximity nowhere;
  EndpointCollector collector({}, nowhere);
  collector.add("10.0.0.1", 81);
  expect_resource<ClusterLoadAssignment>(collector.build("c"), R"pb(
    cluster_name: "c"
    endpoints {
      lb_endpoints {
        endpoint { address { socket_address { address: "10.0.0.1" port_value: 81 } } }
      }
    }
  )pb");
}

}  // namespace
}  // namespace kgw::envoy
