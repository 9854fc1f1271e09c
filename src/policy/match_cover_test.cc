#include "policy/match_cover.h"

#include <gtest/gtest.h>

#include <deque>

#include "policy/test_route.h"

namespace kgw::policy {
namespace {

constexpr auto kExact = ValueMatchType::kExact;

BoundMatch bound(HttpRouteMatch spec) {
  return bind_one(rule({std::move(spec)}, {})).matches.at(0);
}

// Whether the first takes all of the second.
bool covers(HttpRouteMatch first, HttpRouteMatch second) {
  const BoundMatch a = bound(std::move(first)), b = bound(std::move(second));
  MatchCover cover;
  EXPECT_FALSE(cover.add(a));
  return cover.add(b) == 0u;
}

HttpRouteMatch with(HttpRouteMatch match, std::optional<std::string> method,
                    std::vector<NamedValueMatch> headers = {}) {
  match.method = std::move(method);
  match.headers = std::move(headers);
  return match;
}

TEST(MatchCover, EqualMatches) {
  const NamedValueMatch one{kExact, "x", "1"}, two{kExact, "y", "2"};
  EXPECT_TRUE(covers(exact("/a"), exact("/a")));
  EXPECT_TRUE(covers(regex("/a+"), regex("/a+")));
  EXPECT_TRUE(covers(prefix("/a"), prefix("/a/")));
  EXPECT_TRUE(covers(with(exact("/a"), {}, {one, two}), with(exact("/a"), {}, {two, one})));
  EXPECT_FALSE(covers(exact("/a"), exact("/b")));
  EXPECT_FALSE(covers(exact("/a"), prefix("/a")));
}

TEST(MatchCover, WiderPaths) {
  EXPECT_TRUE(covers(prefix("/a"), exact("/a")));
  EXPECT_TRUE(covers(prefix("/a"), exact("/a/b")));
  EXPECT_TRUE(covers(prefix("/a"), prefix("/a/b")));
  EXPECT_TRUE(covers(prefix("/"), prefix("/a")));
  EXPECT_TRUE(covers(prefix("/"), regex(".+")));
  EXPECT_TRUE(covers(prefix("/a"), regex("/a/[0-9]+")));
  EXPECT_FALSE(covers(prefix("/a"), regex("/a[0-9]+")));
  EXPECT_FALSE(covers(prefix("/a"), regex("/a/b|/c")));
  EXPECT_FALSE(covers(prefix("/a"), prefix("/ab")));
  EXPECT_FALSE(covers(prefix("/a/b"), prefix("/a")));
  EXPECT_FALSE(covers(exact("/a"), exact("/a/b")));
}

TEST(MatchCover, WideExpressions) {
  for (const char* all : {".*", "/.*", "^/.*$", "/(.*)", "(.*)"}) {
    EXPECT_TRUE(covers(regex(all), prefix("/"))) << all;
    EXPECT_TRUE(covers(regex(all), prefix("/a"))) << all;
    EXPECT_TRUE(covers(regex(all), regex("/x[0-9]"))) << all;
  }
  EXPECT_TRUE(covers(regex("/api/.*"), prefix("/api/v1")));
  EXPECT_TRUE(covers(regex("/api/.*"), exact("/api/")));
  EXPECT_TRUE(covers(regex("/api/.*"), regex("/api/v[0-9]")));
  EXPECT_TRUE(covers(regex("/api.*"), prefix("/api")));
  EXPECT_FALSE(covers(regex("/api/.*"), prefix("/api")));
  EXPECT_FALSE(covers(regex("/a.c/.*"), prefix("/a.c/d")));  // not taken apart
  EXPECT_FALSE(covers(regex("/.+"), prefix("/")));
  EXPECT_FALSE(covers(regex("/a|.*"), prefix("/b")));
}

TEST(MatchCover, OnlyWithoutFurtherConditions) {
  const NamedValueMatch one{kExact, "x", "1"}, two{kExact, "y", "2"};
  EXPECT_TRUE(covers(prefix("/a"), with(prefix("/a"), "GET", {one})));
  EXPECT_TRUE(covers(with(regex(".*"), "GET", {one}), with(prefix("/a"), "GET", {one, two})));
  EXPECT_FALSE(covers(with(regex(".*"), "GET"), prefix("/a")));
  EXPECT_FALSE(covers(with(regex(".*"), "GET"), with(prefix("/a"), "PUT")));
  EXPECT_FALSE(covers(with(regex(".*"), {}, {one}), with(prefix("/a"), {}, {two})));
  HttpRouteMatch query = regex(".*");
  query.query_params = {one};
  EXPECT_FALSE(covers(query, prefix("/a")));
}

// Thousands of matches of one path are compared by what they are, not one by one.
TEST(MatchCover, AnEqualMatchIsFoundAmongMany) {
  MatchCover cover;
  std::deque<BoundMatch> matches;
  for (int i = 0; i < 1000; ++i) {
    matches.push_back(bound(with(prefix("/"), {}, {{kExact, "x", std::to_string(i)}})));
    EXPECT_FALSE(cover.add(matches.back()));
  }
  EXPECT_EQ(cover.add(matches[3]), 3u);
}

}  // namespace
}  // namespace kgw::policy
