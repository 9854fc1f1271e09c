#include "api/kinds_test_util.h"
#include "api/route.h"

namespace kgw {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kV1 = "gateway.networking.k8s.io/v1";

template <typename T>
const T& as(const std::shared_ptr<const Object>& object) {
  return static_cast<const T&>(*object);
}

std::string repeated(std::string_view item, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i == 0 ? "" : ", ") + std::string(item);
  return out;
}

TEST(HttpRoute, ReadsEverything) {
  const auto object = expect_valid(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: shop
  namespace: web
  labels: {app: shop}
  annotations:
    kgateway.dev/note: kept
    kubectl.kubernetes.io/last-applied-configuration: dropped
  generation: 3
  creationTimestamp: "2026-11-23T15:00:00Z"
  managedFields: [{manager: x}]
spec:
  parentRefs:
  - {name: gw, sectionName: https, port: 443}
  - {name: gw, sectionName: http, port: 80}
  hostnames: ["*.example.com"]
  useDefaultGateways: All
  rules:
  - name: one
    matches:
    - path: {type: Exact, value: /a}
      method: GET
      headers: [{name: X-A, value: b}]
      queryParams: [{name: q, type: RegularExpression, value: ".*"}]
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: a, value: b}], add: [{name: c, value: d}], remove: [e]}
    - type: ResponseHeaderModifier
      responseHeaderModifier: {remove: [x]}
    - type: RequestMirror
      requestMirror: {backendRef: {name: m, port: 80}, fraction: {numerator: 1, denominator: 3}}
    - type: URLRewrite
      urlRewrite: {hostname: h.example, path: {type: ReplaceFullPath, replaceFullPath: /x}}
    - type: CORS
      cors: {allowOrigins: ["https://a.example"], allowMethods: [GET], allowCredentials: true}
    - type: ExtensionRef
      extensionRef: {group: gateway.kgateway.dev, kind: TrafficPolicy, name: t}
    - type: ExternalAuth
      externalAuth:
        protocol: HTTP
        backendRef: {name: auth, port: 9000}
        http: {path: /check, allowedHeaders: [a]}
        forwardBody: {maxSize: 10}
    backendRefs:
    - {name: a, port: 80, weight: 0}
    - name: b
      group: gateway.kgateway.dev
      kind: Backend
      namespace: other
      filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [z]}}]
    timeouts: {request: 10s, backendRequest: 500ms}
    retry: {codes: [503], backoff: 1s}
    sessionPersistence: {absoluteTimeout: 1h, cookie: {name: sid, lifetimeType: Permanent}}
  - filters:
    - type: RequestRedirect
      requestRedirect: {scheme: https, port: 443, statusCode: 301}
    sessionPersistence: {type: Header, header: {name: x-session}}
status: {parents: []}
)");
  ASSERT_NE(object, nullptr);
  const auto& route = as<HttpRoute>(object);
  EXPECT_EQ(to_string(route.ref()), "HTTPRoute web/shop");
  EXPECT_EQ(route.metadata.annotations, (StringMap{{"kgateway.dev/note", "kept"}}));
  EXPECT_EQ(route.metadata.generation, 3);
  EXPECT_EQ(route.metadata.creation_time, 1795446000);
  EXPECT_EQ(route.parent_refs[0].kind, "Gateway");
  EXPECT_EQ(route.parent_refs[1].port, 80);
  const HttpRouteRule& rule = route.rules[0];
  EXPECT_EQ(rule.matches[0].query_params[0].type, ValueMatchType::kRegularExpression);
  EXPECT_EQ(rule.filters.size(), 7);
  EXPECT_EQ(rule.filters[4].cors->max_age, 5);
  EXPECT_EQ(rule.backend_refs[0].weight, 0);
  EXPECT_EQ(rule.backend_refs[1].weight, 1);
  EXPECT_EQ(rule.backend_refs[1].ref.kind, "Backend");
  EXPECT_EQ(rule.timeouts->backend_request->millis, 500);
  EXPECT_EQ(rule.retry->attempts, 1);
  EXPECT_TRUE(rule.session_persistence->cookie->permanent);
  EXPECT_EQ(route.rules[1].matches, std::vector<HttpRouteMatch>(1));
  EXPECT_EQ(route.rules[1].session_persistence->header_name, "x-session");
}

