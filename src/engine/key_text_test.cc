#include "engine/key_text.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace elsewhere {

struct Member {
  std::string to_string() const { return "member"; }
};
struct Free {};
std::string to_string(const Free&) { return "free"; }
struct Own {
  std::string to_string() const { return "not this one"; }
};
std::string key_text(const Own&) { return "own"; }
enum class Port : uint16_t {};

}  // namespace elsewhere

namespace kgw::engine {
namespace {

TEST(KeyText, PrintsBuiltInTypes) {
  EXPECT_EQ(key_text(std::string("a b")), "a b");
  EXPECT_EQ(key_text(std::string_view("view")), "view");
  EXPECT_EQ(key_text(-3), "-3");
  EXPECT_EQ(key_text(uint64_t{1} << 63), "9223372036854775808");
  EXPECT_EQ(key_text(true), "true");
  EXPECT_EQ(key_text(elsewhere::Port{8080}), "8080");
}

TEST(KeyText, AsksTheTypeInOrder) {
  EXPECT_EQ(key_text(elsewhere::Member()), "member");
  EXPECT_EQ(key_text(elsewhere::Free()), "free");
  EXPECT_EQ(key_text(elsewhere::Own()), "own");
}

TEST(KeyText, PrintsComposites) {
  EXPECT_EQ(key_text(std::pair(1, std::string("x"))), "(1, x)");
  EXPECT_EQ(key_text(std::tuple(elsewhere::Own(), std::pair(1, 2), std::optional<int>())),
            "(own, (1, 2), -)");
}

}  // namespace
}  // namespace kgw::engine
