#include "attach/hostname.h"

#include <gtest/gtest.h>

namespace kgw::attach {
namespace {

TEST(Hostname, IsComparedInLowerCase) {
  EXPECT_EQ(normal_hostname("A.Example.COM"), Name("a.example.com"));
  EXPECT_EQ(normal_hostname("*"), Name());
}

TEST(Hostname, WildcardCoversAnyNumberOfLabelsButNotNone) {
  EXPECT_TRUE(covers("*.example.com", "a.example.com"));
  EXPECT_TRUE(covers("*.example.com", "a.b.example.com"));
  EXPECT_TRUE(covers("*.com", "*.example.com"));
  EXPECT_TRUE(covers("", "a.example.com"));
  EXPECT_TRUE(covers("*.example.com", "*.example.com"));
  EXPECT_FALSE(covers("*.example.com", "example.com"));
  EXPECT_FALSE(covers("*.example.com", "badexample.com"));
  EXPECT_FALSE(covers("*.example.com", "*.com"));
  EXPECT_FALSE(covers("a.example.com", "*.example.com"));
  EXPECT_FALSE(covers("a.example.com", ""));
}

TEST(Hostname, IntersectionIsTheMoreSpecificOfTheTwo) {
  const auto both_ways = [](const char* a, const char* b) {
    EXPECT_EQ(intersect(Name(a), Name(b)), intersect(Name(b), Name(a)));
    return intersect(Name(a), Name(b));
  };
  EXPECT_EQ(both_ways("*.example.com", "a.example.com"), Name("a.example.com"));
  EXPECT_EQ(both_ways("*.com", "*.example.com"), Name("*.example.com"));
  EXPECT_EQ(both_ways("", "*.example.com"), Name("*.example.com"));
  EXPECT_EQ(both_ways("", ""), Name());
  EXPECT_EQ(both_ways("*.example.com", "*.example.org"), std::nullopt);
  EXPECT_EQ(both_ways("a.example.com", "b.example.com"), std::nullopt);
}

TEST(Hostname, WidensStepByStepToEveryHost) {
  EXPECT_EQ(wider("a.b.c"), "*.b.c");
  EXPECT_EQ(wider("*.b.c"), "*.c");
  EXPECT_EQ(wider("*.c"), "");
  EXPECT_EQ(wider("localhost"), "");
}

TEST(Hostname, SpecificityPutsExactNamesBeforeLongWildcards) {
  EXPECT_TRUE(more_specific("a.com", "*.example.com"));
  EXPECT_TRUE(more_specific("*.b.example.com", "*.example.com"));
  EXPECT_TRUE(more_specific("*.com", ""));
  EXPECT_FALSE(more_specific("", "*.com"));
  EXPECT_FALSE(more_specific("*.com", "a.com"));
}

}  // namespace
}  // namespace kgw::attach
