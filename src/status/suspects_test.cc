#include "status/suspects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace kgw::status {
namespace {

// A proxy that refuses every version with a bad piece, and a publisher that obeys held().
struct Rig {
  std::set<Name> wanted;
  std::set<Name> bad;
  std::set<Name> served;  // in the last accepted version
  std::set<Name> sent;
  Suspects suspects;
  int versions = 0;

  // Publishes what is wanted and not held until nothing changes any more.
  void settle() {
    for (int guard = 0; guard < 10'000; ++guard) {
      std::set<Name> now;
      for (const Name& key : wanted) {
        if (!suspects.held().contains(key)) now.insert(key);
      }
      if (now == sent) return;
      std::vector<Name> added;
      std::ranges::set_difference(now, sent, std::back_inserter(added));
      sent = now;
      suspects.published(added);
      ++versions;
      const bool refused =
          std::ranges::any_of(now, [&](const Name& key) { return bad.contains(key); });
      if (refused) {
        ASSERT_TRUE(suspects.rejected("no"));
      } else {
        served = now;
        suspects.accepted();
      }
    }
    FAIL() << "does not settle";
  }
};

TEST(Suspects, ServesTheInnocentAndConvictsTheCulprit) {
  Rig rig;
  for (int i = 0; i < 100; ++i) rig.wanted.insert(Name("rule" + std::to_string(i)));
  rig.bad = {"rule42"};
  rig.settle();
  EXPECT_EQ(rig.served.size(), 99u);
  EXPECT_EQ(rig.suspects.held().size(), 1u);
  EXPECT_TRUE(rig.suspects.held().contains("rule42"));
  EXPECT_LE(rig.versions, 20);
}

TEST(Suspects, ASingleSuspectIsConvictedAtOnce) {
  Rig rig;
  rig.wanted = {"a"};
  rig.settle();
  rig.wanted = {"a", "b"};
  rig.bad = {"b"};
  rig.settle();
  EXPECT_EQ(rig.served, std::set<Name>{"a"});
  EXPECT_EQ(rig.versions, 3);
}

TEST(Suspects, MendedContentIsServed) {
  Rig rig;
  rig.wanted = {"a", "bad1"};
  rig.bad = {"bad1"};
  rig.settle();
  rig.wanted = {"a", "good1"};
  rig.suspects.withdrawn({"bad1"});
  rig.settle();
  EXPECT_EQ(rig.served, (std::set<Name>{"a", "good1"}));
  EXPECT_TRUE(rig.suspects.held().empty());
}

TEST(Suspects, NobodyToSuspectIsSaid) {
  Suspects suspects;
  suspects.published({"a"});
  suspects.accepted();
  EXPECT_FALSE(suspects.rejected("no"));
}

TEST(Suspects, FindsExactlyTheCulpritsWhateverTheyAre) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    Rig rig;
    for (int step = 0; step < 5; ++step) {
      for (unsigned i = random() % 30; i > 0; --i) {
        Name key("s" + std::to_string(step) + "-" + std::to_string(i));
        rig.wanted.insert(key);
        if (random() % 8 == 0) rig.bad.insert(key);
      }
      rig.settle();
      std::set<Name> good;
      std::ranges::set_difference(rig.wanted, rig.bad, std::inserter(good, good.end()));
      ASSERT_EQ(rig.served, good) << "seed " << seed;
      ASSERT_EQ(rig.suspects.held().size(), rig.wanted.size() - good.size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace kgw::status
