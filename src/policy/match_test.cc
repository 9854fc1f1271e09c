#include "policy/match.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "policy/test_route.h"
#include "policy/test_text.h"

namespace kgw::policy {
namespace {

using proto::RouteMatch;

RouteMatch encoded(const BoundMatch& match) {
  RouteMatch out;
  encode_match(match, out);
  return out;
}

RouteMatch http(HttpRouteMatch spec) {
  const BoundRule bound = bind_one(rule({std::move(spec)}, {}));
  EXPECT_FALSE(bound.dropped) << bound.dropped.message.view();
  return encoded(bound.matches.at(0));
}

BoundRoute bind_grpc(GrpcRouteMatch spec) {
  GrpcRoute route;
  GrpcRouteRule rule;
  rule.matches = {std::move(spec)};
  route.rules = {rule};
  return bind_route(route, resolve_for_test);
}

GrpcRouteMatch grpc_method(ValueMatchType type, std::optional<std::string> service,
                           std::optional<std::string> method) {
  GrpcRouteMatch match;
  match.method = GrpcMethodMatch{type, std::move(service), std::move(method)};
  return match;
}

RouteMatch grpc(ValueMatchType type, std::optional<std::string> service,
                std::optional<std::string> method) {
  return encoded(bind_grpc(grpc_method(type, service, method)).rules[0].matches.at(0));
}

bool dropped(HttpRouteMatch spec) { return bool(bind_one(rule({std::move(spec)}, {})).dropped); }

TEST(Match, Paths) {
  expect_text(http(exact("/a/b")), R"(path: "/a/b")");
  expect_text(http(prefix("/")), R"(prefix: "/")");
  expect_text(http(prefix("/a")), R"(path_separated_prefix: "/a")");
  expect_text(http(prefix("/a/")), R"(path_separated_prefix: "/a")");
  expect_text(http(regex("/a[0-9]+")), R"(safe_regex { regex: "/a[0-9]+" })");
}

TEST(Match, MethodHeadersAndQuery) {
  HttpRouteMatch spec;
  spec.method = "POST";
  spec.headers = {{ValueMatchType::kExact, "X-One", "1"},
                  {ValueMatchType::kExact, "x-one", "ignored"},
                  {ValueMatchType::kRegularExpression, "x-two", "a|b"}};
  spec.query_params = {{ValueMatchType::kExact, "Q", "1"},
                       {ValueMatchType::kRegularExpression, "q", ".+"}};
  expect_text(http(spec), R"(
    prefix: "/"
    headers { name: ":method" string_match { exact: "POST" } }
    headers { name: "x-one" string_match { exact: "1" } }
    headers { name: "x-two" string_match { safe_regex { regex: "a|b" } } }
    query_parameters { name: "Q" string_match { exact: "1" } }
    query_parameters { name: "q" string_match { safe_regex { regex: ".+" } } })");
}

TEST(Match, WhatEnvoyWouldRefuseDropsTheRule) {
  EXPECT_TRUE(dropped(regex("a(b")));
  EXPECT_TRUE(dropped(regex("(a|b|c|dd){200}")));  // too large a program
  EXPECT_TRUE(dropped(exact("a")));
  EXPECT_TRUE(dropped(prefix("/a?b")));
  HttpRouteMatch header;
  header.headers = {{ValueMatchType::kExact, "not a name", "1"}};
  EXPECT_TRUE(dropped(header));
  header.headers = {{ValueMatchType::kRegularExpression, "x", "["}};
  EXPECT_TRUE(dropped(header));
  HttpRouteMatch query;
  query.query_params = {{ValueMatchType::kRegularExpression, "x", "*"}};
  EXPECT_TRUE(dropped(query));
}

TEST(Match, GrpcMethodsArePaths) {
  const auto exact = ValueMatchType::kExact, regex = ValueMatchType::kRegularExpression;
  expect_text(grpc(exact, "a.B", "C"), R"(path: "/a.B/C")");
  expect_text(grpc(exact, "a.B", {}), R"(prefix: "/a.B/")");
  expect_text(grpc(exact, {}, "C"), R"(safe_regex { regex: "/[^/]+/C" })");
  expect_text(grpc(regex, "a|b", "C.*"), R"text(safe_regex { regex: "/(?:a|b)/(?:C.*)" })text");
  expect_text(grpc(regex, {}, "C.*"), R"text(safe_regex { regex: "/[^/]+/(?:C.*)" })text");
  expect_text(grpc(exact, {}, {}), R"(prefix: "/")");
  EXPECT_TRUE(bind_grpc(grpc_method(regex, "a)(b", {})).rules[0].dropped);
  EXPECT_TRUE(bind_grpc(grpc_method(exact, "a/b", "c")).rules[0].dropped);
}

// From the first to the last in precedence.
TEST(Match, Precedence) {
  const auto with = [](HttpRouteMatch match, std::optional<std::string> method, int headers,
                       int query) {
    match.method = std::move(method);
    for (int i = 0; i < headers; ++i) {
      match.headers.push_back({ValueMatchType::kExact, "h" + std::to_string(i), "1"});
    }
    for (int i = 0; i < query; ++i) {
      match.query_params.push_back({ValueMatchType::kExact, "q" + std::to_string(i), "1"});
    }
    return match;
  };
  const std::vector<HttpRouteMatch> order = {
      exact("/a"),
      with(prefix("/abc"), "GET", 0, 0),
      with(prefix("/abc"), {}, 2, 0),
      with(prefix("/abc"), {}, 1, 1),
      with(prefix("/abc"), {}, 1, 0),
      with(prefix("/abc"), {}, 0, 1),
      prefix("/abc"),
      with(prefix("/a"), "GET", 5, 5),
      prefix("/"),
      with(regex("/abcdef.*"), "GET", 1, 1),
      regex("/abcdef.*"),
  };
  std::vector<Specificity> found;
  for (const HttpRouteMatch& match : order) {
    found.push_back(specificity(bind_one(rule({match}, {})).matches.at(0)));
  }
  EXPECT_TRUE(std::ranges::is_sorted(found));
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
}

}  // namespace
}  // namespace kgw::policy