TEST(HttpRoute, DefaultsRulesAndMatches) {
  const auto absent = expect_valid(manifest(kV1, "HTTPRoute", ""));
  ASSERT_EQ(as<HttpRoute>(absent).rules.size(), 1);
  EXPECT_EQ(as<HttpRoute>(absent).rules[0].matches, std::vector<HttpRouteMatch>(1));
  const auto empty = expect_valid(manifest(kV1, "HTTPRoute", "rules: [{matches: []}]"));
  EXPECT_EQ(as<HttpRoute>(empty).rules[0].matches.size(), 0);
}

TEST(HttpRoute, ChecksParentsHostnamesAndRules) {
  const std::string rules17 = "rules: [" + repeated("{}", 17) + "]";
  const std::string m43 = "{matches: [" + repeated("{}", 43) + "]}";
  const std::string many = "rules: [" + repeated(m43, 3) + "]";
  check(kV1, "HTTPRoute",
        {{"parentRefs: [{name: a}, {name: b}, {name: a, namespace: o}]", ""},
         {"parentRefs: [{name: a, sectionName: s}, {name: a}]",
          "spec.parentRefs: sectionName or port must be specified"},
         {"parentRefs: [{name: a, sectionName: s}, {name: a, sectionName: s}]",
          "spec.parentRefs: sectionName or port must be unique"},
         {"parentRefs: [{name: a, port: 1}, {name: a, port: 2}]", ""},
         {"parentRefs: [{kind: Gateway}]", "spec.parentRefs[0].name: Required value"},
         {"parentRefs: [{name: a, port: 0}]", "spec.parentRefs[0].port: Invalid value: 0"},
         {"hostnames: ['*']", "spec.hostnames[0]: Invalid value: \"*\": should match"},
         {"hostnames: ['UPPER.example']", "spec.hostnames[0]: Invalid value"},
         {"useDefaultGateways: Some", "spec.useDefaultGateways: Unsupported value"},
         {"rules: []", "spec.rules: Invalid value: 0: should have at least 1 items"},
         {rules17, "spec.rules: Too many: 17: must have at most 16 items"},
         {"rules: [{name: a}, {name: a}]", "spec.rules: Rule name must be unique"},
         {many, "spec.rules: While 16 rules and 64 matches per rule are allowed"},
         {"rulez: []", "spec.rulez: unknown field \"rulez\", did you mean \"rules\"?"}});
}

TEST(HttpRoute, ChecksMatches) {
  const auto match = [](std::string_view text) {
    return "rules: [{matches: [{" + std::string(text) + "}]}]";
  };
  const std::string at = "spec.rules[0].matches[0]";
  std::vector<std::pair<std::string, std::string>> cases = {
      {"path: {type: Exact, value: a}", ".path: value must be an absolute path"},
      {"path: {value: a//b}", ".path: value must be an absolute path"},
      {"path: {value: /a//b}", ".path: must not contain '//'"},
      {"path: {value: /a/./b}", ".path: must not contain '/./'"},
      {"path: {value: /a/../b}", ".path: must not contain '/../'"},
      {"path: {value: /a%2fb}", ".path: must not contain '%2f'"},
      {"path: {value: /a%2Fb}", ".path: must not contain '%2F'"},
      {"path: {value: '/a#b'}", ".path: must not contain '#'"},
      {"path: {value: /a/..}", ".path: must not end with '/..'"},
      {"path: {value: /a/.}", ".path: must not end with '/.'"},
      {"path: {value: '/a b'}", ".path: must only contain valid characters"},
      {"path: {type: Regex}", ".path.type: Unsupported value: \"Regex\""},
      {"method: get", ".method: Unsupported value: \"get\""},
      {"headers: [{name: 'a b', value: x}]", ".headers[0].name: Invalid value"},
      {"headers: [{name: a, value: x}, {name: a, value: z}]",
       ".headers[1]: Duplicate value: {\"name\":\"a\"}"},
      {"headers: [{name: a}]", ".headers[0].value: Required value"},
      {"queryParams: [{name: a, value: ''}]", ".queryParams[0].value: Invalid value"},
      {"queryParams: [{name: a, value: x}, {name: a, value: x}]",
       ".queryParams[1]: Duplicate value"}};
  for (const auto& [text, problem] : cases) {
    const auto found = problems(manifest(kV1, "HTTPRoute", match(text)));
    ASSERT_GE(found.size(), 1) << text;
    EXPECT_THAT(found[0], ::testing::StartsWith(at + problem)) << text;
  }
  check(kV1, "HTTPRoute",
        {{"rules: [{matches: [{path: {type: RegularExpression, value: 'a//b#'}}]}]", ""}});
}

