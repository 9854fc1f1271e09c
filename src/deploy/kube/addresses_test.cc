#include "deploy/kube/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kgw::deploy::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> texts(const std::vector<GatewayAddress>& all) {
  std::vector<std::string> out;
  for (const GatewayAddress& a : all) out.push_back(a.type + " " + a.value);
  return out;
}

std::vector<GatewayAddress> of(std::string_view service,
                               std::vector<GatewayAddress> requested = {}) {
  Gateway gateway;
  gateway.addresses = std::move(requested);
  return gateway_addresses(gateway, nlohmann::json::parse(service));
}

constexpr std::string_view kAssigned = R"({"spec": {"type": "LoadBalancer"}, "status":
    {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}]}}})";

TEST(GatewayAddresses, OfSelfManagedProxiesAreThoseOfTheUser) {
  Gateway gateway;
  EXPECT_THAT(requested_addresses(gateway), IsEmpty());
  gateway.addresses = {
      {"IPAddress", "192.0.2.9", {}}, {"IPAddress", "", {}}, {"Hostname", "edge.example.com", {}}};
  EXPECT_THAT(texts(requested_addresses(gateway)),
              ElementsAre("IPAddress 192.0.2.9", "Hostname edge.example.com"));
}

TEST(GatewayAddresses, OfALoadBalancerAreItsIngress) {
  EXPECT_THAT(texts(of(kAssigned)), ElementsAre("IPAddress 192.0.2.1", "Hostname lb.example.com"));
  EXPECT_EQ(of(kAssigned, {{"IPAddress", "192.0.2.9"}}), of(kAssigned)) << "not what was wished";
}

TEST(GatewayAddresses, AreAwaited) {
  for (const char* service :
       {"null", R"({"spec": {"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"]}})",
        R"({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}})",
        R"({"spec": {"type": "ClusterIP"}})", R"({"spec": {"clusterIPs": ["None"]}})", "{}"}) {
    EXPECT_THAT(texts(of(service)), IsEmpty()) << service;
  }
}

TEST(GatewayAddresses, OfAnInternalServiceAreItsOwn) {
  constexpr std::string_view kInternal = R"({"spec": {"type": "NodePort", "clusterIPs":
      ["10.0.0.1", "fd00::1"], "externalIPs": ["198.51.100.1"]}})";
  EXPECT_THAT(texts(of(kInternal)),
              ElementsAre("IPAddress 10.0.0.1", "IPAddress fd00::1", "IPAddress 198.51.100.1"));
  EXPECT_THAT(texts(of(kInternal, {{"IPAddress", "10.0.0.1"}, {"IPAddress", "192.0.2.9"}})),
              ElementsAre("IPAddress 10.0.0.1", "IPAddress fd00::1", "IPAddress 198.51.100.1",
                          "IPAddress 192.0.2.9"));
  EXPECT_THAT(texts(of(R"({"spec": {"type": "ExternalName", "externalName": "a.b"}})")),
              ElementsAre("Hostname a.b"));
}

TEST(GatewayAddresses, AreAtMostSixteen) {
  nlohmann::json service = {{"spec", {{"type", "ClusterIP"}}}};
  for (int i = 0; i < 20; ++i) {
    service["spec"]["externalIPs"].push_back("192.0.2." + std::to_string(i));
  }
  EXPECT_EQ(of(service.dump()).size(), 16);
}

}  // namespace
}  // namespace kgw::deploy::kube
