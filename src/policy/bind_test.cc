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
