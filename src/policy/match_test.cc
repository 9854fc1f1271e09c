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

// As Envoy spells requests; the escapes that it leaves match in either case.
TEST(Match, EscapesInLiteralPaths) {
  expect_text(http(exact("/a%7Eb")), R"(path: "/a~b")");
  expect_text(http(prefix("/p%2dq/")), R"(path_separated_prefix: "/p-q")");
  expect_text(http(exact("/%c3%a9")), R"(path: "/%C3%A9" case_sensitive { value: false })");
  expect_text(http(prefix("/b%c3")), R"(
    path_separated_prefix: "/b%C3"
    case_sensitive { value: false }
    headers {
      name: ":path"
      string_match { safe_regex { regex: "\\/b%[Cc]3(?:[/?]\\C*)?" } }
    })");
  EXPECT_TRUE(dropped(prefix("/a/%2e%2E/b")));
  EXPECT_TRUE(dropped(exact("/a/%2e")));
  const std::string too_long = "/%C3/" + std::string(200, 'a');
  EXPECT_THAT(bind_all({rule({exact(too_long)}, {})}).warnings, testing::HasSubstr("either case"));
  expect_text(http(exact(too_long)), "path: \"" + too_long + "\" case_sensitive { value: false }");
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

// A rule that protects answers 500 on all that its match can mean, at its place in the order.
TEST(Match, WhatProtectsIsNeverDropped) {
  const auto guarded = [](HttpRouteMatch spec) {
    const BoundRule bound = bind_one(rule({std::move(spec)}, {}, {auth_filter({})}));
    EXPECT_TRUE(bound.broken);
    EXPECT_FALSE(bound.dropped);
    return bound.matches.at(0);
  };
  const auto plain = [](HttpRouteMatch spec) {
    return specificity(bind_one(rule({std::move(spec)}, {})).matches.at(0));
  };
  expect_text(encoded(guarded(regex("/admin/(("))), R"(safe_regex { regex: "\\/admin\\/\\C*" })");
  expect_text(encoded(guarded(regex("(("))), R"(safe_regex { regex: "\\C*" })");
  expect_text(encoded(guarded(prefix("/a?b"))), R"(safe_regex { regex: "\\/\\C*" })");
  EXPECT_LT(specificity(guarded(regex("(("))), plain(prefix("/a/long/prefix")));

  HttpRouteMatch spec = prefix("/a");
  spec.method = "no method";
  spec.headers = {{ValueMatchType::kExact, "no name", "1"},
                  {ValueMatchType::kRegularExpression, "x", "("}};
  spec.query_params = {{ValueMatchType::kRegularExpression, "q", "("}};
  expect_text(encoded(guarded(spec)), R"(
    path_separated_prefix: "/a"
    headers { name: "x" string_match { safe_regex { regex: "\\C*" } } }
    query_parameters { name: "q" string_match { safe_regex { regex: "\\C*" } } })");
  HttpRouteMatch usable = prefix("/a");
  usable.method = "GET";
  usable.headers = {{ValueMatchType::kExact, "w", "1"}, {ValueMatchType::kExact, "x", "1"}};
  usable.query_params = {{ValueMatchType::kExact, "q", "1"}};
  EXPECT_EQ(specificity(guarded(spec)), plain(usable));
}

TEST(Match, FiltersOfBackendsAndExtensionsProtectToo) {
  EXPECT_TRUE(bind_one(rule({regex("((")}, {backend("s", 1, {auth_filter({})})})).broken);
  EXPECT_TRUE(bind_one(rule({regex("((")}, {}, {extension_filter()})).broken);
  EXPECT_TRUE(bind_one(rule({regex("((")}, {}, {mirror_to("m")})).dropped);
}

TEST(Match, GuardsTakeNoValuesOfTheUser) {
  HttpRouteMatch spec = regex("/a[bc]+");
  spec.method = "GET";
  spec.headers = {{ValueMatchType::kRegularExpression, "x", "a+"}};
  const BoundMatch match = bind_one(rule({spec}, {})).matches.at(0);
  expect_text(encoded(guard_of(match)), R"(
    safe_regex { regex: "\\/a\\C*" }
    headers { name: ":method" string_match { exact: "GET" } }
    headers { name: "x" string_match { safe_regex { regex: "\\C*" } } })");
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
      with(regex("/[a-z]"), "GET", 1, 1),
      regex("/abcdef.*"),
      with(prefix("/abc"), "GET", 0, 0),
      with(prefix("/abc"), {}, 2, 0),
      with(prefix("/abc"), {}, 1, 1),
      with(prefix("/abc"), {}, 1, 0),
      with(prefix("/abc"), {}, 0, 1),
      prefix("/abc"),
      with(prefix("/a"), "GET", 5, 5),
      prefix("/"),
  };
  std::vector<Specificity> found;
  for (const HttpRouteMatch& match : order) {
    found.push_back(specificity(bind_one(rule({match}, {})).matches.at(0)));
  }
  EXPECT_TRUE(std::ranges::is_sorted(found));
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
}

// "Characters in a matching service" come first (GRPCRouteRule); both kinds share hosts.
TEST(Match, PrecedenceOfGrpcMethods) {
  const auto place = [](std::optional<std::string> service, std::optional<std::string> method) {
    const GrpcRouteMatch match =
        grpc_method(ValueMatchType::kExact, std::move(service), std::move(method));
    return specificity(bind_grpc(match).rules[0].matches.at(0));
  };
  const auto http = [](HttpRouteMatch match) {
    return specificity(bind_one(rule({std::move(match)}, {})).matches.at(0));
  };
  EXPECT_LT(place("a.B", "C"), place("a.B", {}));
  EXPECT_LT(place("a.B.long", {}), place("a.B", {}));
  EXPECT_LT(place("a.B", {}), place({}, "C"));
  EXPECT_LT(place({}, "C"), http(prefix("/a.B/long")));
}

}  // namespace
}  // namespace kgw::policy
