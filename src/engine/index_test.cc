#include "engine/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/graph.h"

namespace kgw::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Item {
  std::vector<int> buckets;
  int value = 0;
  bool operator==(const Item&) const = default;
};

// One probe per bucket and per way of reading, counting its runs.
struct Probes {
  Graph g;
  Input<int, Item>& items = g.input<int, Item>("items");
  Index<int, int, Item>& index =
      g.index<int>(items, "by bucket", [](const int&, const Item& item, auto&& emit) {
        for (int bucket : item.buckets) emit(bucket);
      });
  Input<int, bool>& probed = g.input<int, bool>("probed");
  int each_runs = 0, members_runs = 0, count_runs = 0;

  Derived<int, std::vector<int>>& each = g.derived<int, std::vector<int>>("each").from(
      probed, [this](const int& bucket, const bool&, Read& read) {
        ++each_runs;
        std::vector<int> values;
        read.each(index, bucket, [&](const int& key, const Item& item) {
          values.push_back(key);
          values.push_back(item.value);
        });
        return values;
      });
  Derived<int, std::vector<int>>& members = g.derived<int, std::vector<int>>("members").from(
      probed, [this](const int& bucket, const bool&, Read& read) {
        ++members_runs;
        const auto keys = read.members(index, bucket);
        EXPECT_EQ(keys.empty(), keys.size() == 0);
        return std::vector<int>(keys.begin(), keys.end());
      });
  Derived<int, size_t>& count = g.derived<int, size_t>("count").from(
      probed, [this](const int& bucket, const bool&, Read& read) {
        ++count_runs;
        return read.count(index, bucket);
      });

  Probes() {
    probed.set(1, true);
    g.commit();
    reset();
  }
  void reset() { each_runs = members_runs = count_runs = 0; }
  // Runs since the last call, as each/members/count.
  std::vector<int> commit() {
    g.commit();
    std::vector<int> runs = {each_runs, members_runs, count_runs};
    reset();
    return runs;
  }
};

TEST(Index, WakesEachReaderForWhatItAskedFor) {
  Probes p;
  p.items.set(5, {{1}, 50});
  EXPECT_THAT(p.commit(), ElementsAre(1, 1, 1)) << "an absent bucket fills";
  p.items.set(3, {{1}, 30});
  EXPECT_THAT(p.commit(), ElementsAre(1, 1, 1)) << "a member comes";
  p.items.set(3, {{1}, 31});
  EXPECT_THAT(p.commit(), ElementsAre(1, 0, 0)) << "a member's value changes";
  p.items.set(3, {{2}, 31});
  p.items.set(4, {{1}, 40});
  EXPECT_THAT(p.commit(), ElementsAre(1, 1, 0)) << "one goes, one comes";
  EXPECT_THAT(*p.each.find(1), ElementsAre(4, 40, 5, 50)) << "in key order";
  EXPECT_THAT(*p.members.find(1), ElementsAre(4, 5));
  EXPECT_EQ(*p.count.find(1), 2u);
  p.items.set(3, {{2}, 32});
  p.items.set(9, {{2, 3}, 90});
  EXPECT_THAT(p.commit(), ElementsAre(0, 0, 0)) << "other buckets";
  p.items.erase(4);
  p.items.erase(5);
  EXPECT_THAT(p.commit(), ElementsAre(1, 1, 1)) << "the bucket empties";
  EXPECT_THAT(*p.each.find(1), IsEmpty());
  EXPECT_EQ(*p.count.find(1), 0u);
}

TEST(Index, EntryMayStandInSeveralBucketsOrNone) {
  Probes p;
  for (int bucket : {2, 3, 4}) p.probed.set(bucket, true);
  p.items.set(7, {{2, 1, 2}, 0});
  p.commit();
  EXPECT_THAT(*p.members.find(1), ElementsAre(7));
  EXPECT_THAT(*p.members.find(2), ElementsAre(7)) << "named twice, stands once";
  p.items.set(7, {{4, 3, 2}, 0});
  p.commit();
  EXPECT_THAT(*p.members.find(1), IsEmpty());
  EXPECT_THAT(*p.members.find(2), ElementsAre(7));
  EXPECT_THAT(*p.members.find(3), ElementsAre(7));
  EXPECT_THAT(*p.members.find(4), ElementsAre(7));
  p.items.set(7, {{}, 0});
  p.commit();
  EXPECT_EQ(p.index.size(), 0u);
  for (int bucket : {1, 2, 3, 4}) EXPECT_THAT(*p.members.find(bucket), IsEmpty());
}

TEST(Index, EachIsOneDependencyWhateverTheSize) {
  Probes p;
  const auto edges = [&] {
    size_t edges = 0;
    for (const TableInfo& table : p.g.tables()) edges += table.edges;
    return edges;
  };
  const size_t before = edges();
  for (int i = 0; i < 10'000; ++i) p.items.set(i, {{1}, i});
  EXPECT_THAT(p.commit(), ElementsAre(1, 1, 1));
  EXPECT_EQ(edges(), before);
  p.items.set(4711, {{1}, 0});
  EXPECT_THAT(p.commit(), ElementsAre(1, 0, 0));
}

TEST(Index, MayBeReadAgainWhileIterating) {
  Graph g;
  auto& items = g.input<int, int>("items");
  auto& by_value =
      g.index<int>(items, "by value", [](const int&, const int& v, auto&& emit) { emit(v); });
  auto& pairs = g.derived<int, int>("pairs").from(by_value, [&](const int& value, Read& read) {
    int pairs = 0;
    read.each(by_value, value, [&](const int& key, const int&) {
      // Makes buckets that were never there, enough to move the table of buckets.
      for (int i = 0; i < 100; ++i) pairs += static_cast<int>(read.count(by_value, key * 100 + i));
      read.each(by_value, value, [&](const int&, const int&) { ++pairs; });
    });
    return pairs;
  });
  for (int i = 10; i < 20; ++i) items.set(i, 1);
  g.commit();
  EXPECT_EQ(*pairs.find(1), 100);
}

}  // namespace
}  // namespace kgw::engine
