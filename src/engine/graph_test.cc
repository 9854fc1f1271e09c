#include "engine/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::engine {
namespace {

using testing::ElementsAre;
using Key = std::string;

std::optional<int> copy(const Key&, const int& value, Read&) { return value; }

// in -> left, half -> join, with the join reading both sides and the input.
struct Diamond {
  Graph g;
  Input<Key, int>& in = g.input<Key, int>("in");
  Derived<Key, int>& left = g.derived<Key, int>("left").from(in, copy);
  Derived<Key, int>& half = g.derived<Key, int>("half").from(
      in, [](const Key&, const int& value, Read&) { return value / 2; });
  int join_runs = 0;
  bool torn = false;
  Derived<Key, int>& join =
      g.derived<Key, int>("join").from(left, [this](const Key& key, const int& value, Read& read) {
        ++join_runs;
        torn |= *read.get(half, key) != value / 2 || *read.get(in, key) != value;
        return value + *read.get(half, key);
      });
};

TEST(Commit, DiamondIsComputedOncePerCommitFromOneState) {
  Diamond d;
  for (int i = 1; i <= 5; ++i) {
    d.in.set("a", i * 10);
    const CommitStats stats = d.g.commit();
    EXPECT_EQ(d.join_runs, i);
    EXPECT_EQ(stats, (CommitStats{.inputs_changed = 1, .recomputed = 3, .changed = 3}));
    EXPECT_EQ(*d.join.find("a"), i * 15);
  }
  EXPECT_FALSE(d.torn);
}

TEST(Commit, StopsWhereTheResultIsEqual) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  auto& parity =
      g.derived<Key, int>("parity").from(in, [](const Key&, const int& v, Read&) { return v % 2; });
  int runs = 0, calls = 0;
  auto& after = g.derived<Key, int>("after").from(parity, [&](const Key&, const int& v, Read&) {
    ++runs;
    return v;
  });
  g.watch(parity, [&](auto) { ++calls; });
  g.watch(after, [&](auto) { ++calls; });
  in.set("a", 1);
  g.commit();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(calls, 2);
  in.set("a", 3);
  EXPECT_EQ(g.commit(), (CommitStats{.inputs_changed = 1, .recomputed = 1, .cut_off = 1}));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(calls, 2);
  in.set("a", 4);
  g.commit();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(calls, 4);
}

TEST(Commit, ReadsMayChangeFromRunToRun) {
  Graph g;
  auto& pointer = g.input<Key, Key>("pointer");
  auto& value = g.input<Key, int>("value");
  int runs = 0;
  auto& followed =
      g.derived<Key, int>("followed")
          .from(pointer, [&](const Key&, const Key& first, Read& read) -> std::optional<int> {
            ++runs;
            Key at = first;
            while (const Key* next = read.get(pointer, at)) at = *next;
            const int* found = read.get(value, at);
            return found ? std::optional(*found) : std::nullopt;
          });
  pointer.set("start", "x");
  value.set("x", 1);
  value.set("z", 26);
  g.commit();
  EXPECT_EQ(*followed.find("start"), 1);
  pointer.set("x", "y");
  g.commit();
  EXPECT_EQ(followed.find("start"), nullptr);
  pointer.set("y", "z");
  g.commit();
  EXPECT_EQ(*followed.find("start"), 26);
  runs = 0;
  value.set("x", 2);  // read once, no longer
  g.commit();
  EXPECT_EQ(runs, 0);
  pointer.erase("x");
  g.commit();
  EXPECT_EQ(*followed.find("start"), 2);
  runs = 0;
  value.set("z", 27);
  g.commit();
  EXPECT_EQ(runs, 1) << "only y -> z reads it now";
}