TEST(HttpRoute, ChecksFilterLists) {
  const auto two = [](std::string_view filter) {
    return "rules: [{filters: [" + repeated(filter, 2) + "]}]";
  };
  const std::string request =
      two("{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a]}}");
  const std::string response =
      two("{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [a]}}");
  const std::string redirect = two("{type: RequestRedirect, requestRedirect: {}}");
  const std::string rewrite = two("{type: URLRewrite, urlRewrite: {}}");
  const std::string cors = two("{type: CORS, cors: {}}");
  const std::string mirror =
      two("{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1}}}");
  check(kV1, "HTTPRoute",
        {{request, "spec.rules[0].filters: RequestHeaderModifier filter cannot be repeated"},
         {response, "spec.rules[0].filters: ResponseHeaderModifier filter cannot be repeated"},
         {redirect, "spec.rules[0].filters: RequestRedirect filter cannot be repeated"},
         {rewrite, "spec.rules[0].filters: URLRewrite filter cannot be repeated"},
         {cors, "spec.rules[0].filters: CORS filter cannot be repeated"},
         {mirror, ""},
         {"rules: [{filters: [{type: URLRewrite, urlRewrite: {}}, "
          "{type: RequestRedirect, requestRedirect: {}}]}]",
          "spec.rules[0].filters: May specify either"},
         {"rules: [{backendRefs: [{name: a, port: 1, filters: [{type: CORS, cors: {}}, "
          "{type: CORS, cors: {}}]}]}]",
          "spec.rules[0].backendRefs[0].filters: CORS filter cannot be repeated"}});
}

TEST(HttpRoute, ChecksThatFiltersFollowTheirType) {
  const std::vector<std::pair<std::string, std::string>> types = {
      {"RequestHeaderModifier", "requestHeaderModifier: {}"},
      {"ResponseHeaderModifier", "responseHeaderModifier: {}"},
      {"RequestMirror", "requestMirror: {backendRef: {name: a, port: 1}}"},
      {"RequestRedirect", "requestRedirect: {}"},
      {"URLRewrite", "urlRewrite: {}"},
      {"ExtensionRef", "extensionRef: {group: g, kind: K, name: m}"},
      {"CORS", "cors: {}"},
      {"ExternalAuth", "externalAuth: {protocol: GRPC, grpc: {}, backendRef: {name: a, port: 1}}"}};
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto& [type, member] = types[i];
    const std::string field = member.substr(0, member.find(':'));
    const std::string& other = types[(i + 1) % types.size()].second;
    const std::string without = "rules: [{filters: [{type: " + type + "}]}]";
    const std::string with = "rules: [{filters: [{type: " + type + ", " + member + "}]}]";
    const std::string mixed =
        "rules: [{filters: [{type: " + type + ", " + member + ", " + other + "}]}]";
    const std::string missing = "spec.rules[0].filters[0]: filter." + field +
                                " must be specified for " + type + " filter.type";
    const std::string extra = "spec.rules[0].filters[0]: filter." +
                              other.substr(0, other.find(':')) +
                              " must be nil if the filter.type is not ";
    check(kV1, "HTTPRoute", {{with, ""}, {without, missing}, {mixed, extra}});
  }
}

