#include "policy/bind.h"

#include <gmock/gmock.h>

#include "policy/test_route.h"

namespace kgw::policy {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Bind, ABrokenRuleLeavesItsSiblingsAlone) {
  const BoundRoute route = bind_all(
      {rule({prefix("/a")}, {backend("a")}),
       rule({prefix("/b")}, {backend("b")}, {request_headers({{{"Host", "x"}}, {}, {}})})});
  EXPECT_FALSE(route.rules[0].broken);
  EXPECT_EQ(route.rules[1].broken.reason, "UnsupportedValue");
  EXPECT_THAT(route.rules[1].broken.message,
              HasSubstr("spec.rules[1].filters[0].requestHeaderModifier.set[0]"));
  EXPECT_THAT(route.rules[1].matches, SizeIs(1));
  EXPECT_THAT(route.rules[1].backends, IsEmpty());
  EXPECT_FALSE(route.unaccepted);
  EXPECT_EQ(route.partially_invalid.reason, "UnsupportedValue");
  EXPECT_THAT(route.partially_invalid.message, HasSubstr("Replaced Rule (1)"));
  EXPECT_EQ(route.replaced.reason, "RouteRuleReplaced");
}

TEST(Bind, ARouteWithoutAUsableRuleIsNotAccepted) {
  const BoundRoute route = bind_all({rule({regex("(")}, {backend("a")})});
  EXPECT_TRUE(route.rules[0].dropped);
  EXPECT_THAT(route.rules[0].matches, IsEmpty());
  EXPECT_EQ(route.unaccepted.reason, "UnsupportedValue");
  EXPECT_THAT(route.unaccepted.message, HasSubstr("spec.rules[0].matches[0].path"));
  EXPECT_EQ(route.replaced.reason, "RouteRuleDropped");
  EXPECT_FALSE(route.partially_invalid);
}

TEST(Bind, EveryMistakeIsReportedWithItsField) {
  RequestRedirect redirect;
  redirect.status_code = 418;
  const BoundRoute route =
      bind_all({rule({prefix("/")}, {backend("missing-a"), backend("missing-b")},
                     {redirect_to(redirect), extension_filter()})});
  EXPECT_THAT(
      route.diagnostics,
      ElementsAre(Field(&Diagnostic::field, "spec.rules[0].filters[0].requestRedirect.statusCode"),
                  Field(&Diagnostic::field, "spec.rules[0].filters[1].extensionRef"),
                  Field(&Diagnostic::field, "spec.rules[0].backendRefs[0]"),
                  Field(&Diagnostic::field, "spec.rules[0].backendRefs[1]")));
}

TEST(Bind, UnresolvedBackendsDoNotBreakTheRule) {
  const BoundRoute route = bind_all({rule({prefix("/")}, {backend("missing"), backend("a")})});
  EXPECT_EQ(route.unresolved.reason, "BackendNotFound");
  EXPECT_FALSE(route.unaccepted);
  EXPECT_FALSE(route.rules[0].broken);
  EXPECT_THAT(route.rules[0].backends,
              ElementsAre(Field(&BoundBackend::valid, false), Field(&BoundBackend::valid, true)));
}

TEST(Bind, WeightZeroIsLeftOutButStillResolved) {
  const BoundRoute route = bind_all({rule({prefix("/")}, {backend("missing", 0), backend("a")})});
  EXPECT_THAT(route.rules[0].backends, SizeIs(1));
  EXPECT_EQ(route.unresolved.reason, "BackendNotFound");
}

TEST(Bind, FiltersThatExcludeEachOther) {
  const BoundRoute both =
      bind_all({rule({prefix("/")}, {}, {redirect_to({}), rewrite_to("example.org")})});
  EXPECT_EQ(both.unaccepted.reason, "IncompatibleFilters");
  const BoundRoute twice =
      bind_all({rule({prefix("/")}, {}, {rewrite_to("a.org"), rewrite_to("b.org")})});
  EXPECT_EQ(twice.unaccepted.reason, "IncompatibleFilters");
  EXPECT_FALSE(bind_all({rule({prefix("/")}, {}, {mirror_to("a"), mirror_to("b")})}).unaccepted);
}

