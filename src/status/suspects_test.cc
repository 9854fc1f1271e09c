#include "status/suspects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace kgw::status {
namespace {

using std::chrono::seconds;

// A proxy that refuses every version with a bad piece, and a publisher that obeys held(): it serves
// an object that is suspected as it was accepted last.
struct Rig {
  std::map<Name, Owner> wanted;
  std::set<Name> bad;
  std::set<Name> sent, served;  // pieces in the present and in the last accepted version
  std::map<Name, std::set<Name>> shown, accepted;  // the same, by object
  Suspects suspects;
  Suspects::Time now;
  int versions = 0, refusals = 0;

  void want(const std::string& tenant, const std::string& object, const std::string& key) {
    wanted[Name(key)] = {Name(tenant), Name(object)};
  }
  void take(const std::string& key) {
    wanted.erase(Name(key));
    suspects.withdrawn({Name(key)});
  }

  using Objects = std::map<Name, std::set<Name>>;
  // What is to be served of each object.
  Objects objects() const {
    Objects objects;
    std::set<Name> suspected;
    for (const auto& [key, owner] : wanted) {
      objects[owner.object];
      const auto held = suspects.held().find(key);
      if (held == suspects.held().end()) {
        objects[owner.object].insert(key);
      } else if (held->second.suspected) {
        suspected.insert(owner.object);
      }
    }
    for (const Name& object : suspected) {
      const auto before = accepted.find(object);
      objects[object] = before == accepted.end() ? std::set<Name>() : before->second;
    }
    return objects;
  }
  std::set<Name> pieces() const {
    std::set<Name> all;
    for (const auto& [object, keys] : objects()) all.insert(keys.begin(), keys.end());
    return all;
  }

  // As a commit does: what is new is shown first, and perhaps held back.
  void publish() {
    Suspects::Pieces added, restated;
    for (const Name& key : pieces()) {
      if (sent.contains(key) || !wanted.contains(key)) continue;
      (seen.insert(key).second ? added : restated).emplace(key, wanted.at(key));
    }
    suspects.restated(restated);
    suspects.published(added, now);
    shown = objects();
    sent = pieces();
    ++versions;
  }

  void answer() {
    if (std::ranges::any_of(sent, [&](const Name& key) { return bad.contains(key); })) {
      ++refusals;
      ASSERT_TRUE(suspects.rejected("no", now));
      return;
    }
    served = sent;
    accepted = shown;
    suspects.accepted(now);
  }

  // Until nothing changes any more, pauses included.
  void settle() {
    for (int guard = 0; guard < 10'000; ++guard) {
      publish();
      answer();
      if (pieces() != sent) continue;
      const auto next = suspects.next_release(now);
      if (!next) return;
      now = *next;
      suspects.advance(now);
    }
    FAIL() << "does not settle";
  }

