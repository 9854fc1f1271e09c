#include "deploy/kube/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace kgw::deploy::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(Environment, DefaultsAreThoseOfTheTable) {
  const ReadSettings read = read_settings({{"HOME", "/root"}});
  EXPECT_THAT(read.errors, IsEmpty());
  EXPECT_THAT(read.warnings, IsEmpty());
  const ControllerSettings& s = read.settings;
  EXPECT_EQ(s.proxies.xds_host, "kgateway.kgateway-system.svc.cluster.local");
  EXPECT_EQ(s.proxies.xds_port, 9977);
  EXPECT_TRUE(s.proxies.xds_auth);
  EXPECT_FALSE(s.proxies.xds_tls);
  EXPECT_EQ(to_string(s.proxies.image), "docker.io/envoyproxy/envoy:v1.40.0");
  EXPECT_EQ(s.first_connect_delay_ms, 1000);
  EXPECT_EQ(s.admin_address, "127.0.0.1");
  EXPECT_TRUE(s.admin_hosts.empty());
  EXPECT_EQ(s.max_route_entries, 100'000u);
  EXPECT_TRUE(s.leader_election);
  EXPECT_FALSE(s.proxies.istio_auto_mtls);
  EXPECT_EQ(s.proxies.istio_discovery_address, "istiod.istio-system.svc:15012");
  EXPECT_THAT(s.namespace_selectors, IsEmpty());
}

TEST(Environment, IsRead) {
  const ReadSettings read = read_settings(
      {{"POD_NAMESPACE", "system"},
       {"POD_IP", "10.1.2.3"},
       {"KGW_XDS_SERVICE_NAME", "mine"},
       {"KGW_XDS_TLS", "TRUE"},
       {"KGW_XDS_AUTH", "0"},
       {"KGW_XDS_FIRST_CONNECT_DELAY", "1m0.5s"},
       {"KGW_DNS_LOOKUP_FAMILY", "all"},
       {"KGW_LISTENER_BIND_IPV6", "false"},
       {"KGW_DISABLE_LEADER_ELECTION", "true"},
       {"KGW_WEIGHTED_ROUTE_PRECEDENCE", "true"},
       {"KGW_ENABLE_ISTIO_AUTO_MTLS", "true"},
       {"KGW_ISTIO_NAMESPACE", "mesh"},
       {"KGW_DISCOVERY_NAMESPACE_SELECTORS",
        R"([{"matchLabels": {"a": "b"}}, {"matchExpressions": [{"key": "c", "operator": "Exists"}]}])"},
       {"KGW_GATEWAY_CLASS_PARAMETERS_REFS", R"({"kgateway": {"name": "x", "namespace": "y"}})"}});
  EXPECT_THAT(read.errors, IsEmpty());
  EXPECT_THAT(read.warnings, IsEmpty());
  const ControllerSettings& s = read.settings;
  EXPECT_EQ(s.pod_ip, "10.1.2.3");
  EXPECT_EQ(s.proxies.xds_host, "mine.system.svc.cluster.local");
  EXPECT_THAT(s.proxies.xds_names, ElementsAre("mine.system.svc", "mine.system.svc.cluster.local"));
  EXPECT_TRUE(s.proxies.xds_tls);
  EXPECT_FALSE(s.proxies.xds_auth);
  EXPECT_FALSE(s.proxies.bind_ipv6);
  EXPECT_EQ(s.proxies.dns_lookup_family, "ALL");
  EXPECT_EQ(s.first_connect_delay_ms, 60'500);
  EXPECT_FALSE(s.leader_election);
  EXPECT_TRUE(s.weighted_routes);
  EXPECT_TRUE(s.proxies.istio_auto_mtls);
  EXPECT_EQ(s.proxies.istio_discovery_address, "istiod.mesh.svc:15012");
  ASSERT_EQ(s.namespace_selectors.size(), 2);
  EXPECT_TRUE(s.namespace_selectors[0].matches({{"a", "b"}}));
  EXPECT_TRUE(s.namespace_selectors[1].matches({{"c", ""}}));
  EXPECT_EQ(to_string(s.class_parameters.at("kgateway")), "y/x");
}

TEST(Environment, MistakesAreErrors) {
  for (const auto& [name, value] : Environment{{"KGW_XDS_TLS", "maybe"},
                                               {"KGW_XDS_SERVICE_PORT", "0"},
                                               {"KGW_HEALTH_PORT", "http"},
                                               {"KGW_LOG_LEVEL", "loud"},
                                               {"KGW_XDS_FIRST_CONNECT_DELAY", "soon"},
                                               {"KGW_DNS_LOOKUP_FAMILY", "V5"},
                                               {"KGW_DISCOVERY_NAMESPACE_SELECTORS", "[1]"},
                                               {"KGW_GATEWAY_CLASS_PARAMETERS_REFS", "[]"}}) {
    EXPECT_THAT(read_settings({{name, value}}).errors, ElementsAre(StartsWith(name + "=")));
  }
}

TEST(Environment, WhatHasNoEffectIsReported) {
  EXPECT_THAT(read_settings({{"KGW_XDS_TSL", "true"}}).warnings,
              ElementsAre("KGW_XDS_TSL is not known and has no effect"));
  EXPECT_THAT(read_settings({{"KGW_ENABLE_WAYPOINT", "true"}}).warnings,
              ElementsAre(StartsWith("KGW_ENABLE_WAYPOINT=\"true\" has no effect")));
  EXPECT_THAT(read_settings({{"KGW_ENABLE_WAYPOINT", "False"}, {"KGW_ENVOY", "/x"}}).warnings,
              IsEmpty());
}

TEST(Environment, IsDocumented) {
  const char* path = "docs/reference/settings.md";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << setting_docs();
    return;
  }
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), setting_docs()) << "run with UPDATE_GOLDEN=1";
}

}  // namespace
}  // namespace kgw::deploy::kube
