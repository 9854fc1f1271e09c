#include "policy/path_spelling.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

namespace kgw::policy {
namespace {

TEST(PathSpelling, OnlyUnreservedCharactersAreDecoded) {
  EXPECT_EQ(normal_path("/a%7Eb%7eb"), "/a~b~b");
  EXPECT_EQ(normal_path("/x%41y%2D%2e%5F%39"), "/xAy-._9");
  EXPECT_EQ(normal_path("/caf%c3%a9"), "/caf%C3%A9");
  EXPECT_EQ(normal_path("/%25%2b%3a%40%7b"), "/%25%2B%3A%40%7B");
  EXPECT_EQ(normal_path("/%2541"), "/%2541");  // decoded once only
  EXPECT_EQ(normal_path("/100%/%zz/%4"), "/100%/%zz/%4");
}

TEST(PathSpelling, SegmentsThatEnvoyResolves) {
  for (const char* path : {"/a//b", "/a/./b", "/a/../b", "/a/..", "/."}) {
    EXPECT_TRUE(check_segments(path)) << path;
  }
  for (const char* path : {"/", "/a/", "/.a", "/a..", "/..a/b"}) {
    EXPECT_FALSE(check_segments(path)) << path;
  }
  EXPECT_TRUE(check_segments(normal_path("/a/%2E%2e/b")));
}

bool takes(std::string_view literal, PathEnd end, std::string_view request) {
  const std::string path = normal_path(literal);
  const std::string regex = spelling_regex(path, end);
  return re2::RE2::FullMatch(re2::StringPiece(request.data(), request.size()), regex);
}

TEST(PathSpelling, HexDigitsOfEitherCaseAndLettersOfOne) {
  EXPECT_FALSE(has_spellings("/plain/a~b/%20%25"));
  ASSERT_TRUE(has_spellings("/caf%C3%A9"));
  for (const char* request : {"/caf%C3%A9", "/caf%c3%a9", "/caf%C3%a9", "/caf%c3%A9?Q=%2F/x"}) {
    EXPECT_TRUE(takes("/caf%c3%A9", PathEnd::kNothing, request)) << request;
  }
  for (const char* request : {"/Caf%C3%A9", "/caf%C3%A8", "/caf%C3%A9/", "/caf%C3%A9x"}) {
    EXPECT_FALSE(takes("/caf%C3%A9", PathEnd::kNothing, request)) << request;
  }
  EXPECT_TRUE(takes("/caf%C3%A9", PathEnd::kSegments, "/caf%c3%a9/\xff?x"));
  EXPECT_FALSE(takes("/caf%C3%A9", PathEnd::kSegments, "/caf%c3%a9s"));
  EXPECT_TRUE(takes("/a.%C3/", PathEnd::kAnything, "/a.%c3/b"));
  EXPECT_FALSE(takes("/a.%C3/", PathEnd::kAnything, "/ab%c3/b"));
}

TEST(PathSpelling, WithoutOtherLettersNoExpressionIsNeeded) {
  std::string chinese = "/";
  for (int i = 0; i < 40; ++i) chinese += "%E4%BD%A0";
  EXPECT_EQ(spelling_regex(chinese, PathEnd::kNothing), "");
  EXPECT_FALSE(takes_any_case(chinese, PathEnd::kNothing));
  EXPECT_TRUE(takes_any_case(chinese + "/a", PathEnd::kNothing));
  EXPECT_FALSE(takes_any_case("/a%C3", PathEnd::kNothing));
  EXPECT_FALSE(takes_any_case("/" + std::string(500, 'a'), PathEnd::kNothing));
}

TEST(PathSpelling, CertainBeginnings) {
  EXPECT_EQ(certain_beginning("/admin/(("), "/admin/");
  EXPECT_EQ(certain_beginning("^/admin[a"), "/admin");
  EXPECT_EQ(certain_beginning("/ab*(("), "/a");
  EXPECT_EQ(certain_beginning("/ab{2}(("), "/a");
  EXPECT_EQ(certain_beginning("/a?b"), "/");  // what "?" is depends on the type of the path
  EXPECT_EQ(certain_beginning("/a//b"), "/a/");
  EXPECT_EQ(certain_beginning("/v1.2/(("), "/v1");
  EXPECT_EQ(certain_beginning("/p%2Dq(("), "/p");
  EXPECT_EQ(certain_beginning("/" + std::string(100, 'a')).size(), 64u);
  for (const char* unusable : {"/a|((", "(?i)/a((", ".*((", "admin((", ""}) {
    EXPECT_EQ(certain_beginning(unusable), "") << unusable;
  }
}

}  // namespace
}  // namespace kgw::policy