TEST(Bind, RedirectCodesByAnnotation) {
  const auto codes = [](const std::string& annotation) {
    HttpRouteRule named = rule({prefix("/a")}, {}, {redirect_to({})});
    named.name = "one";
    HttpRoute route = http_route(
        {named, rule({prefix("/b")}, {}, {redirect_to({})}), rule({prefix("/c")}, {backend("a")})});
    route.metadata.annotations[kRedirectCodeAnnotation] = annotation;
    std::vector<std::uint32_t> result;
    for (const BoundRule& rule : bind_route(route, resolve_for_test).rules) {
      result.push_back(rule.redirect ? rule.redirect->status : 0);
    }
    return result;
  };
  EXPECT_THAT(codes("307"), ElementsAre(307, 307, 0));
  EXPECT_THAT(codes("one=308, other=301"), ElementsAre(308, 302, 0));
  EXPECT_THAT(codes("one=418"), ElementsAre(0, 302, 0));
  EXPECT_THAT(codes("moved"), ElementsAre(0, 0, 0));
}

TEST(Bind, RouteWeightsCountOnlyWhereTheyAreWanted) {
  HttpRoute route = http_route({rule({prefix("/a")}, {backend("a")})});
  route.metadata.annotations["kgateway.dev/route-weight"] = "-7";
  EXPECT_EQ(bind_route(route, resolve_for_test).weight, 0);
  EXPECT_EQ(bind_route(route, resolve_for_test, true).weight, -7);
  route.metadata.annotations["kgateway.dev/route-weight"] = "heavy";
  const BoundRoute bound = bind_route(route, resolve_for_test, true);
  EXPECT_EQ(bound.weight, 0);
  EXPECT_FALSE(bound.unaccepted);
  EXPECT_THAT(bound.warnings, HasSubstr("metadata.annotations[kgateway.dev/route-weight]"));
}

TEST(Bind, ASessionByHeaderDoesNotKeepItsBackend) {
  HttpRouteRule spec = rule({prefix("/a")}, {backend("a"), backend("b")});
  SessionPersistence session;
  session.type = "Header";
  spec.session_persistence = session;
  EXPECT_THAT(bind_all({spec}).warnings, HasSubstr("spec.rules[0].sessionPersistence.type"));
  spec.backend_refs.pop_back();
  EXPECT_EQ(bind_all({spec}).warnings, "");
}

HttpRouteRule with_session(HttpRouteRule spec, std::optional<std::string> name = {}) {
  SessionPersistence session;
  session.cookie = SessionCookie{std::move(name), "/", false};
  spec.session_persistence = session;
  return spec;
}

TEST(Bind, EachRuleHasASessionCookieOfItsOwn) {
  const HttpRouteRule a = with_session(rule({prefix("/a")}, {backend("s")}));
  const HttpRouteRule b = with_session(rule({prefix("/b")}, {backend("s")}));
  const BoundRoute route = bind_all({a, b});
  EXPECT_THAT(route.rules[0].session->name, testing::MatchesRegex("sessionPersistence-[0-9a-f]+"));
  EXPECT_NE(route.rules[0].session->name, route.rules[1].session->name);
  // Neither the position nor the backends of a rule change it.
  HttpRouteRule moved = a;
  moved.backend_refs = {backend("s", 0), backend("t")};
  EXPECT_EQ(bind_all({b, moved}).rules[1].session->name, route.rules[0].session->name);
  HttpRouteRule named = a;
  named.name = "one";
  HttpRouteRule elsewhere = named;
  elsewhere.matches = {prefix("/c")};
  EXPECT_EQ(bind_one(named).session->name, bind_one(elsewhere).session->name);
  EXPECT_NE(bind_one(named).session->name, bind_one(a).session->name);
  HttpRoute other = http_route({a});
  other.metadata.name = "other";
  EXPECT_NE(bind_route(other, resolve_for_test).rules[0].session->name, bind_one(a).session->name);
}

