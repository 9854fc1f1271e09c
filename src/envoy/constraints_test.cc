#include "envoy/constraints.h"

#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/text_format.h>

#include "envoy/bootstrap_testing.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "policy/http_filters.h"

namespace kgw::envoy {
namespace {

namespace proto = ::envoy::config::route::v3;
using testing::HasSubstr;

proto::Route route_of(const std::string& text) {
  proto::Route route;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &route)) << text;
  return route;
}

std::string broken(const google::protobuf::Message& message) {
  return broken_constraint(*message.GetDescriptor(), message.SerializeAsString()).value_or("");
}

std::string broken_route(const std::string& text) { return broken(route_of(text)); }

TEST(Constraints, NameFieldAndRule) {
  const std::string answer = " direct_response { status: 200 }";
  EXPECT_EQ(broken_route("match { prefix: '/' }" + answer), "");
  EXPECT_EQ(broken_route("match { safe_regex { regex: '' } }" + answer),
            "match.safe_regex.regex: must have at least 1 character");
  EXPECT_EQ(
      broken_route("match { prefix: '/' headers { name: 'a' } headers { name: 'b\\n' } }" + answer),
      "match.headers[1].name: has a character that is not allowed");
  EXPECT_EQ(broken_route("match { path_separated_prefix: '/a/' }" + answer),
            "match.path_separated_prefix: must match ^[^?#]+[^?#/]$");
  EXPECT_EQ(broken_route("match { prefix: '/' } direct_response { status: 600 }"),
            "direct_response.status: must be less than 600");
  EXPECT_EQ(broken_route("match { prefix: '/' }"), "action: is required");
  EXPECT_EQ(broken_route("direct_response { status: 200 }"), "match: is required");
  EXPECT_EQ(broken_route("match {}" + answer), "match.path_specifier: is required");
}

TEST(Constraints, NeverNameAValue) {
  EXPECT_THAT(broken_route("match { prefix: '/' } direct_response { status: 200 } "
                           "request_headers_to_add { header { key: 'x' value: 'SECRET\\n' } }"),
              testing::AllOf(HasSubstr("request_headers_to_add[0].header.value"),
                             testing::Not(HasSubstr("SECRET"))));
}

TEST(Constraints, LookIntoPackedMessages) {
  proto::Route route = route_of("match { prefix: '/' } direct_response { status: 200 }");
  ::envoy::extensions::filters::http::cors::v3::CorsPolicy cors;
  cors.add_allow_origin_string_match()->mutable_safe_regex();
  policy::pack(cors, (*route.mutable_typed_per_filter_config())["cors"]);
  EXPECT_THAT(broken(route), HasSubstr("allow_origin_string_match[0].safe_regex.regex"));
  (*route.mutable_typed_per_filter_config())["cors"].set_type_url("a/of.no.known.Type");
  EXPECT_EQ(broken(route), "") << "only Envoy can judge it";
}

TEST(Constraints, NumbersDurationsAndLists) {
  const std::string forward = "match { prefix: '/' } route { cluster: 'c' ";
  EXPECT_EQ(broken_route(forward + "}"), "");
  EXPECT_EQ(broken_route(forward + "retry_policy { retry_back_off { base_interval {} } } }"),
            "route.retry_policy.retry_back_off.base_interval: must be greater than 0 s");
  EXPECT_EQ(broken_route(forward + "retry_policy { retry_back_off {} } }"),
            "route.retry_policy.retry_back_off.base_interval: is required");
  EXPECT_EQ(broken_route(forward + "cluster_not_found_response_code: 77 }"),
            "route.cluster_not_found_response_code: must be one of the values that are defined");
  EXPECT_EQ(broken_route("match { prefix: '/' } route { weighted_clusters {} }"),
            "route.weighted_clusters.clusters: must have at least 1 entries");
  ::envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name("c");
  cluster.mutable_ring_hash_lb_config()->mutable_minimum_ring_size()->set_value(9'999'999);
  EXPECT_EQ(broken(cluster),
            "ring_hash_lb_config.minimum_ring_size.value: must be at most 8388608");
}

