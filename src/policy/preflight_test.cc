#include "policy/preflight.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include <algorithm>

#include "policy/test_route.h"

namespace kgw::policy {
namespace {

using testing::Contains;
using testing::Not;

constexpr auto kExact = ValueMatchType::kExact;
constexpr auto kRegex = ValueMatchType::kRegularExpression;
constexpr const char* kMethod = "access-control-request-method";
constexpr const char* kHeaders = "access-control-request-headers";

BoundMatch match(std::string method, std::vector<NamedValueMatch> headers) {
  BoundMatch match;
  match.path = "/a";
  match.method = std::move(method);
  match.headers = std::move(headers);
  match.query = {{kExact, "q", "1"}};
  return match;
}

std::vector<BoundMatch> none() { return {}; }

TEST(Preflight, NoneWhereTheMatchTakesThemItself) {
  EXPECT_EQ(preflights_of(match("", {})), none());
  EXPECT_EQ(preflights_of(match("OPTIONS", {})), none());
  EXPECT_EQ(preflights_of(match("", {{kExact, "origin", "https://a.test"}})), none());
}

TEST(Preflight, OfAMethodAnnouncesIt) {
  const auto found = preflights_of(match("PUT", {}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].method, "OPTIONS");
  EXPECT_EQ(found[0].path, "/a");
  EXPECT_EQ(found[0].query, match("PUT", {}).query);
  EXPECT_EQ(found[0].headers,
            (std::vector<NamedValueMatch>{{kRegex, "origin", "\\C+"}, {kExact, kMethod, "PUT"}}));
}

TEST(Preflight, OfHeadersAnnouncesTheirNames) {
  const auto found = preflights_of(match("", {{kExact, "x-v", "1"}, {kExact, "cookie", "a"}}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].headers, Contains(NamedValueMatch{kRegex, kMethod, "\\C+"}));
  const auto names = std::ranges::find(found[0].headers, kHeaders, &NamedValueMatch::name);
  ASSERT_NE(names, found[0].headers.end());
  EXPECT_EQ(found[0].headers.size(), 3u);  // a cookie is not announced
  for (const char* list : {"x-v", "X-V", "a,x-v", "a, x-v ,b"}) {
    EXPECT_TRUE(re2::RE2::FullMatch(list, names->value)) << list;
  }
  for (const char* list : {"", "x-v2", "a-x-v", "x-v-a,b"}) {
    EXPECT_FALSE(re2::RE2::FullMatch(list, names->value)) << list;
  }
}

// A proxy in front may add the header to preflights too.
TEST(Preflight, OfMethodAndHeadersComesInTwoForms) {
  const NamedValueMatch header{kExact, "x-v", "1"};
  const auto found = preflights_of(match("GET", {header}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].headers, Contains(header));
  EXPECT_THAT(found[1].headers, Not(Contains(header)));
}

TEST(Preflight, StandsBehindMatchesOfOptionsAndBeforeThoseOfAnyMethod) {
  const auto get = match("GET", {});
  const auto header = match("", {{kExact, "x", "1"}});
  EXPECT_LT(specificity(match("OPTIONS", {})), preflight_specificity(get));
  EXPECT_LT(preflight_specificity(get), preflight_specificity(header));  // as GET, header
  EXPECT_LT(preflight_specificity(header), specificity(header));
  EXPECT_LT(preflight_specificity(header), specificity(match("", {})));
  BoundMatch longer = match("", {});
  longer.path = "/a/b";
  EXPECT_LT(specificity(longer), preflight_specificity(get));
}

}  // namespace
}  // namespace kgw::policy