TEST(Bind, ASharedSessionNameIsReportedWhereBackendsDiffer) {
  const HttpRouteRule a = with_session(rule({prefix("/a")}, {backend("s")}), "id");
  const HttpRouteRule same = with_session(rule({prefix("/b")}, {backend("s")}), "id");
  const HttpRouteRule other = with_session(rule({prefix("/c")}, {backend("t")}), "id");
  EXPECT_EQ(bind_all({a, same}).warnings, "");
  EXPECT_THAT(bind_all({a, same, other}).warnings, HasSubstr("spec.rules[2].sessionPersistence"));
}

TEST(Bind, AnAbsoluteTimeoutWithoutEffectIsReported) {
  HttpRouteRule spec = with_session(rule({prefix("/a")}, {backend("s")}));
  spec.session_persistence->absolute_timeout = Duration{1000};
  EXPECT_THAT(bind_all({spec}).warnings,
              HasSubstr("spec.rules[0].sessionPersistence.absoluteTimeout"));
  spec.session_persistence->cookie->permanent = true;
  EXPECT_EQ(bind_all({spec}).warnings, "");
}

TEST(Bind, ABackendOfWeightZeroIsKeptWhereItMayHaveSessions) {
  const HttpRouteRule spec =
      with_session(rule({prefix("/a")}, {backend("s", 0), backend("missing", 0), backend("t")}));
  EXPECT_THAT(bind_one(spec).backends,
              ElementsAre(Field(&BoundBackend::weight, 0), Field(&BoundBackend::weight, 1)));
}

TEST(Bind, WhatHasNoEffectOnARedirectIsReported) {
  HttpRouteRule spec = rule({prefix("/a")}, {},
                            {mirror_to("m"), request_headers({{{"x", "1"}}, {}, {}}),
                             response_headers({{{"y", "1"}}, {}, {}}), redirect_to({})});
  spec.timeouts = RouteTimeouts{Duration{1000}, {}};
  spec.retry = RouteRetry{};
  spec.session_persistence = SessionPersistence{};
  const BoundRoute route = bind_all({spec});
  EXPECT_FALSE(route.unaccepted);
  EXPECT_THAT(route.diagnostics,
              ElementsAre(Field(&Diagnostic::field, "spec.rules[0].filters[0]"),
                          Field(&Diagnostic::field, "spec.rules[0].filters[1]"),
                          Field(&Diagnostic::field, "spec.rules[0].sessionPersistence"),
                          Field(&Diagnostic::field, "spec.rules[0].timeouts"),
                          Field(&Diagnostic::field, "spec.rules[0].retry")));
  EXPECT_THAT(route.rules[0].actions->mirrors, IsEmpty());
}

TEST(Bind, AMirrorOfNothingIsReported) {
  const auto warnings = [](std::vector<RouteBackendRef> refs) {
    return bind_all({rule({prefix("/a")}, std::move(refs), {mirror_to("m")})}).warnings;
  };
  EXPECT_THAT(warnings({backend("missing")}), HasSubstr("spec.rules[0].filters[0]"));
  EXPECT_THAT(warnings({}), HasSubstr("spec.rules[0].filters[0]"));
  EXPECT_EQ(warnings({backend("missing"), backend("a")}), "");
}