TEST(HttpRoute, ChecksFilters) {
  const auto filter = [](std::string_view type, std::string_view member) {
    return "rules: [{filters: [{type: " + std::string(type) + ", " + std::string(member) + "}]}]";
  };
  const std::string at = "spec.rules[0].filters[0].";
  std::vector<std::array<std::string, 3>> cases = {
      {"RequestHeaderModifier", "requestHeaderModifier: {set: [{name: a, value: ''}]}",
       "requestHeaderModifier.set[0].value: Invalid value"},
      {"RequestHeaderModifier", "requestHeaderModifier: {set: [{name: a, value: \"b\\n\"}]}",
       "requestHeaderModifier.set[0].value: Invalid value"},
      {"RequestHeaderModifier",
       "requestHeaderModifier: {add: [{name: a, value: x}, {name: a, value: z}]}",
       "requestHeaderModifier.add[1]: Duplicate value"},
      {"RequestHeaderModifier", "requestHeaderModifier: {remove: [a, a]}",
       "requestHeaderModifier.remove[1]: Duplicate value: \"a\""},
      {"RequestMirror", "requestMirror: {backendRef: {name: a}}",
       "requestMirror.backendRef: Must have port for Service reference"},
      {"RequestMirror",
       "requestMirror: {backendRef: {name: a, port: 1, kind: XBackend, "
       "group: gateway.networking.x-k8s.io}}",
       "requestMirror.backendRef: Must not have port for Backend reference"},
      {"RequestMirror",
       "requestMirror: {backendRef: {name: a, port: 1}, percent: 1, fraction: {numerator: 1}}",
       "requestMirror: Only one of percent or fraction"},
      {"RequestMirror",
       "requestMirror: {backendRef: {name: a, port: 1}, fraction: {numerator: 101}}",
       "requestMirror.fraction: numerator must be less than or equal to denominator"},
      {"RequestMirror", "requestMirror: {backendRef: {name: a, port: 1}, percent: 101}",
       "requestMirror.percent: Invalid value: 101"},
      {"RequestRedirect", "requestRedirect: {path: {type: ReplaceFullPath}}",
       "requestRedirect.path: replaceFullPath must be specified"},
      {"RequestRedirect", "requestRedirect: {path: {type: ReplacePrefixMatch}}",
       "requestRedirect.path: replacePrefixMatch must be specified"},
      {"URLRewrite",
       "urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /, replacePrefixMatch: /}}",
       "urlRewrite.path: type must be 'ReplacePrefixMatch'"},
      {"URLRewrite",
       "urlRewrite: {path: {type: ReplacePrefixMatch, replaceFullPath: /, replacePrefixMatch: /}}",
       "urlRewrite.path: type must be 'ReplaceFullPath'"},
      {"URLRewrite", "urlRewrite: {hostname: '*.x'}", "urlRewrite.hostname: Invalid value"},
      {"RequestRedirect", "requestRedirect: {statusCode: 200}",
       "requestRedirect.statusCode: Unsupported value: 200: supported values: \"301\""},
      {"RequestRedirect", "requestRedirect: {scheme: ftp}",
       "requestRedirect.scheme: Unsupported value"},
      {"CORS", "cors: {allowOrigins: ['*', 'https://a']}",
       "cors.allowOrigins: AllowOrigins cannot contain '*'"},
      {"CORS", "cors: {allowMethods: ['*', GET]}",
       "cors.allowMethods: AllowMethods cannot contain '*'"},
      {"CORS", "cors: {allowHeaders: ['*', a]}",
       "cors.allowHeaders: AllowHeaders cannot contain '*'"},
      {"CORS", "cors: {allowOrigins: ['example.com']}", "cors.allowOrigins[0]: Invalid value"},
      {"CORS", "cors: {maxAge: 0}", "cors.maxAge: Invalid value: 0"},
      {"ExternalAuth", "externalAuth: {protocol: GRPC, backendRef: {name: a, port: 1}}",
       "externalAuth: grpc must be specified"},
      {"ExternalAuth", "externalAuth: {protocol: HTTP, backendRef: {name: a, port: 1}}",
       "externalAuth: http must be specified"},
      {"ExternalAuth",
       "externalAuth: {protocol: HTTP, http: {}, grpc: {}, backendRef: {name: a, port: 1}}",
       "externalAuth: protocol must be 'GRPC'"},
      {"ExternalAuth",
       "externalAuth: {protocol: GRPC, http: {}, grpc: {}, backendRef: {name: a, port: 1}}",
       "externalAuth: protocol must be 'HTTP'"},
      {"ExternalAuth",
       "externalAuth: {protocol: HTTP, http: {path: 'a b'}, backendRef: {name: a, port: 1}}",
       "externalAuth.http.path: Invalid value"}};
  for (const auto& [type, member, problem] : cases) {
    check(kV1, "HTTPRoute", {{filter(type, member), at + problem}});
  }
}

