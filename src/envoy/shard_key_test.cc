// The hash here is the hash in Envoy: patterns are run by the library that Envoy runs them with.
#include "envoy/shard_key.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include <map>
#include <random>

namespace kgw::envoy {
namespace {

// Envoy's limit for patterns in CEL (source/extensions/filters/common/expr/evaluator.cc).
constexpr int kMaxProgram = 100;

std::vector<Layout> layouts() {
  std::vector<Layout> all;
  for (std::uint8_t label = 0; label <= kMaxLabel; ++label) all.push_back({true, label});
  return all;
}

// What the expression gives.
class Expression {
 public:
  explicit Expression(const Layout& layout) {
    for (const bool has_port : {false, true}) {
      for (const std::string& pattern : shard_patterns(layout, has_port)) {
        patterns_.push_back(std::make_unique<RE2>(pattern));
      }
    }
  }
  std::uint32_t operator()(const std::string& host) const {
    const std::size_t first = RE2::PartialMatch(host, std::string(kPortPattern)) ? kShardBits : 0;
    std::uint32_t shard = 0;
    for (std::size_t bit = 0; bit < kShardBits; ++bit) {
      if (!RE2::PartialMatch(host, *patterns_[first + bit])) shard |= 1U << bit;
    }
    return shard;
  }
  const std::vector<std::unique_ptr<RE2>>& patterns() const { return patterns_; }