// They would corrupt the connection, which other requests share, or Envoy would write them again.
TEST(Bind, EditsOfHeadersOfTheConnectionAreLeftOutAndReported) {
  for (const char* name : {"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection",
                           "Transfer-Encoding", "Upgrade"}) {
    const HeaderModifier edit{{{name, "1"}, {"x", "1"}}, {{name, "1"}}, {}};
    const BoundRoute route = bind_all(
        {rule({prefix("/a")}, {backend("a")}, {request_headers(edit), response_headers(edit)})});
    EXPECT_FALSE(route.unaccepted);
    EXPECT_THAT(route.diagnostics, SizeIs(4)) << name;
    EXPECT_THAT(route.rules[0].actions->request.put, SizeIs(1)) << name;
    EXPECT_THAT(route.rules[0].actions->response.put, SizeIs(1)) << name;
  }
  const HeaderModifier removal{{}, {}, {"Date", "transfer-encoding", "content-length", "server"}};
  EXPECT_THAT(
      bind_all({rule({prefix("/a")}, {backend("a")},
                     {request_headers(removal), response_headers(removal)})})
          .diagnostics,
      ElementsAre(
          Field(&Diagnostic::field, "spec.rules[0].filters[0].requestHeaderModifier.remove[1]"),
          Field(&Diagnostic::field, "spec.rules[0].filters[1].responseHeaderModifier.remove[0]"),
          Field(&Diagnostic::field, "spec.rules[0].filters[1].responseHeaderModifier.remove[1]")));
}

TEST(Bind, ABackOffHasNoLowerBound) {
  HttpRouteRule spec = rule({prefix("/a")}, {backend("a")});
  spec.retry = RouteRetry{{503}, 2, Duration{100}};
  EXPECT_THAT(bind_all({spec}).warnings, HasSubstr("spec.rules[0].retry.backoff"));
  spec.retry->backoff.reset();
  EXPECT_EQ(bind_all({spec}).warnings, "");
}

TEST(Bind, APrefixIsReplacedOnlyWhereOneIsMatched) {
  const RouteFilter filter = rewrite_to({}, replace_prefix("/x"));
  EXPECT_TRUE(bind_one(rule({prefix("/a"), exact("/b")}, {backend("a")}, {filter})).broken);
  EXPECT_TRUE(bind_one(rule({exact("/b")}, {backend("a", 1, {filter})})).broken);
  EXPECT_FALSE(bind_one(rule({prefix("/a"), prefix("/b")}, {backend("a")}, {filter})).broken);
}

TEST(Bind, AnExtensionNobodyKnowsBreaksTheRule) {
  EXPECT_TRUE(bind_one(rule({prefix("/")}, {backend("a")}, {extension_filter()})).broken);
  EXPECT_TRUE(bind_one(rule({prefix("/")}, {backend("a", 1, {extension_filter()})})).broken);
}

TEST(Bind, AnAuthorizationServerMustResolve) {
  ExternalAuthFilter spec;
  spec.protocol = "GRPC";
  spec.backend_ref = to_service("missing-auth");
  const BoundRoute route = bind_all({rule({prefix("/")}, {backend("a")}, {auth_filter(spec)})});
  EXPECT_EQ(route.unresolved.reason, "BackendNotFound");
  EXPECT_TRUE(route.rules[0].broken);
}

TEST(Bind, AMirrorThatDoesNotResolveIsLeftOut) {
  const BoundRoute route = bind_all({rule({prefix("/")}, {backend("a")}, {mirror_to("missing")})});
  EXPECT_EQ(route.unresolved.reason, "BackendNotFound");
  EXPECT_FALSE(route.rules[0].broken);
  EXPECT_FALSE(route.rules[0].actions);
}

TEST(Bind, ARouteWithoutRulesTakesEveryRequestAndHasNoBackend) {
  const BoundRoute route = bind_all({});
  ASSERT_THAT(route.rules, SizeIs(1));
  EXPECT_THAT(route.rules[0].matches, SizeIs(1));
  EXPECT_THAT(route.rules[0].backends, IsEmpty());
  EXPECT_FALSE(route.unaccepted);
}

TEST(Bind, StreamRoutesKeepTheShareOfBrokenBackends) {
  StreamRoute route(Kind::kTcpRoute);
  route.rules.push_back({{}, {backend("a", 70), backend("missing", 30), backend("c", 0)}});
  const BoundStreamRoute bound = bind_route(route, resolve_for_test);
  ASSERT_THAT(bound.backends, SizeIs(2));
  EXPECT_TRUE(bound.backends[0].valid);
  EXPECT_FALSE(bound.backends[1].valid);
  EXPECT_EQ(bound.unresolved.reason, "BackendNotFound");
}

}  // namespace
}  // namespace kgw::policy
