// Specs of rules and the Route messages that they become.
#include "envoy/route_entry.h"

#include <gmock/gmock.h>

#include "policy/test_route.h"
#include "policy/test_text.h"

// Envoy resolves Any fields by name; the test needs the types linked in.
#include "envoy/extensions/common/matching/v3/extension_matcher.pb.h"
#include "envoy/extensions/filters/http/composite/v3/composite.pb.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "envoy/extensions/filters/http/stateful_session/v3/stateful_session.pb.h"
#include "envoy/extensions/http/stateful_session/cookie/v3/cookie.pb.h"
#include "envoy/extensions/http/stateful_session/header/v3/header.pb.h"

namespace kgw::envoy {
namespace {

using namespace policy;  // NOLINT: the vocabulary of the specs
using policy::expect_text;
using policy::proto::Route;
using testing::SizeIs;

std::vector<Route> routes(const HttpRouteRule& spec, ListenerFacts listener = {80, false}) {
  const BoundRule rule = bind_one(spec);
  std::vector<Route> result;
  for (const BoundMatch& match : rule.matches) {
    for (const std::string& bytes : encode_routes(rule, match, listener)) {
      EXPECT_TRUE(result.emplace_back().ParseFromString(bytes));
    }
  }
  return result;
}

Route only(const HttpRouteRule& spec, ListenerFacts listener = {80, false}) {
  const std::vector<Route> all = routes(spec, listener);
  EXPECT_THAT(all, SizeIs(1));
  return all.at(0);
}

void expect_route(const HttpRouteRule& spec, const std::string& text) {
  expect_text(only(spec), text);
}

constexpr const char* kForward = R"(
  cluster_not_found_response_code: INTERNAL_SERVER_ERROR )";

std::string forward(const std::string& action, const std::string& rest = "") {
  return R"(match { path_separated_prefix: "/a" } route { )" + action + kForward + " } " + rest;
}

// Without a timeout of its own Envoy's default of 15 s is in force.
TEST(RouteEntry, OneBackend) {
  expect_route(rule({prefix("/a")}, {backend("s")}), forward(R"(cluster: "kube_ns_s_80")"));
}

// What fails answers UNAVAILABLE (503), and nothing limits the time of an exchange.
TEST(RouteEntry, OfAGrpcRoute) {
  const auto text = [](const std::string& clusters) {
    return R"(match { prefix: "/" } route { )" + clusters + " timeout {} }";
  };
  const auto expect = [&](std::vector<RouteBackendRef> refs, const std::string& clusters) {
    GrpcRouteRule spec;
    spec.backend_refs = std::move(refs);
    const BoundRule rule = bind_one(spec);
    Route route;
    ASSERT_TRUE(route.ParseFromString(encode_routes(rule, rule.matches.at(0), {80, false}).at(0)));
    expect_text(route, text(clusters));
  };
  expect({backend("s")}, R"(cluster: "kube_ns_s_80")");
  expect({backend("missing")}, R"(cluster: "blackhole-cluster")");
  expect({backend("s", 0)}, R"(cluster: "blackhole-cluster")");
  expect({}, R"(cluster: "blackhole-cluster")");
  BoundRule broken;
  broken.grpc = true;
  broken.matches.emplace_back();
  Route route;
  ASSERT_TRUE(route.ParseFromString(encode_replaced(broken, broken.matches[0])));
  EXPECT_EQ(route.direct_response().status(), 503u);
}

TEST(RouteEntry, WeightsWithABrokenShare) {
  expect_route(rule({prefix("/a")}, {backend("s", 70), backend("missing", 30), backend("z", 0)}),
               forward(R"(weighted_clusters {
                 clusters { name: "kube_ns_s_80" weight { value: 70 } }
                 clusters { name: "blackhole-cluster" weight { value: 30 } } })"));
}

TEST(RouteEntry, WithoutAValidBackendItAnswers500) {
  const std::string text = forward(R"(cluster: "blackhole-cluster")");
  expect_route(rule({prefix("/a")}, {}), text);
  expect_route(rule({prefix("/a")}, {backend("missing")}), text);
  expect_route(rule({prefix("/a")}, {backend("s", 0), backend("t", 0)}), text);
  expect_route(rule({prefix("/a")}, {backend("missing"), backend("missing2")}), forward(R"(
    weighted_clusters {
      clusters { name: "blackhole-cluster" weight { value: 1 } }
      clusters { name: "blackhole-cluster" weight { value: 1 } }
    })"));
}

TEST(RouteEntry, FiltersActOnWhatFails) {
  CorsFilter cors;
  cors.allow_origins = {"https://a.org"};
  const std::vector<RouteFilter> filters = {cors_filter(cors),
                                            response_headers({{{"x", "1"}}, {}, {}})};
  for (const auto& backends : {std::vector{backend("missing")}, std::vector{backend("s", 0)}, {}}) {
    const Route route = only(rule({prefix("/a")}, backends, filters));
    EXPECT_EQ(route.route().cluster(), "blackhole-cluster");
    EXPECT_EQ(route.response_headers_to_add_size(), 1);
    EXPECT_TRUE(route.typed_per_filter_config().contains("envoy.filters.http.cors"));
  }
  const Route shared = only(rule(
      {prefix("/a")},
      {backend("s"), backend("missing", 1, {response_headers({{{"y", "2"}}, {}, {}})})}, filters));
  EXPECT_EQ(shared.route().weighted_clusters().clusters(1).response_headers_to_add_size(), 2);
}

TEST(RouteEntry, ABrokenRuleKeepsItsMatches) {
  expect_route(rule({prefix("/a")}, {backend("s")}, {extension_filter()}), R"(
    match { path_separated_prefix: "/a" }
    direct_response { status: 500 body { inline_string:
      "invalid route configuration detected and replaced with a direct response." } })");
}

TEST(RouteEntry, HeaderEdits) {
  expect_route(rule({prefix("/a")}, {backend("s")},
                    {request_headers({{{"X-Set", "100%"}}, {{"X-Add", "v"}}, {"X-Gone"}}),
                     response_headers({{}, {{"x-r", "1"}, {"X-R", "dropped"}}, {}})}),
               forward(R"(cluster: "kube_ns_s_80")", R"(
        request_headers_to_add { header { key: "x-set" value: "100%%" }
                                 append_action: OVERWRITE_IF_EXISTS_OR_ADD }
        request_headers_to_add { header { key: "x-add" value: "v" } }
        request_headers_to_remove: "x-gone"
        response_headers_to_add { header { key: "x-r" value: "1" } })"));
}

TEST(RouteEntry, ABackendsHeaderEditsComeAfterTheRules) {
  const RouteFilter of_rule = request_headers({{{"x", "rule"}, {"y", "rule"}}, {}, {"a"}});
  const RouteFilter of_backend = request_headers({{{"x", "backend"}}, {}, {"y"}});
  const std::string edits = R"(
    request_headers_to_add { header { key: "x" value: "rule" }
                             append_action: OVERWRITE_IF_EXISTS_OR_ADD }
    request_headers_to_add { header { key: "x" value: "backend" }
                             append_action: OVERWRITE_IF_EXISTS_OR_ADD }
    request_headers_to_remove: "a" request_headers_to_remove: "y" )";
  expect_route(rule({prefix("/a")}, {backend("s", 1, {of_backend})}, {of_rule}),
               forward(R"(cluster: "kube_ns_s_80")", edits));
  expect_route(rule({prefix("/a")}, {backend("s", 1, {of_backend}), backend("t", 3)}, {of_rule}),
               forward(R"(weighted_clusters {
        clusters { name: "kube_ns_s_80" weight { value: 1 } )" +
                       edits + R"( }
        clusters { name: "kube_ns_t_80" weight { value: 3 }
          request_headers_to_add { header { key: "x" value: "rule" }
                                   append_action: OVERWRITE_IF_EXISTS_OR_ADD }
          request_headers_to_add { header { key: "y" value: "rule" }
                                   append_action: OVERWRITE_IF_EXISTS_OR_ADD }
          request_headers_to_remove: "a" } })"));
}

TEST(RouteEntry, Rewrites) {
  const auto with = [](RouteFilter filter) {
    return rule({prefix("/a")}, {backend("s")}, {std::move(filter)});
  };
  expect_route(with(rewrite_to("x.org", replace_prefix("/b/"))),
               forward(R"(cluster: "kube_ns_s_80" host_rewrite_literal: "x.org"
                          prefix_rewrite: "/b")"));
  expect_route(with(rewrite_to({}, replace_path("/b\\1"))), forward(R"(cluster: "kube_ns_s_80"
                          regex_rewrite { pattern { regex: "^.*" } substitution: "/b\\\\1" })"));
  HttpRouteRule root = with(rewrite_to({}, replace_prefix("/b")));
  root.matches = {prefix("/")};
  EXPECT_EQ(only(root).route().prefix_rewrite(), "/b/");
}

// "/a" -> "/", "/a/" -> "/", "/a/x" -> "/x", and "/ab" is not touched.
TEST(RouteEntry, ARemovedPrefixNeedsTwoRoutes) {
  for (const char* nothing : {"", "/"}) {
    const auto all =
        routes(rule({prefix("/a")}, {backend("s")}, {rewrite_to({}, replace_prefix(nothing))}));
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[0].match().path(), "/a");
    EXPECT_EQ(all[1].match().prefix(), "/a/");
    for (const Route& route : all) EXPECT_EQ(route.route().prefix_rewrite(), "/");
  }
}

TEST(RouteEntry, BackendsThatRewriteHostsStayOneRoute) {
  expect_route(rule({prefix("/a")}, {backend("s", 1, {rewrite_to("s.org")}), backend("t")}),
               forward(R"(weighted_clusters {
                 clusters { name: "kube_ns_s_80" weight { value: 1 }
                            host_rewrite_literal: "s.org" }
                 clusters { name: "kube_ns_t_80" weight { value: 1 } } })"));
}

TEST(RouteEntry, BackendsThatRewritePathsGetARouteEach) {
  const auto all =
      routes(rule({prefix("/a")}, {backend("s", 1, {rewrite_to({}, replace_path("/s"))}),
                                   backend("missing", 1), backend("t", 2)}));
  ASSERT_THAT(all, SizeIs(3));
  expect_text(all[0].match(), R"(path_separated_prefix: "/a" runtime_fraction {
    default_value { numerator: 250000 denominator: MILLION } })");
  EXPECT_EQ(all[0].route().cluster(), "kube_ns_s_80");
  EXPECT_EQ(all[0].route().regex_rewrite().substitution(), "/s");
  expect_text(all[1].match(), R"(path_separated_prefix: "/a" runtime_fraction {
    default_value { numerator: 500000 denominator: MILLION } })");
  EXPECT_EQ(all[1].route().cluster(), "blackhole-cluster");
  expect_text(all[2], forward(R"(cluster: "kube_ns_t_80")"));
}

TEST(RouteEntry, ASingleBackendsRewriteIsInlined) {
  expect_route(rule({prefix("/a")}, {backend("s", 1, {rewrite_to({}, replace_prefix("/b"))})},
                    {rewrite_to("x.org", replace_prefix("/rule"))}),
               forward(R"(cluster: "kube_ns_s_80" host_rewrite_literal: "x.org"
                          prefix_rewrite: "/b")"));
}

TEST(RouteEntry, Mirrors) {
  RouteFilter third = mirror_to("m3");
  third.request_mirror->fraction = Fraction{1, 3};
  expect_route(rule({prefix("/a")}, {backend("s")},
                    {mirror_to("m1"), mirror_to("m2", 20), third, mirror_to("m4", 0)}),
               forward(R"(cluster: "kube_ns_s_80"
                 request_mirror_policies { cluster: "kube_ns_m1_80" }
                 request_mirror_policies { cluster: "kube_ns_m2_80" runtime_fraction {
                   default_value { numerator: 200000 denominator: MILLION } } }
                 request_mirror_policies { cluster: "kube_ns_m3_80" runtime_fraction {
                   default_value { numerator: 333333 denominator: MILLION } } })"));
}

TEST(RouteEntry, Cors) {
  CorsFilter spec;
  spec.allow_origins = {"https://www.foo.com", "https://*.bar.com:8443", "http://*"};
  spec.allow_methods = {"GET", "OPTIONS"};
  spec.allow_headers = {"*"};
  spec.expose_headers = {"x-3", "x-4"};
  spec.allow_credentials = true;
  expect_route(rule({prefix("/a")}, {backend("s")}, {cors_filter(spec)}),
               forward(R"(cluster: "kube_ns_s_80")", R"(
    typed_per_filter_config { key: "envoy.filters.http.cors" value {
      [type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy] {
        allow_origin_string_match { exact: "https://www.foo.com" }
        allow_origin_string_match { safe_regex { regex: "https\\:\\/\\/[^/:]+\\.bar\\.com\\:8443" } }
        allow_origin_string_match { safe_regex { regex: "http\\:\\/\\/[^/]+" } }
        allow_methods: "GET, OPTIONS" allow_headers: "*" expose_headers: "x-3, x-4"
        max_age: "5" allow_credentials { value: true }
        forward_not_matching_preflights { value: false } } } })"));
}

TEST(RouteEntry, ExternalAuthByHttp) {
  ExternalAuthFilter spec;
  spec.protocol = "HTTP";
  spec.backend_ref = to_service("auth", 9000);
  spec.http = HttpAuthConfig{"/check", {"X-In"}, {"X-Out"}};
  spec.forward_body = ForwardBody{1024};
  expect_route(rule({prefix("/a")}, {backend("s")}, {auth_filter(spec)}),
               forward(R"(cluster: "kube_ns_s_80")", R"(
    typed_per_filter_config { key: "ext_auth" value {
      [type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute] {
        xds_matcher { on_no_match { action { name: "ext_authz" typed_config {
          [type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction] {
            typed_config { name: "envoy.filters.http.ext_authz" typed_config {
              [type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz] {
                transport_api_version: V3
                with_request_body { max_request_bytes: 1024 }
                allowed_headers { patterns { exact: "x-in" } }
                http_service {
                  server_uri { uri: "http://kube_ns_auth_9000" cluster: "kube_ns_auth_9000"
                               timeout { seconds: 2 } }
                  path_prefix: "/check"
                  authorization_response { allowed_upstream_headers {
                    patterns { exact: "x-out" } } } } } } } } } } } } } } })"));
}

TEST(RouteEntry, ExternalAuthByGrpcSpeaksHttp2) {
  ExternalAuthFilter spec;
  spec.protocol = "GRPC";
  spec.backend_ref = to_service("auth", 9000);
  const std::string text = as_text(only(rule({prefix("/a")}, {backend("s")}, {auth_filter(spec)})));
  EXPECT_THAT(text, testing::HasSubstr(R"(cluster_name: "kube_ns_auth_9000_h2")"));
}

TEST(RouteEntry, Sessions) {
  HttpRouteRule spec = rule({prefix("/a")}, {backend("s")});
  SessionPersistence session;
  session.absolute_timeout = Duration{90'000};
  session.cookie = SessionCookie{"id", "/x", true};
  spec.session_persistence = session;
  expect_route(spec, forward(R"(cluster: "kube_ns_s_80")", R"(
    typed_per_filter_config { key: "envoy.filters.http.stateful_session" value {
      [type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute] {
        stateful_session { session_state { name: "envoy.http.stateful_session.cookie" typed_config {
          [type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState] {
            cookie { name: "id" ttl { seconds: 90 } path: "/x" } } } } } } } })"));
  session = {};
  session.type = "Header";
  spec.session_persistence = session;
  EXPECT_THAT(as_text(only(spec)), testing::HasSubstr(R"(name: "x-session-persistence")"));
}

TEST(RouteEntry, ASessionAlsoKeepsItsBackend) {
  HttpRouteRule spec = rule({prefix("/a")}, {backend("s", 9), backend("t"), backend("missing")});
  SessionPersistence session;
  session.cookie = SessionCookie{"id", "/100%", true};
  session.absolute_timeout = Duration{1000};
  spec.session_persistence = session;
  const auto all = routes(spec);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].route().cluster(), "kube_ns_s_80");
  EXPECT_EQ(all[1].route().cluster(), "kube_ns_t_80");
  const auto mark = [&](int i) { return all[i].match().headers(0).string_match().contains(); };
  EXPECT_THAT(mark(0), testing::StartsWith("id-backend="));
  EXPECT_NE(mark(0), mark(1));
  const auto& chosen = all[2].route().weighted_clusters().clusters();
  ASSERT_THAT(chosen, SizeIs(3));
  EXPECT_EQ(chosen[0].response_headers_to_add(0).header().key(), "set-cookie");
  EXPECT_EQ(chosen[0].response_headers_to_add(0).header().value(),
            mark(0) + "; Path=/100%%; HttpOnly; Max-Age=1");
  EXPECT_EQ(chosen[2].response_headers_to_add_size(), 0);
}

TEST(RouteEntry, ASessionKeepsItsBackendWhereEachHasARoute) {
  HttpRouteRule spec =
      rule({prefix("/a")}, {backend("s", 1, {rewrite_to({}, replace_prefix("/s"))}), backend("t")});
  spec.session_persistence = SessionPersistence{};
  const auto all = routes(spec);
  ASSERT_THAT(all, SizeIs(4));
  EXPECT_EQ(all[0].route().prefix_rewrite(), "/s");
  EXPECT_EQ(all[2].route().prefix_rewrite(), "/s");
  EXPECT_EQ(all[0].response_headers_to_add_size(), 0);
  EXPECT_EQ(all[2].response_headers_to_add_size(), 1);
  EXPECT_EQ(all[3].response_headers_to_add_size(), 1);
}

TEST(RouteEntry, ABackendOfWeightZeroHasOnlyTheSessionsItHas) {
  HttpRouteRule spec = rule({prefix("/a")}, {backend("s", 0), backend("t"), backend("missing", 0)});
  SessionPersistence session;
  session.cookie = SessionCookie{"id", "/", false};
  spec.session_persistence = session;
  const auto all = routes(spec);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].route().cluster(), "kube_ns_s_80");
  EXPECT_EQ(all[0].match().headers_size(), 1);
  EXPECT_EQ(all[1].route().cluster(), "kube_ns_t_80");
  EXPECT_EQ(all[1].match().headers_size(), 1);
  EXPECT_EQ(all[2].route().cluster(), "kube_ns_t_80");
  EXPECT_EQ(all[2].match().headers_size(), 0);
  EXPECT_THAT(all[2].response_headers_to_add(0).header().value(),
              testing::StartsWith(all[1].match().headers(0).string_match().contains()));
  // The mark is the same while the backend has weight.
  spec.backend_refs[0].weight = 5;
  EXPECT_EQ(routes(spec)[0].match().headers(0).string_match().contains(),
            all[0].match().headers(0).string_match().contains());
}

RouteTimeouts timeouts(std::optional<std::int64_t> request, std::optional<std::int64_t> backend) {
  RouteTimeouts result;
  if (request) result.request = Duration{*request};
  if (backend) result.backend_request = Duration{*backend};
  return result;
}

std::int64_t millis(const google::protobuf::Duration& duration) {
  return duration.seconds() * 1000 + duration.nanos() / 1'000'000;
}

TEST(RouteEntry, TimeoutsWithoutRetry) {
  const auto timeout = [](RouteTimeouts spec) {
    HttpRouteRule with = rule({prefix("/a")}, {backend("s")});
    with.timeouts = spec;
    return millis(only(with).route().timeout());
  };
  EXPECT_EQ(timeout(timeouts(500, {})), 500);
  EXPECT_EQ(timeout(timeouts({}, 300)), 300);
  EXPECT_EQ(timeout(timeouts(500, 300)), 300);
  EXPECT_EQ(timeout(timeouts(0, 0)), 0);
  EXPECT_EQ(timeout(timeouts(0, 300)), 300);
  EXPECT_EQ(timeout(timeouts(900'000, {})), 900'000);
}

// Nothing that is said turns into Envoy's default.
TEST(RouteEntry, SaidTimeoutsAreWritten) {
  const auto action = [](RouteTimeouts timeouts, bool retry) {
    HttpRouteRule with = rule({prefix("/a")}, {backend("s")});
    with.timeouts = timeouts;
    if (retry) with.retry = RouteRetry{};
    return only(with).route();
  };
  for (const bool retry : {false, true}) {
    EXPECT_FALSE(action(timeouts({}, {}), retry).has_timeout());
    EXPECT_EQ(millis(action(timeouts(0, {}), retry).timeout()), 0);
    EXPECT_TRUE(action(timeouts(0, {}), retry).has_timeout());
    EXPECT_TRUE(action(timeouts({}, 0), retry).has_timeout());
    EXPECT_TRUE(action(timeouts({}, 60'000), retry).has_timeout());
  }
  // A limit of each try does not limit the whole.
  EXPECT_EQ(millis(action(timeouts({}, 60'000), true).timeout()), 0);
}

TEST(RouteEntry, Retry) {
  HttpRouteRule spec = rule({prefix("/a")}, {backend("s")});
  spec.timeouts = timeouts(2000, 300);
  spec.retry = RouteRetry{{500, 503}, 3, Duration{50}};
  const Route route = only(spec);
  EXPECT_EQ(millis(route.route().timeout()), 2000);
  const auto& policy = route.route().retry_policy();
  EXPECT_EQ(policy.num_retries().value(), 3u);
  EXPECT_THAT(policy.retriable_status_codes(), testing::ElementsAre(500, 503));
  EXPECT_EQ(millis(policy.per_try_timeout()), 300);
  EXPECT_EQ(millis(policy.retry_back_off().base_interval()), 50);
  EXPECT_EQ(policy.retry_host_predicate_size(), 1);
  EXPECT_THAT(policy.retry_on(), testing::HasSubstr("connect-failure"));
  spec.retry->backoff = Duration{0};
  EXPECT_EQ(millis(only(spec).route().retry_policy().retry_back_off().base_interval()), 1);
  spec.retry->backoff.reset();
  EXPECT_FALSE(only(spec).route().retry_policy().has_retry_back_off());
  spec.retry->attempts = 0;
  EXPECT_FALSE(only(spec).route().has_retry_policy());
}

struct RedirectCase {
  std::optional<std::string> scheme, hostname;
  std::optional<std::int32_t> port;
  ListenerFacts listener;
  std::uint32_t written;             // port_redirect
  std::uint32_t over_host_port = 0;  // where the Host header has a port; 0 = no such Route
};

TEST(RouteEntry, PortsOfRedirects) {
  const ListenerFacts http{80, false}, alt{8080, false}, https{443, true}, alt_tls{8443, true};
  const std::vector<RedirectCase> cases = {
      {{}, "h", {}, http, 0},           // the default of http
      {{}, {}, {}, http, 0, 80},        // a foreign port of the Host header does not stay
      {{}, "h", {}, alt, 8080},         // the listener's port
      {{}, {}, {}, alt, 8080},          //
      {{}, "h", {}, https, 0},          //
      {"https", "h", {}, http, 0},      // the well-known port of the scheme
      {"https", {}, {}, http, 0, 443},  //
      {"https", "h", {}, alt, 0},       //
      {"https", {}, {}, alt, 0, 443},   //
      {"http", {}, {}, alt_tls, 0, 80}, {"https", "h", 8443, http, 8443},
      {"https", {}, 8443, http, 8443},  {{}, "h", 80, alt, 0},
      {{}, {}, 80, alt, 0, 80},         {"http", "h", 443, http, 443},
  };
  for (const RedirectCase& c : cases) {
    RequestRedirect spec;
    spec.scheme = c.scheme;
    spec.hostname = c.hostname;
    spec.port = c.port;
    SCOPED_TRACE(c.scheme.value_or("-") + " " + c.hostname.value_or("-") + " " +
                 std::to_string(c.port.value_or(0)) + " from " + std::to_string(c.listener.port));
    const auto all = routes(rule({prefix("/a")}, {}, {redirect_to(spec)}), c.listener);
    ASSERT_THAT(all, SizeIs(c.over_host_port == 0 ? 1 : 2));
    EXPECT_EQ(all.back().redirect().port_redirect(), c.written);
    EXPECT_EQ(all.back().match().headers_size(), 0);
    if (c.over_host_port == 0) continue;
    EXPECT_EQ(all.front().redirect().port_redirect(), c.over_host_port);
    EXPECT_EQ(all.front().match().headers(0).name(), ":authority");
  }
}

TEST(RouteEntry, RedirectPathsAndCodes) {
  RequestRedirect spec;
  spec.status_code = 308;
  spec.hostname = "x.org";
  spec.path = replace_path("/new");
  expect_route(rule({prefix("/a")}, {backend("ignored")}, {redirect_to(spec)}), R"(
    match { path_separated_prefix: "/a" }
    redirect { host_redirect: "x.org" path_redirect: "/new" response_code: PERMANENT_REDIRECT })");
  spec.path = replace_prefix("/");
  const auto all = routes(rule({prefix("/a")}, {}, {redirect_to(spec)}));
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[1].match().prefix(), "/a/");
  EXPECT_EQ(all[1].redirect().prefix_rewrite(), "/");
}

TEST(RouteEntry, ARedirectWithCors) {
  CorsFilter cors;
  cors.allow_origins = {"https://a.org", "https://*.b.org"};
  cors.allow_credentials = true;
  cors.expose_headers = {"x-e"};
  RequestRedirect redirect;
  redirect.hostname = "x.org";
  const auto all = routes(rule({prefix("/a")}, {}, {cors_filter(cors), redirect_to(redirect)}));
  ASSERT_THAT(all, SizeIs(4));
  expect_text(all[0].match(), R"(path_separated_prefix: "/a"
    headers { name: ":method" string_match { exact: "OPTIONS" } }
    headers { name: "origin" string_match { safe_regex { regex: ".+" } } }
    headers { name: "access-control-request-method"
              string_match { safe_regex { regex: ".+" } } })");
  EXPECT_EQ(all[0].route().cluster(), "blackhole-cluster");
  EXPECT_TRUE(all[0].typed_per_filter_config().contains("envoy.filters.http.cors"));
  EXPECT_EQ(all[1].match().headers(0).string_match().exact(), "https://a.org");
  EXPECT_THAT(all[2].match().headers(0).string_match().safe_regex().regex(),
              testing::HasSubstr("b\\.org"));
  for (int i : {1, 2}) {
    EXPECT_EQ(all[i].redirect().host_redirect(), "x.org");
    ASSERT_EQ(all[i].response_headers_to_add_size(), 3);
    EXPECT_EQ(all[i].response_headers_to_add(0).header().value(), "%REQ(origin)%");
  }
  EXPECT_EQ(all[3].match().headers_size(), 0);
  EXPECT_EQ(all[3].response_headers_to_add_size(), 0);
}

}  // namespace
}  // namespace kgw::envoy