 private:
  std::vector<std::unique_ptr<RE2>> patterns_;  // without a port, then with one
};

std::string random_label(std::mt19937& random) {
  constexpr std::string_view kChars = "abcdefghijklmnopqrstuvwxyz0123456789-_ABCXYZ";
  std::string label;
  for (unsigned i = 0; i <= random() % 12; ++i) label += kChars[random() % kChars.size()];
  return label;
}

std::string random_host(std::mt19937& random) {
  std::string host = random_label(random);
  for (unsigned i = 0; i < random() % 8; ++i) host += "." + random_label(random);
  switch (random() % 8) {
    case 0:
      return host + ":8080";
    case 1:
      return host + ".";
    case 2:
      return "[2001:db8::" + std::to_string(random() % 99) + "]:80";
    case 3:  // strange ones: still somewhere, and the same here
      for (unsigned i = 0; i <= random() % 3; ++i) {
        host.insert(random() % (host.size() + 1), 1, "%~[]:. @"[random() % 8]);
      }
      return host;
    default:
      return host;
  }
}

TEST(ShardKey, EnvoyTakesThePatterns) {
  for (const Layout& layout : layouts()) {
    const Expression expression(layout);
    ASSERT_EQ(expression.patterns().size(), 2 * kShardBits);
    for (const auto& pattern : expression.patterns()) {
      ASSERT_TRUE(pattern->ok()) << pattern->error();
      EXPECT_LE(pattern->ProgramSize(), kMaxProgram) << pattern->pattern();
    }
    EXPECT_THAT(shard_expression(layout), testing::Not(testing::HasSubstr("\\")));
  }
}

TEST(ShardKey, IsTheSameHereAndInEnvoy) {
  std::mt19937 random(1);
  for (const Layout& layout : layouts()) {
    const Expression expression(layout);
    for (int i = 0; i < 5000; ++i) {
      const std::string host = random_host(random);
      ASSERT_EQ(shard_of_request(layout, host), expression(host))
          << host << " " << int(layout.label);
    }
  }
}

// Whatever a table has for a host is in the shard to which the host goes.
TEST(ShardKey, AHostFindsItsWildcards) {
  std::mt19937 random(2);
  for (const Layout& layout : layouts()) {
    const Expression expression(layout);
    for (int i = 0; i < 5000; ++i) {
      std::string host = random_label(random);
      for (unsigned n = 0; n < random() % 8; ++n) host += "." + random_label(random);
      std::string lower = host;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const std::uint32_t goes_to = expression(host + (i % 2 == 0 ? "" : ":443"));
      EXPECT_EQ(shard_of(layout, lower), goes_to) << host;
      for (std::size_t dot = lower.find('.'); dot != std::string::npos;
           dot = lower.find('.', dot + 1)) {
        const std::uint32_t shard = shard_of(layout, "*" + lower.substr(dot));
        EXPECT_TRUE(shard == kEveryShard || shard == goes_to) << host << " *" << lower.substr(dot);
      }
      EXPECT_EQ(shard_of(layout, "*"), kEveryShard);
    }
  }
}

TEST(ShardKey, CasePortAndTrailingDotDoNotMatter) {
  const Layout whole{true, 0};
  for (const char* host : {"a-1.example.com", "A-1.Example.COM", "a-1.example.com:8443",
                           "a-1.example.com.", "a-1.example.com.:80"}) {
    EXPECT_EQ(shard_of_request(whole, host), shard_of(whole, "a-1.example.com")) << host;
  }
}

// As Envoy 1.40 was seen to match these against the domain *.t5.example.com.
TEST(ShardKey, AStrangeHostGoesWhereTheWildcardIsThatCoversIt) {
  const Layout third{true, 3};
  const Expression expression(third);
  const std::uint32_t shard = shard_of(third, "*.t5.example.com");
  for (const char* host :
       {"x:1.a.t5.example.com:80", "[::1].t5.example.com", "[::1].t5.example.com:80",
        "a.t5.example.com:", "a.t5.example.com:[", "u@a.t5.example.com", "u:p@a.t5.example.com:80",
        "..t5.example.com", "x.t6.example.com:1].t5.example.com", "a.t5.example.com:.x.y.z",
        "A.T5.Example.COM:http", "a.t6.example.com:1.a.t5.example.com:b.t7.example.com"}) {
    EXPECT_EQ(expression(host), shard) << host;
    EXPECT_EQ(shard_of_request(third, host), shard) << host;
  }
}

TEST(ShardKey, OnlyTheChosenLabelCounts) {
  const Layout third{true, 3};
  EXPECT_EQ(shard_of(third, "*.shop.example.com"), shard_of(third, "a.b.shop.example.org"));
  EXPECT_EQ(shard_of(third, "*.example.com"), kEveryShard);
  EXPECT_EQ(shard_of(third, "*.a.shop.example.com"), shard_of(third, "*.shop.example.com"));
  EXPECT_EQ(shard_of(third, "example.com"), kShards - 1);
}

TEST(ShardKey, OneShardTakesAll) {
  EXPECT_EQ(shard_of({}, "a.example.com"), 0u);
  EXPECT_EQ(shard_of({}, "*"), 0u);
}

std::string text(const char* format, int i) {
  char out[64];
  std::snprintf(out, sizeof out, format, i);
  return out;
}

// The largest shard, in multiples of an even share.
double crowding(const std::function<std::string(int)>& host, int hosts) {
  std::map<std::uint32_t, int> shards;
  int most = 0;
  for (int i = 0; i < hosts; ++i) most = std::max(most, ++shards[shard_of({true, 0}, host(i))]);
  return most * double{kShards} / hosts;
}

TEST(ShardKey, SpreadsNamesAsPeopleGiveThem) {
  std::mt19937 random(3);
  EXPECT_LT(crowding([](int i) { return text("app-%05d.example.com", i); }, 10'000), 2.5);
  EXPECT_LT(crowding([](int i) { return text("app-%d.example.com", i); }, 3'000), 2.5);
  EXPECT_LT(crowding([](int i) { return text("h%d.x.example.com", i); }, 10'000), 2.5);
  EXPECT_LT(
      crowding([](int i) { return text("t%d", i / 100) + text("-s%d.a.org", i % 100); }, 3'000),
      2.5);
  EXPECT_LT(crowding([&](int) { return text("%08x.apps.example.com", int(random())); }, 3'000), 2);
}

}  // namespace
}  // namespace kgw::envoy