TEST(HttpRoute, ChecksRules) {
  const std::string redirect_prefix =
      "{type: RequestRedirect, requestRedirect: "
      "{path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}";
  const std::string rewrite_prefix =
      "{type: URLRewrite, urlRewrite: "
      "{path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}";
  const std::string exact = "matches: [{path: {type: Exact, value: /a}}]";
  const std::string backend = "backendRefs: [{name: a, port: 1, filters: [";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"filters: [" + redirect_prefix + "]", ""},
      {"filters: [" + redirect_prefix + "], " + exact,
       "spec.rules[0]: When using RequestRedirect filter with path.replacePrefixMatch"},
      {"filters: [" + rewrite_prefix + "], " + exact,
       "spec.rules[0]: When using URLRewrite filter with path.replacePrefixMatch"},
      {"filters: [" + rewrite_prefix + "], matches: [{}, {}]",
       "spec.rules[0]: When using URLRewrite filter with path.replacePrefixMatch"},
      {backend + redirect_prefix + "]}], " + exact,
       "spec.rules[0]: Within backendRefs, when using RequestRedirect"},
      {backend + rewrite_prefix + "]}], " + exact,
       "spec.rules[0]: Within backendRefs, When using URLRewrite"},
      {"filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: a, port: 1}]",
       "spec.rules[0]: RequestRedirect filter must not be used together with backendRefs"},
      {"backendRefs: [{name: a}]", "spec.rules[0].backendRefs[0]: Must have port for Service"},
      {"backendRefs: [{name: a, group: gateway.kgateway.dev, kind: Backend}]", ""},
      {"backendRefs: [{name: a, port: 1, group: gateway.networking.x-k8s.io, kind: XBackend}]",
       "spec.rules[0].backendRefs[0]: Must not have port for Backend reference"},
      {"backendRefs: [{name: a, port: 1, weight: 1000001}]",
       "spec.rules[0].backendRefs[0].weight: Invalid value"},
      {"timeouts: {request: 1s, backendRequest: 2s}",
       "spec.rules[0].timeouts: backendRequest timeout cannot be longer"},
      {"timeouts: {request: 0s, backendRequest: 2s}", ""},
      {"timeouts: {request: 1d}", "spec.rules[0].timeouts.request: Invalid value: \"1d\""},
      {"retry: {codes: [399]}", "spec.rules[0].retry.codes[0]: Invalid value: 399"},
      {"retry: {codes: [500, 500]}", "spec.rules[0].retry.codes[1]: Duplicate value: 500"},
      {"retry: {attempts: -1}", "spec.rules[0].retry.attempts: Invalid value: -1"}};
  for (const auto& [rule, problem] : cases) {
    check(kV1, "HTTPRoute", {{"rules: [{" + rule + "}]", problem}});
  }
}

TEST(HttpRoute, ChecksSessionPersistence) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{cookie: {}}", ""},
      {"{type: Header, header: {name: a}}", ""},
      {"{sessionName: old, type: Cookie, cookieConfig: {lifetimeType: Session}, idleTimeout: 1m}",
       ""},
      {"{cookie: {lifetimeType: Permanent}}", ": AbsoluteTimeout must be specified"},
      {"{type: Header, header: {name: a}, cookie: {}}", ": cookie must be nil"},
      {"{type: Cookie}", ""},
      {"{idleTimeout: 1m}", ""},
      {"{type: Cookie, cookie: {}, header: {name: a}}", ": header must be nil"},
      {"{type: Header}", ""}};
  for (const auto& [text, problem] : cases) {
    const std::string full = problem.empty() ? "" : "spec.rules[0].sessionPersistence" + problem;
    check(kV1, "HTTPRoute", {{"rules: [{sessionPersistence: " + text + "}]", full}});
    check(kV1, "GRPCRoute", {{"rules: [{sessionPersistence: " + text + "}]", full}});
  }
}

