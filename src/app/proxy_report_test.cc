#include "app/proxy_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

namespace kgw::app {
namespace {

using deploy::kube::Applier;
using deploy::kube::ObjectApi;
using deploy::kube::OwnedRef;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const ObjectKey kGateway{"shop", "edge"};

json object(const char* api_version, const char* kind, json spec) {
  const json owner = {{"apiVersion", "gateway.networking.k8s.io/v1"},
                      {"kind", "Gateway"},
                      {"name", "edge"},
                      {"uid", "u-1"}};
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata",
           {{"name", "edge"}, {"namespace", "shop"}, {"ownerReferences", json::array({owner})}}},
          {"spec", std::move(spec)}};
}

json service(std::vector<int> ports) {
  json list = json::array();
  for (const int port : ports) {
    list.push_back({{"port", port}, {"targetPort", port}, {"protocol", "TCP"}});
  }
  return object("v1", "Service",
                {{"type", "ClusterIP"}, {"clusterIPs", {"10.0.0.1"}}, {"ports", list}});
}

// Refuses every apply, and knows no object.
class Refusing : public ObjectApi {
 public:
  void get(const OwnedRef&, Done done) override { later_.emplace_back(std::move(done), 404); }
  void apply(const OwnedRef&, const json&, Done done) override {
    later_.emplace_back(std::move(done), 422);
  }
  void hand_over(const OwnedRef&, const json&, Done) override {}
  void remove(const OwnedRef&, const std::string&, Done) override {}

  void answer() {
    while (!later_.empty()) {
      const auto [done, status] = std::move(later_.front());
      later_.pop_front();
      done(std::unexpected(Error{status, "may not change once set"}));
    }
  }

 private:
  std::deque<std::pair<Done, int>> later_;
};

class ProxyReportTest : public ::testing::Test {
 protected:
  ProxyReportTest() {
    gateway_.metadata.ns = "shop";
    gateway_.metadata.name = "edge";
    applier_.begin();
  }

  void want(std::vector<json> objects) {
    plan_.proxy.objects = std::move(objects);
    applier_.want(kGateway, plan_.proxy);
    api_.answer();
  }
  status::ProxyState report(const std::string& unconnected = "") {
    status::ProxyState state;
    state.connected = 3;
    report_proxy({gateway_, &plan_, applier_, unconnected}, state);
    EXPECT_EQ(state.connected, 3);
    return state;
  }

  Gateway gateway_;
  deploy::kube::ProxyPlan plan_;
  Refusing api_;
  Applier applier_{api_};
};

TEST_F(ProxyReportTest, WhatIsDeployedAsItShouldBeHasAddressesOnly) {
  json live = service({80});
  live["metadata"]["annotations"] = {{"kgateway.dev/applied-hash", "x"}};
  applier_.observe(live);
  plan_.proxy.objects = {service({80})};
  const status::ProxyState state = report();
  ASSERT_EQ(state.addresses.size(), 1u);
  EXPECT_EQ(state.addresses[0].value, "10.0.0.1");
  EXPECT_EQ(state.refused, "");
  EXPECT_EQ(state.problem, "");
  EXPECT_THAT(state.missing_ports, IsEmpty());
}

TEST_F(ProxyReportTest, ARefusedServiceSaysWhichListenersItDoesNotReach) {
  applier_.observe(service({80}));
  want({service({80, 8080})});
  const status::ProxyState state = report();
  const std::string why = "Service shop/edge cannot be applied: may not change once set";
  EXPECT_EQ(state.refused, why);
  EXPECT_EQ(state.problem, why);
  EXPECT_THAT(state.missing_ports, ElementsAre(Pair(Pair(8080, false), why)));
}

TEST_F(ProxyReportTest, WithoutReadyPodsTheDeploymentAndRefusedProxiesSayWhy) {
  json deployment = object("apps/v1", "Deployment", {{"replicas", 2}});
  deployment["status"] = {{"readyReplicas", 1}};
  applier_.observe(deployment);
  EXPECT_EQ(report("the controller refuses a proxy: x").problem,
            "Deployment shop/edge has 1 of 2 pods ready; the controller refuses a proxy: x");
  EXPECT_EQ(report().refused, "");
}

TEST_F(ProxyReportTest, TheServiceOfAnotherGatewayIsNotItsOwn) {
  const ObjectKey other{"shop", "other"};
  deploy::kube::RenderedProxy theirs;
  theirs.objects = {service({80})};
  applier_.observe(service({80}));
  applier_.want(other, theirs);
  want({service({80})});
  const status::ProxyState state = report();
  EXPECT_THAT(state.addresses, IsEmpty());
  EXPECT_THAT(state.refused, HasSubstr("belongs to Gateway shop/other"));
  EXPECT_THAT(state.missing_ports, ElementsAre(Pair(Pair(80, false), HasSubstr("belongs to"))));
}

}  // namespace
}  // namespace kgw::app