  std::set<Name> seen;
};

TEST(Suspects, ServesTheInnocentAndConvictsTheCulprit) {
  Rig rig;
  for (int i = 0; i < 100; ++i) {
    rig.want("t", "object" + std::to_string(i), "rule" + std::to_string(i));
  }
  rig.bad = {"rule42"};
  rig.settle();
  EXPECT_EQ(rig.served.size(), 99u);
  ASSERT_EQ(rig.suspects.held().size(), 1u);
  EXPECT_TRUE(rig.suspects.held().at("rule42").convicted);
  EXPECT_LE(rig.versions, 20);
}

TEST(Suspects, ASingleSuspectIsConvictedAtOnce) {
  Rig rig;
  rig.want("t", "a", "a");
  rig.settle();
  rig.want("t", "b", "b");
  rig.bad = {"b"};
  rig.settle();
  EXPECT_EQ(rig.served, std::set<Name>{"a"});
  EXPECT_EQ(rig.versions, 3);
}

TEST(Suspects, OfAGuiltyObjectTheOtherPiecesAreServed) {
  Rig rig;
  for (int i = 0; i < 8; ++i) rig.want("t", "object", "rule" + std::to_string(i));
  rig.bad = {"rule2", "rule5"};
  rig.settle();
  EXPECT_EQ(rig.served.size(), 6u);
  EXPECT_EQ(rig.suspects.held().size(), 2u);
}

TEST(Suspects, MendedContentIsServed) {
  Rig rig;
  rig.want("t", "a", "a");
  rig.want("t", "b", "bad1");
  rig.bad = {"bad1"};
  rig.settle();
  rig.take("bad1");
  rig.want("t", "b", "good1");
  rig.settle();
  EXPECT_EQ(rig.served, (std::set<Name>{"a", "good1"}));
  EXPECT_TRUE(rig.suspects.held().empty());
}

TEST(Suspects, NobodyToSuspectIsSaid) {
  Suspects suspects;
  suspects.published({{"a", {"t", "a"}}}, {});
  suspects.accepted({});
  EXPECT_FALSE(suspects.rejected("no", {}));
}

// Whatever stands in a version that a proxy is asked about, the objects that are not tested are as
// they were.
TEST(Suspects, ASuspectIsServedAsItWasAcceptedLast) {
  Rig rig;
  rig.want("victim", "v", "v1");
  rig.settle();
  rig.take("v1");
  rig.want("victim", "v", "v2");
  rig.want("hostile", "h", "h1");
  rig.bad = {"h1"};
  rig.publish();
  rig.answer();  // refused: both are suspected
  EXPECT_TRUE(rig.suspects.held().at("v2").suspected);
  EXPECT_TRUE(rig.pieces().contains("v1"));
  EXPECT_FALSE(rig.pieces().contains("v2"));
  rig.settle();
  EXPECT_EQ(rig.served, std::set<Name>{"v2"});
}

TEST(Suspects, ATenantWithoutConvictionsDoesNotWaitForTheEndOfTheSearch) {
  Rig rig;
  rig.want("victim", "v", "v1");
  for (int i = 0; i < 64; ++i) {
    const std::string key = "h" + std::to_string(i);
    rig.want("hostile", key, key);
    rig.bad.insert(Name(key));
  }
  for (int i = 0; i < 6; ++i) {
    rig.publish();
    rig.answer();
  }
  EXPECT_TRUE(rig.served.contains("v1"));
  EXPECT_TRUE(rig.suspects.searching());
}

TEST(Suspects, WhatArrivesDuringATestIsNotMixedIn) {
  Rig rig;
  rig.want("hostile", "h1", "h1");
  rig.want("hostile", "h2", "h2");
  rig.bad = {"h1", "h2"};
  rig.publish();
  rig.answer();
  rig.publish();
  rig.answer();  // without both; the first is released
  rig.publish();
  rig.want("victim", "v", "v1");
  rig.publish();
  EXPECT_TRUE(rig.suspects.held().at("v1").suspected);
  EXPECT_TRUE(rig.suspects.held().at("v1").message.empty()) << "nobody refused it";
  EXPECT_FALSE(rig.sent.contains("v1"));
  rig.answer();  // the first is convicted
  rig.publish();
  rig.answer();  // accepted: the victim goes before the rest of the search
  rig.publish();
  EXPECT_EQ(rig.sent, std::set<Name>{"v1"});
}

TEST(Suspects, AConvictedTenantIsTestedAloneAfterPausesThatGrow) {
  Rig rig;
  std::vector<Suspects::Time::duration> pauses;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) rig.take("h" + std::to_string(i - 1));
    const std::string key = "h" + std::to_string(i);
    rig.want("hostile", "h", key);
    rig.bad.insert(Name(key));
    const Suspects::Time start = rig.now;
    rig.publish();
    EXPECT_EQ(rig.sent.contains(Name(key)), i == 0);
    // Others go on meanwhile, and are not held back.
    rig.want("victim", "v", "v" + std::to_string(i));
    rig.publish();
    EXPECT_TRUE(rig.sent.contains(Name("v" + std::to_string(i))));
    rig.settle();
    EXPECT_TRUE(rig.suspects.held().at(Name(key)).convicted);
    pauses.push_back(rig.now - start);
  }
  EXPECT_EQ(pauses[1], Suspects::kFirstPause);
  EXPECT_EQ(pauses[2], 2 * Suspects::kFirstPause);
  EXPECT_EQ(pauses[3], 4 * Suspects::kFirstPause);
  EXPECT_FALSE(rig.suspects.searching());
}

TEST(Suspects, GoodEditsEndTheSuspicion) {
  Rig rig;
  rig.want("t", "a", "bad");
  rig.bad = {"bad"};
  rig.settle();
  rig.take("bad");
  rig.want("t", "a", "good1");
  rig.settle();  // after a pause
  rig.take("good1");
  rig.want("t", "a", "good2");
  rig.publish();
  EXPECT_TRUE(rig.sent.contains("good2"));
}

// An object is released as a whole, or what is released of it would not be published.
TEST(Suspects, AnEditJoinsWhatWaitsOfItsObject) {
  Rig rig;
  rig.want("hostile", "h", "h1");
  rig.want("victim", "v", "v1");
  rig.want("victim", "v", "v2");
  rig.bad = {"h1"};
  rig.publish();
  rig.answer();
  rig.take("v1");
  rig.want("victim", "v", "v3");
  rig.settle();
  EXPECT_EQ(rig.served, (std::set<Name>{"v2", "v3"}));
}

TEST(Suspects, FindsExactlyTheCulpritsWhateverTheyAre) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    Rig rig;
    for (int step = 0; step < 5; ++step) {
      for (unsigned i = random() % 30; i > 0; --i) {
        const unsigned object = random() % 12;
        const std::string key = "s" + std::to_string(step) + "-" + std::to_string(i);
        rig.want("tenant" + std::to_string(object % 3), "object" + std::to_string(object), key);
        if (random() % 8 == 0) rig.bad.insert(Name(key));
      }
      // Some edits come while there is a search.
      for (unsigned i = random() % 3; i > 0; --i) {
        rig.publish();
        rig.answer();
      }
    }
    rig.settle();
    std::set<Name> good;
    for (const auto& [key, owner] : rig.wanted) {
      if (!rig.bad.contains(key)) good.insert(key);
    }
    ASSERT_EQ(rig.served, good) << "seed " << seed;
    ASSERT_EQ(rig.suspects.held().size(), rig.wanted.size() - good.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kgw::status