TEST(GrpcRoute, ChecksItsOwnRules) {
  const std::string m43 = "{matches: [" + repeated("{}", 43) + "]}";
  const std::string many = "rules: [" + repeated(m43, 3) + "]";
  check(
      kV1, "GRPCRoute",
      {{"", ""},
       {"rules: [{matches: [{method: {service: a.B, method: C}, headers: [{name: a, value: 'ü'}]}],"
        " filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a]}}],"
        " backendRefs: [{name: a, port: 1}]}]",
        ""},
       {"rules: [{matches: [{method: {}}]}]",
        "spec.rules[0].matches[0].method: One or both of 'service' or 'method'"},
       {"rules: [{matches: [{method: {service: a/b}}]}]",
        "spec.rules[0].matches[0].method: service must only contain valid characters"},
       {"rules: [{matches: [{method: {method: a.b}}]}]",
        "spec.rules[0].matches[0].method: method must only contain valid characters"},
       {"rules: [{matches: [{method: {type: RegularExpression, method: a.b}}]}]", ""},
       {"rules: [{filters: [{type: URLRewrite}]}]",
        "spec.rules[0].filters[0].type: Unsupported value: \"URLRewrite\""},
       {"rules: [{filters: [{type: ExtensionRef}]}]",
        "spec.rules[0].filters[0]: filter.extensionRef must be specified"},
       {"rules: [{name: a}, {name: a}]", "spec.rules: Rule name must be unique"},
       {many, "spec.rules: While 16 rules"},
       {"rules: [{timeouts: {}}]", "spec.rules[0].timeouts: unknown field"}});
}

TEST(TlsRoute, ChecksHostnamesAndRules) {
  const std::string rule = "rules: [{backendRefs: [{name: a, port: 1}]}]";
  const std::string two =
      "rules: [{backendRefs: [{name: a, port: 1}]}, "
      "{backendRefs: [{name: a, port: 1}]}]";
  const std::string named =
      "rules: [{name: m, backendRefs: [{name: a, port: 1}]}, "
      "{name: m, backendRefs: [{name: a, port: 1}]}]";
  check(kV1, "TLSRoute",
        {{"hostnames: [a.example, '*.b.example'], " + rule, ""},
         {rule, "spec.hostnames: Required value"},
         {"hostnames: [1.2.3.4], " + rule, "spec.hostnames: Hostnames cannot contain an IP"},
         {"hostnames: ['a*.x'], " + rule, "spec.hostnames[0]: Invalid value"},
         {"hostnames: [a.x], " + two, "spec.rules: Too many: 2"},
         {"hostnames: [a.x], rules: [{}]", "spec.rules[0].backendRefs: Required value"},
         {"hostnames: [a.x]", "spec.rules: Required value"}});
  check("gateway.networking.k8s.io/v1alpha2", "TLSRoute",
        {{two, ""}, {named, "spec.rules: Rule name must be unique"}});
  check("gateway.networking.k8s.io/v1alpha3", "TLSRoute", {{rule, "spec.hostnames: Required"}});
}

TEST(StreamRoutes, AreTcpAndUdp) {
  for (const std::string_view kind : {"TCPRoute", "UDPRoute"}) {
    check(
        kV1, kind,
        {{"parentRefs: [{name: gw, sectionName: s}], rules: [{backendRefs: [{name: a, port: 1}]}]",
          ""},
         {"rules: [{backendRefs: []}]", "spec.rules[0].backendRefs: Invalid value: 0"},
         {"rules: [{backendRefs: [{name: a}]}]", "spec.rules[0].backendRefs[0]: Must have port"},
         {"hostnames: [a], rules: [{backendRefs: [{name: a, port: 1}]}]",
          "spec.hostnames: unknown field"}});
    check("gateway.networking.k8s.io/v1alpha2", kind,
          {{"rules: [{backendRefs: [{name: a, port: 1}]}, {backendRefs: [{name: b, port: 1}]}]",
            ""}});
  }
  const auto udp =
      expect_valid(manifest(kV1, "UDPRoute", "rules: [{backendRefs: [{name: a, port: 1}]}]"));
  EXPECT_EQ(udp->kind, Kind::kUdpRoute);
}

}  // namespace
}  // namespace kgw