TEST(Commit, EntryReappearsWithAFreshDependency) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  auto& other = g.input<Key, int>("other");
  auto& out = g.derived<Key, int>("out").from(in, [&](const Key& key, const int& v, Read& read) {
    const int* o = read.get(other, key);
    return v + (o ? *o : 0);
  });
  in.set("a", 1);
  g.commit();
  in.erase("a");
  other.set("a", 10);
  EXPECT_EQ(g.commit().recomputed, 0u);
  EXPECT_EQ(out.find("a"), nullptr);
  in.set("a", 2);
  g.commit();
  EXPECT_EQ(*out.find("a"), 12);
  other.set("a", 20);
  g.commit();
  EXPECT_EQ(*out.find("a"), 22);
}

TEST(Commit, WatchersRunAfterAllTablesInTableOrderAndMaySetInputs) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  auto& acked = g.input<Key, int>("acked");
  auto& out = g.derived<Key, int>("out").from(in, copy);
  std::vector<std::string> calls;
  g.watch(out, [&](auto changes) {
    calls.push_back("out");
    for (const auto& change : changes) acked.set(change.key, *change.after);
  });
  g.watch(in, [&](auto) {
    calls.push_back("in");
    EXPECT_EQ(*out.find("a"), 1) << "watcher before the tables settled";
  });
  g.watch(in, [&](auto) { calls.push_back("in again"); });
  in.set("a", 1);
  g.commit();
  EXPECT_THAT(calls, ElementsAre("in", "in again", "out"));
  EXPECT_EQ(acked.find("a"), nullptr);
  g.commit();
  EXPECT_EQ(*acked.find("a"), 1);
}

TEST(Commit, WatcherAddedLaterSeesLaterChanges) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  in.set("a", 1);
  g.commit();
  std::vector<Key> keys;
  g.watch(in, [&](auto changes) {
    for (const auto& change : changes) keys.push_back(change.key);
  });
  in.set("b", 1);
  g.commit();
  EXPECT_THAT(keys, ElementsAre("b"));
}

TEST(Commit, WatcherAddedByAWatcherWaitsForTheNextCommit) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  int calls = 0;
  g.watch(in, [&, self = std::string(100, 'x')](auto) {
    for (int i = 0; i < 10; ++i) g.watch(in, [&](auto) { ++calls; });
    EXPECT_EQ(self, std::string(100, 'x')) << "moved while it ran";
  });
  in.set("a", 1);
  g.commit();
  EXPECT_EQ(calls, 0);
  in.set("a", 2);
  g.commit();
  EXPECT_EQ(calls, 10);
}

TEST(Commit, TraceTellsEachRunInOrder) {
  Diamond d;
  std::vector<std::string> events;
  d.g.set_trace([&](const TraceEvent& event) {
    events.push_back(std::string(event.table) + " " + event.key + (event.changed ? "!" : ""));
  });
  d.in.set("b", 2);
  d.in.set("a", 2);
  d.g.commit();
  EXPECT_THAT(events, ElementsAre("in a!", "in b!", "left a!", "left b!", "half a!", "half b!",
                                  "join a!", "join b!"));
  events.clear();
  d.in.set("a", 3);
  d.g.commit();
  EXPECT_THAT(events, ElementsAre("in a!", "left a!", "half a", "join a!"));
  events.clear();
  d.in.erase("b");
  d.g.commit();
  EXPECT_THAT(events, ElementsAre("in b!", "left b!", "half b!", "join b!"));
}

TEST(Feeds, KeyMayMoveToAnotherFeedInOneCommit) {
  Graph g;
  auto& one = g.input<Key, int>("one");
  auto& two = g.input<Key, int>("two");
  auto& out = g.derived<Key, int>("out").from(one, copy).from(two, copy);
  int removals = 0;
  g.watch(out, [&](auto changes) {
    for (const auto& change : changes) removals += change.after == nullptr;
  });
  two.set("a", 1);
  g.commit();
  for (int i = 2; i < 6; ++i) {
    (i % 2 ? one : two).erase("a");
    (i % 2 ? two : one).set("a", i);
    EXPECT_EQ(g.commit().recomputed, 1u);
    EXPECT_EQ(*out.find("a"), i);
  }
  EXPECT_EQ(removals, 0);
}