TEST(Constraints, WhatCannotBeReadIsBroken) {
  EXPECT_TRUE(broken_constraint(ResourceType::kRoute, "\x0a\xff"));
  std::string nested;
  for (int i = 0; i < 200; ++i) {
    std::string outer("\x12");
    outer += static_cast<char>(nested.size() % 128);
    nested = outer + nested;
  }
  (void)broken_constraint(ResourceType::kRoute, nested);  // ends
}

// Mutations of what is published; the judgement must be Envoy's.
TEST(Constraints, AgreeWithEnvoy) {
  if (envoy_binary().empty()) GTEST_SKIP() << "KGW_ENVOY names no Envoy";
  const std::vector<std::string> routes = {
      "match { prefix: '/' } direct_response { status: 200 }",
      "match { safe_regex { regex: '' } } direct_response { status: 200 }",
      "match { prefix: '/' headers { string_match { exact: 'a' } } } direct_response { status: 200 "
      "}",
      "match { prefix: '/' query_parameters { string_match { exact: 'a' } } } direct_response { "
      "status: 200 }",
      "match { prefix: '/' query_parameters { name: 'q' string_match { safe_regex {} } } } "
      "direct_response { status: 200 }",
      "match { path_separated_prefix: '/a' } direct_response { status: 200 }",
      "match { path_separated_prefix: '/a/' } direct_response { status: 200 }",
      "match { path_separated_prefix: '/' } direct_response { status: 200 }",
      "match { prefix: '/' } direct_response { status: 199 }",
      "match { prefix: '/' } direct_response { status: 599 }",
      "match { prefix: '/' } direct_response { status: 200 } request_headers_to_add { header { "
      "key: '' } }",
      "match { prefix: '/' } direct_response { status: 200 } request_headers_to_remove: ''",
      "match { prefix: '/' } redirect { host_redirect: 'a\\nb' }",
      "match { prefix: '/' } redirect { response_code: 17 }",
      "match { prefix: '/' } route { cluster: '' }",
      "match { prefix: '/' } route { cluster: 'c' prefix_rewrite: 'a\\nb' }",
      "match { prefix: '/' } route { cluster: 'c' host_rewrite_literal: 'a\\nb' }",
      "match { prefix: '/' } route { cluster: 'c' retry_policy { retry_back_off { base_interval { "
      "nanos: 1 } } } }",
      "match { prefix: '/' } route { cluster: 'c' retry_policy { retry_back_off { base_interval {} "
      "} } }",
      "match { prefix: '/' } route { cluster: 'c' request_mirror_policies {} }",
      "match { prefix: '/' runtime_fraction { default_value { denominator: 7 } } } direct_response "
      "{ status: 200 }",
      "match { prefix: '/' runtime_fraction {} } direct_response { status: 200 }",
      "match {} direct_response { status: 200 }",
      "match { prefix: '/' }",
      "direct_response { status: 200 }",
  };
  for (const std::string& text : routes) {
    ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager http;
    http.set_stat_prefix("http");
    http.mutable_route_config()->mutable_validate_clusters()->set_value(false);
    auto& host = *http.mutable_route_config()->add_virtual_hosts();
    host.set_name("host");
    host.add_domains("*");
    *host.add_routes() = route_of(text);
    policy::append_http_filters(*http.mutable_http_filters());
    ::envoy::config::listener::v3::Listener listener;
    listener.set_name("routes");
    auto& address = *listener.mutable_address()->mutable_socket_address();
    address.set_address("127.0.0.1");
    address.set_port_value(1);
    auto& filter = *listener.add_filter_chains()->add_filters();
    filter.set_name("envoy.filters.network.http_connection_manager");
    policy::pack(http, *filter.mutable_typed_config());
    const std::string bytes = listener.SerializeAsString();
    const std::string verdict = validate({{make_resource("routes", bytes)}, {}, {}, {}});
    const bool refused = verdict.find("constraint validation failed") != std::string::npos;
    EXPECT_EQ(broken_constraint(ResourceType::kListener, bytes).has_value(), refused)
        << text << "\n"
        << verdict;
  }
}

}  // namespace
}  // namespace kgw::envoy
