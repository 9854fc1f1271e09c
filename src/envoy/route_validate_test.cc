// A real Envoy takes every kind of route that is made here, and refuses what is caught before.
#include <gmock/gmock.h>

#include "envoy/bootstrap_testing.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/encoded_route.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/splice.h"
#include "envoy/virtual_host.h"
#include "policy/envoy_rules.h"
#include "policy/header_format.h"
#include "policy/http_filters.h"
#include "policy/test_route.h"

namespace kgw::envoy {
namespace {

using namespace policy;  // NOLINT: the vocabulary of the specs

// A listener with this route table in it.
Resource listener_with(const std::string& route_config) {
  ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager manager;
  manager.set_stat_prefix("http");
  EXPECT_TRUE(manager.mutable_route_config()->ParseFromString(route_config));
  manager.mutable_route_config()->mutable_validate_clusters()->set_value(false);  // as with RDS
  policy::append_http_filters(*manager.mutable_http_filters());
  ::envoy::config::listener::v3::Listener listener;
  listener.set_name("routes");
  auto& address = *listener.mutable_address()->mutable_socket_address();
  address.set_address("127.0.0.1");
  address.set_port_value(1);
  auto& filter = *listener.add_filter_chains()->add_filters();
  filter.set_name("envoy.filters.network.http_connection_manager");
  policy::pack(manager, *filter.mutable_typed_config());
  return make_resource("routes", listener.SerializeAsString());
}

struct RouteValidate : testing::Test {
  void SetUp() override {
    if (envoy_binary().empty()) GTEST_SKIP() << "KGW_ENVOY names no Envoy";
  }

  // Envoy's verdict on a table of one host with these rules.
  std::string verdict(std::vector<HttpRouteRule> rules) {
    BoundRoute route = bind_all(std::move(rules));
    EXPECT_THAT(route.diagnostics,
                testing::Each(testing::Field(&Diagnostic::severity, Severity::kWarning)));
    return verdict(route);
  }

