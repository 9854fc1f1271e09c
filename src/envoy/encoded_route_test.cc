#include "envoy/encoded_route.h"

#include <gtest/gtest.h>

#include <map>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/virtual_host.h"
#include "policy/test_route.h"

namespace kgw::envoy {
namespace {

using namespace policy;  // NOLINT: builders of test routes

EncodedRoute encode(std::vector<HttpRouteRule> rules, Quarantine state = Quarantine::kNone) {
  return encode_route(bind_all(std::move(rules)), {},
                      [&](Version) { return QuarantineVerdict{state, "refused"}; });
}

// The Routes in the order in which Envoy tries them.
std::vector<::envoy::config::route::v3::Route> in_order(const EncodedRoute& encoded) {
  const ObjectRef ref{Kind::kHttpRoute, {Name("ns"), Name("r")}};
  const Name host;
  std::vector<Candidate> candidates;
  for (const EncodedMatch& match : encoded.variants.at(0).matches) {
    candidates.push_back({&ref, &host, &encoded, &encoded.variants[0], &match});
  }
  ::envoy::config::route::v3::VirtualHost message;
  EXPECT_TRUE(message.ParseFromString(splice_host({{}, Name("*")}, std::move(candidates)).bytes));
  return {message.routes().begin(), message.routes().end()};
}

HttpRouteMatch with_method(HttpRouteMatch match, const char* method) {
  match.method = method;
  return match;
}

RouteFilter allow_origin() {
  CorsFilter spec;
  spec.allow_origins = {"https://a.test"};
  return cors_filter(spec);
}

TEST(EncodedRoute, PreflightsOfAMethodStandBeforeWiderMatches) {
  const auto routes =
      in_order(encode({rule({prefix("/a")}, {backend("other")}),
                       rule({with_method(prefix("/a"), "GET")}, {backend("s")}, {allow_origin()}),
                       rule({with_method(prefix("/a"), "OPTIONS")}, {backend("own")})}));
  ASSERT_EQ(routes.size(), 4u);
  const auto method = [&](int i) { return routes[i].match().headers(0).string_match().exact(); };
  EXPECT_EQ(method(0), "GET");
  EXPECT_EQ(method(1), "OPTIONS");
  EXPECT_EQ(routes[1].match().headers_size(), 1);
  EXPECT_EQ(method(2), "OPTIONS");
  EXPECT_EQ(routes[2].match().headers_size(), 3);
  EXPECT_EQ(routes[3].match().headers_size(), 0);
  // The filter answers; nothing is forwarded, and nothing but CORS has to be configured.
  EXPECT_EQ(routes[2].route().cluster(), "blackhole-cluster");
  EXPECT_EQ(routes[2].typed_per_filter_config_size(), 1);
}

TEST(EncodedRoute, PreflightsByTheCorsOfABackend) {
  const auto routes = in_order(
      encode({rule({with_method(prefix("/a"), "GET")}, {backend("s", 1, {allow_origin()})})}));
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[1].typed_per_filter_config_size(), 1);
}

TEST(EncodedRoute, ARuleInQuarantineHasNoPreflights) {
  const std::vector<HttpRouteRule> rules = {
      rule({with_method(prefix("/a"), "GET")}, {backend("s")}, {allow_origin()})};
  const auto routes = in_order(encode(rules, Quarantine::kReplaced));
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].direct_response().status(), 500u);
  EXPECT_TRUE(in_order(encode(rules, Quarantine::kDropped)).empty());
}

TEST(EncodedRoute, WhatProtectsAnswers500EvenIfItsMatchIsRefused) {
  const auto routes = in_order(
      encode({rule({regex("/admin/[0-9]+")}, {backend("s")}, {auth_filter({.protocol = "HTTP"})})},
             Quarantine::kDropped));
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].match().safe_regex().regex(), "\\/admin\\/\\C*");
  EXPECT_EQ(routes[0].direct_response().status(), 500u);
}

}  // namespace
}  // namespace kgw::envoy
