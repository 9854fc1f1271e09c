#include "deploy/local/bootstrap.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "deploy/local/admin_client.h"

namespace kgw::deploy {
namespace {

const BootstrapSpec kSpec{.gateway = {"shop", "edge"},
                          .instance = 3,
                          .locality = {.region = "eu", .zone = "eu-1"},
                          .xds_socket = "/run/x/xds.sock",
                          .admin_socket = "/run/x/admin.sock",
                          .limits = {.memory_bytes = 1 << 30, .connections = 5000}};

TEST(Bootstrap, SaysWhoTheProxyIs) {
  const auto node = make_bootstrap(kSpec).node();
  EXPECT_EQ(node.id(), "edge-3.shop");
  EXPECT_EQ(node.cluster(), "edge.shop");
  EXPECT_EQ(node.metadata().fields().at("role").string_value(),
            "kgateway-kube-gateway-api~shop~edge");
  EXPECT_EQ(node.locality().zone(), "eu-1");
  BootstrapSpec nowhere = kSpec;
  nowhere.locality = {};
  EXPECT_FALSE(make_bootstrap(nowhere).node().has_locality());
}

TEST(Bootstrap, OpensNoTcpPort) {
  const auto json = nlohmann::json::parse(bootstrap_json(kSpec));
  EXPECT_EQ(json["admin"]["address"]["pipe"]["path"], "/run/x/admin.sock");
  EXPECT_EQ(json["admin"]["address"]["pipe"]["mode"], 0600);
  EXPECT_FALSE(json["static_resources"].contains("listeners"));
  EXPECT_EQ(json.dump().find("socket_address"), std::string::npos);
}

TEST(Bootstrap, ShedsLoadBeforeMemoryOrFilesEnd) {
  const auto monitors = [](const BootstrapSpec& spec) {
    std::map<std::string, nlohmann::json> found;
    const auto json = nlohmann::json::parse(bootstrap_json(spec));
    for (const auto& each : json["overload_manager"]["resource_monitors"]) {
      found[each["name"]] = each["typed_config"];
    }
    return found;
  };
  auto found = monitors(kSpec);
  EXPECT_EQ(found["envoy.resource_monitors.fixed_heap"]["max_heap_size_bytes"], 1 << 30);
  EXPECT_EQ(found["envoy.resource_monitors.global_downstream_max_connections"]
                 ["max_active_downstream_connections"],
            5000);
  BootstrapSpec unknown = kSpec;
  unknown.limits.memory_bytes = 0;
  EXPECT_EQ(monitors(unknown).size(), 1u);
  EXPECT_FALSE(
      nlohmann::json::parse(bootstrap_json(unknown))["overload_manager"].contains("actions"));
}

TEST(Bootstrap, TakesEverythingFromAdsOverTheSocket) {
  const auto bootstrap = make_bootstrap(kSpec);
  const auto& ads = bootstrap.dynamic_resources().ads_config();
  EXPECT_EQ(ads.api_type(), envoy::config::core::v3::ApiConfigSource::DELTA_GRPC);
  EXPECT_EQ(ads.grpc_services(0).envoy_grpc().cluster_name(), "xds_cluster");
  EXPECT_TRUE(bootstrap.dynamic_resources().lds_config().has_ads());
  EXPECT_TRUE(bootstrap.dynamic_resources().cds_config().has_ads());
  const auto& endpoint =
      bootstrap.static_resources().clusters(0).load_assignment().endpoints(0).lb_endpoints(0);
  EXPECT_EQ(endpoint.endpoint().address().pipe().path(), "/run/x/xds.sock");
}

TEST(AdminReplies, ListenersAndConnections) {
  const auto listeners = parse_listeners(R"({"listener_statuses":[
    {"name":"a","local_address":{"socket_address":{"address":"::","port_value":80}}},
    {"name":"b","local_address":{"pipe":{"path":"/x"}}}]})");
  ASSERT_EQ(listeners.size(), 1u);
  EXPECT_EQ(listeners[0].name, "a");
  EXPECT_EQ(listeners[0].port, 80);
  EXPECT_EQ(parse_connections(R"({"stats":[
    {"name":"listener.0.0.0.0_80.downstream_cx_active","value":3},
    {"name":"listener.0.0.0.0_80.worker_0.downstream_cx_active","value":3},
    {"name":"listener.admin.downstream_cx_active","value":1},
    {"name":"http.http.downstream_cx_active","value":3},
    {"name":"listener.[__]_81.downstream_cx_active","value":2}]})"),
            5u);
  EXPECT_EQ(parse_connections("nonsense"), 0u);
  EXPECT_TRUE(parse_listeners("").empty());
}

TEST(AdminClient, SaysWhyThereIsNoReply) {
  const auto reply = admin_get("/no/such/admin.sock", kAdminReady);
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error(), ::testing::HasSubstr("No such file"));
  EXPECT_FALSE(admin_get(std::string(200, 'x'), kAdminReady));
}

}  // namespace
}  // namespace kgw::deploy