  static std::string verdict(const BoundRoute& route) {
    const EncodedRoute encoded =
        encode_route(route, {{8080, false}}, [](Version) { return QuarantineVerdict(); });
    for (const EncodedRule& rule : encoded.rules) {
      if (!rule.refusal.empty())
        return rule.refusal;  // Envoy is not shown what breaks a constraint
    }
    const Name any;
    const RouteVariant& variant = encoded.variant({8080, false});
    std::vector<Candidate> candidates;
    for (const EncodedMatch& match : variant.matches) {
      candidates.push_back({&route.ref, &any, &encoded, &variant, &match});
    }
    const HostId host{{{"ns", "gw"}, "listener~80"}, "*"};
    std::string config;
    append_field(1, "listener~80", config);
    append_field(2, splice_host(host, candidates).bytes, config);
    append_field(2, misdirected_host({host.table, "other.org"}).bytes, config);
    return validate({{listener_with(config)}, {}, {}, {}});
  }
};

TEST_F(RouteValidate, Matches) {
  HttpRouteMatch rich = prefix("/rich");
  rich.method = "PATCH";
  rich.headers = {{ValueMatchType::kExact, "X-A", "1"},
                  {ValueMatchType::kRegularExpression, "x-b", "a.*"}};
  rich.query_params = {{ValueMatchType::kExact, "q", "\x01 \xc3\xa9"},
                       {ValueMatchType::kRegularExpression, "r", ".+"}};
  EXPECT_EQ(verdict({rule({prefix("/"), prefix("/a/"), prefix("/%7e~x/ü"), exact("/b"), exact("/"),
                           regex("/c[0-9]+"), rich},
                          {backend("s")})}),
            "");
}

TEST_F(RouteValidate, Filters) {
  CorsFilter cors;
  cors.allow_origins = {"*", "https://a.org", "https://*.b.org"};
  cors.allow_methods = {"*"};
  cors.allow_headers = {"x-1"};
  ExternalAuthFilter http;
  http.protocol = "HTTP";
  http.backend_ref = to_service("auth");
  http.http = HttpAuthConfig{"/check", {"x-in"}, {}};
  ExternalAuthFilter grpc = http;
  grpc.protocol = "GRPC";
  grpc.forward_body = ForwardBody{10};
  EXPECT_EQ(
      verdict({
          rule({prefix("/cors")}, {backend("s")}, {cors_filter(cors)}),
          rule({prefix("/http")}, {backend("s")}, {auth_filter(http)}),
          rule({prefix("/grpc")}, {backend("s")}, {auth_filter(grpc)}),
          rule({prefix("/headers")}, {backend("s")},
               {request_headers({{{"A", "100% %REQ(x)%"}, {"d", "%%"}}, {{"b", "%"}}, {"c"}}),
                response_headers({{{"set-cookie", "a=\"b\""}}, {{"x", " y "}}, {"server"}})}),
          rule({prefix("/mirror")}, {backend("s")}, {mirror_to("m"), mirror_to("n", 20)}),
          rule({prefix("/strip")}, {backend("s")}, {rewrite_to("h.org", replace_prefix("/"))}),
          rule({prefix("/full")}, {backend("s")}, {rewrite_to({}, replace_path("/a\\1%?b=c"))}),
      }),
      "");
}

TEST_F(RouteValidate, Redirects) {
  std::vector<HttpRouteRule> rules;
  for (const int status : {301, 302, 303, 307, 308}) {
    RequestRedirect spec;
    spec.status_code = status;
    if (status == 301) spec.scheme = "https";
    if (status == 302) spec.path = replace_path("/new?x=%20");
    if (status == 303) spec.path = replace_prefix("");
    if (status == 307) spec.hostname = "other.org";
    rules.push_back(rule({prefix("/" + std::to_string(status))}, {}, {redirect_to(spec)}));
  }
  CorsFilter cors;
  cors.allow_origins = {"https://a.org", "https://*.b.org"};
  cors.expose_headers = {"*"};
  rules.push_back(rule({prefix("/cors")}, {}, {cors_filter(cors), redirect_to({})}));
  EXPECT_EQ(verdict(rules), "");
}

TEST_F(RouteValidate, BackendsOfEverySort) {
  HttpRouteRule persistent = rule({prefix("/cookie")}, {backend("s"), backend("t")});
  SessionPersistence session;
  session.cookie = SessionCookie{"id", "/", true};
  persistent.session_persistence = session;
  HttpRouteRule header = rule({prefix("/header")}, {backend("s")});
  session = {};
  session.type = "Header";
  header.session_persistence = session;
  HttpRouteRule retry = rule({prefix("/retry")}, {backend("s")});
  retry.retry = RouteRetry{{500, 599}, 100, Duration{1}};
  RouteTimeouts timeouts;
  timeouts.request = Duration{1500};
  timeouts.backend_request = Duration{1};
  retry.timeouts = timeouts;
  const RouteFilter edit = request_headers({{{"x", "s"}}, {}, {"y"}});
  EXPECT_EQ(verdict({
                persistent,
                header,
                retry,
                rule({prefix("/weights")},
                     {backend("s", 1, {edit, rewrite_to("s.org")}), backend("t", 2000000000)}),
                rule({prefix("/paths")}, {backend("s", 1, {rewrite_to({}, replace_prefix("/s"))}),
                                          backend("t", 2, {mirror_to("m")})}),
                rule({prefix("/none")}, {}),
            }),
            "");
}

TEST_F(RouteValidate, BrokenRulesBecomeDirectResponses) {
  const BoundRoute route = bind_all(
      {rule({prefix("/bad")}, {backend("s")}, {extension_filter()}),
       rule({prefix("/host")}, {backend("s")}, {request_headers({{{"Host", "x"}}, {}, {}})}),
       rule({regex("(")}, {backend("s")}),
       rule({prefix("/half")}, {backend("missing"), backend("s")})});
  EXPECT_EQ(verdict(route), "");
}

TEST_F(RouteValidate, SpellingsPreflightsAndGuards) {
  HttpRouteMatch narrow = prefix("/b%c3%a9");
  narrow.method = "GET";
  narrow.headers = {{ValueMatchType::kExact, "x-" + std::string(40, 'a'), "1"}};
  HttpRouteMatch unusable = regex("/" + std::string(200, 'a') + "((");
  unusable.headers = {{ValueMatchType::kRegularExpression, "x", "("}};
  unusable.query_params = {{ValueMatchType::kRegularExpression, "q", "("}};
  CorsFilter cors;
  cors.allow_origins = {"https://a.test"};
  const BoundRoute route = bind_all(
      {rule({narrow, exact("/%C3/" + std::string(200, 'a'))}, {backend("s")}, {cors_filter(cors)}),
       rule({unusable}, {backend("s")}, {auth_filter({})})});
  EXPECT_TRUE(route.rules[1].broken);
  EXPECT_EQ(verdict(route), "");
}

TEST_F(RouteValidate, CommandsInHeaderValues) {
  std::vector<HttpHeader> headers;
  for (const std::string& command : policy::known_header_commands()) {
    headers.push_back({"x-" + std::to_string(headers.size()), command});
  }
  EXPECT_EQ(
      verdict({rule({prefix("/")}, {backend("s")},
                    {request_headers({headers, {}, {}}), response_headers({headers, {}, {}})})}),
      "");
}

// The checks here are as strict as Envoy's: without them it refuses the whole table.
TEST_F(RouteValidate, EnvoyRefusesWhatTheChecksCatch) {
  const auto refusal = [&](auto spoil) {
    BoundRoute route = bind_all({rule({prefix("/a")}, {backend("s")})});
    spoil(route.rules[0]);
    return verdict(route);
  };
  EXPECT_NE(refusal([](BoundRule& r) { r.actions.emplace().request.put = {{"host", "x", false}}; }),
            "");
  EXPECT_NE(refusal([](BoundRule& r) { r.actions.emplace().request.remove = {":path"}; }), "");
  EXPECT_NE(refusal([](BoundRule& r) { r.actions.emplace().request.put = {{"x", "a\nb", false}}; }),
            "");
  EXPECT_NE(
      refusal([](BoundRule& r) { r.actions.emplace().request.put = {{"x", "%FOO%", false}}; }), "");
  for (const char* value : {"%REQ(x):18446744073709551616%", "%START_TIME(%n)%"}) {
    EXPECT_NE(
        refusal([&](BoundRule& r) { r.actions.emplace().request.put = {{"x", value, false}}; }),
        "");
  }
  const auto path = [&](PathMatchType type, std::string value) {
    return refusal([&](BoundRule& r) {
      r.matches[0].path_type = type;
      r.matches[0].path = value;
    });
  };
  EXPECT_NE(path(PathMatchType::kRegularExpression, "("), "");
  EXPECT_TRUE(check_regex(""));
  EXPECT_NE(path(PathMatchType::kRegularExpression, ""), "");
  EXPECT_NE(path(PathMatchType::kPathPrefix, "/a?b"), "");
  // Program size: the limit is exact.
  const std::string fits = std::string(kMaxRegexProgram - 4, 'x');
  EXPECT_FALSE(check_regex(fits));
  EXPECT_EQ(path(PathMatchType::kRegularExpression, fits), "");
  EXPECT_TRUE(check_regex(fits + "xxxx"));
  EXPECT_NE(path(PathMatchType::kRegularExpression, fits + "xxxx"), "");
}

}  // namespace
}  // namespace kgw::envoy