TEST(Feeds, FromIndexHasAnEntryPerBucketWithMembers) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  auto& by_value =
      g.index<int>(in, "by value", [](const Key&, const int& v, auto&& emit) { emit(v); });
  int runs = 0;
  auto& names = g.derived<int, int>("names").from(by_value, [&](const int& v, Read&) {
    ++runs;
    return v;
  });
  in.set("a", 1);
  in.set("b", 1);
  in.set("c", 2);
  g.commit();
  EXPECT_EQ(names.size(), 2u);
  in.set("c", 1);
  in.set("a", 3);
  g.commit();
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(names.find(2), nullptr);
  EXPECT_EQ(*names.find(3), 3);
  EXPECT_EQ(runs, 3) << "a bucket that only changes wakes nobody who did not read it";
}

TEST(Explain, ShowsWhatWasReadAndHow) {
  Graph g;
  auto& in = g.input<Key, int>("in");
  auto& by_value =
      g.index<int>(in, "by value", [](const Key&, const int& v, auto&& emit) { emit(v); });
  auto& twice =
      g.derived<Key, int>("twice").from(in, [](const Key&, const int& v, Read&) { return 2 * v; });
  auto& sum = g.derived<Key, int>("sum").from(twice, [&](const Key&, const int& v, Read& read) {
    int sum = 0;
    read.each(by_value, v / 2, [&](const Key& k, const int&) { sum += *read.get(twice, k); });
    read.get(in, "absent");
    return sum + static_cast<int>(read.count(by_value, 9));
  });
  in.set("a", 1);
  in.set("b", 1);
  g.commit();
  EXPECT_EQ(g.explain(sum, "a").to_text(),
            "sum[a]\n"
            "  twice[a]\n"
            "    in[a]\n"
            "  by value[1] each, 2 in the bucket\n"
            "    in[a]\n"
            "    in[b]\n"
            "  twice[b]\n"
            "    in[b]\n"
            "  in[absent] absent\n"
            "  by value[9] count, 0 in the bucket\n");
}

TEST(Explain, IsBounded) {
  Graph g;
  auto& in = g.input<int, int>("in");
  auto& all = g.index<int>(in, "all", [](const int&, const int&, auto&& emit) { emit(0); });
  auto& sum = g.derived<int, int>("sum").from(all, [&](const int&, Read& read) {
    int sum = 0;
    read.each(all, 0, [&](const int&, const int& v) { sum += v; });
    return sum;
  });
  for (int i = 0; i < 1000; ++i) in.set(i, i);
  g.commit();
  EXPECT_EQ(g.explain(sum, 0, {.members = 2}).to_text(),
            "sum[0]\n"
            "  all[0] each, 1000 in the bucket\n"
            "    in[0]\n"
            "    in[1]\n"
            "    ...\n");
  EXPECT_EQ(g.explain(sum, 0, {.depth = 0}).to_text(), "sum[0]\n  ...\n");
  EXPECT_EQ(g.explain(sum, 0, {.members = 1000, .lines = 4}).reads[0].reads.size(), 2u);
}

TEST(Tables, TellTheirNumbers) {
  Diamond d;
  d.in.set("a", 1);
  d.in.set("b", 2);
  d.g.commit();
  const std::vector<TableInfo> tables = d.g.tables();
  ASSERT_EQ(tables.size(), 4u);
  EXPECT_EQ(tables[0].name, "in");
  EXPECT_EQ(tables[0].kind, TableKind::kInput);
  EXPECT_EQ(tables[3].name, "join");
  EXPECT_EQ(tables[3].kind, TableKind::kDerived);
  EXPECT_EQ(tables[3].size, 2u);
  EXPECT_EQ(tables[3].recomputed, 2u);
  EXPECT_EQ(tables[3].edges, 4u) << "half and in, for two entries";
}

struct Plain {
  Graph g;
  Input<Key, int>& in = g.input<Key, int>("in");
};

TEST(ProgrammingErrorDeathTest, ReadingALaterTable) {
  Plain p;
  Derived<Key, int>* later = nullptr;
  p.g.derived<Key, int>("early").from(p.in, [&](const Key& key, const int&, Read& read) {
    return read.get(*later, key) != nullptr ? 1 : 0;
  });
  later = &p.g.derived<Key, int>("later");
  p.in.set("a", 1);
  EXPECT_DEATH(p.g.commit(), "\"early\" reads \"later\", which is not created before it");
}

TEST(ProgrammingErrorDeathTest, ReadingItself) {
  Plain p;
  auto& self = p.g.derived<Key, int>("self");
  self.from(p.in, [&](const Key& key, const int&, Read& read) {
    return read.get(self, key) != nullptr ? 1 : 0;
  });
  p.in.set("a", 1);
  EXPECT_DEATH(p.g.commit(), "\"self\" reads \"self\"");
}

TEST(ProgrammingErrorDeathTest, FeedingFromALaterTable) {
  Graph g;
  auto& out = g.derived<Key, int>("out");
  auto& in = g.input<Key, int>("in");
  EXPECT_DEATH(out.from(in, copy), "\"out\" is fed from \"in\"");
}

TEST(ProgrammingErrorDeathTest, TwoFeedsGiveOneKey) {
  Plain p;
  auto& other = p.g.input<Key, int>("other");
  p.g.derived<Key, int>("out").from(p.in, copy).from(other, copy);
  p.in.set("a", 1);
  other.set("a", 2);
  EXPECT_DEATH(p.g.commit(), "two feed entries of \"out\" give the key a");
}

TEST(ProgrammingErrorDeathTest, KeyMappingIsNotInjective) {
  Plain p;
  p.g.derived<int, int>("out").from(
      p.in, [](const Key&) { return 7; }, [](const Key&, const int& v, Read&) { return v; });
  p.in.set("a", 1);
  p.in.set("b", 2);
  EXPECT_DEATH(p.g.commit(), "two feed entries of \"out\" give the key 7");
}

TEST(ProgrammingErrorDeathTest, LookingBehindTheBackOfRead) {
  Plain p;
  p.g.derived<Key, int>("out").from(
      p.in, [&](const Key& key, const int&, Read&) { return *p.in.find(key); });
  p.in.set("a", 1);
  EXPECT_DEATH(p.g.commit(), "the function of \"out\" calls find\\(\\) of \"in\"");
}

TEST(ProgrammingErrorDeathTest, ExtractorLooksAtATable) {
  Plain p;
  p.g.index<int>(p.in, "by itself", [&](const Key& key, const int&, auto&& emit) {
    if (p.in.find(key) != nullptr) emit(1);
  });
  p.in.set("a", 1);
  EXPECT_DEATH(p.g.commit(), "the function of \"by itself\" calls find\\(\\) of \"in\"");
}

TEST(ProgrammingErrorDeathTest, ChangingTheProgramAfterTheFirstCommit) {
  Plain p;
  auto& out = p.g.derived<Key, int>("out");
  p.g.commit();
  EXPECT_DEATH((p.g.input<Key, int>("late")), "\"late\" is created or fed after");
  EXPECT_DEATH(out.from(p.in, copy), "\"out\" is created or fed after");
}

TEST(ProgrammingErrorDeathTest, OneNameTwice) {
  Plain p;
  EXPECT_DEATH((p.g.input<int, int>("in")), "two tables are named \"in\"");
}

TEST(ProgrammingErrorDeathTest, CommitInAWatcher) {
  Plain p;
  p.g.watch(p.in, [&](auto) { p.g.commit(); });
  p.in.set("a", 1);
  EXPECT_DEATH(p.g.commit(), "commit\\(\\) inside commit\\(\\)");
}

}  // namespace
}  // namespace kgw::engine
