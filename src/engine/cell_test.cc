#include "engine/cell.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>

namespace kgw::engine {
namespace {

std::set<Source*> content(const ReaderSet& set) {
  std::set<Source*> all;
  set.for_each([&](Source* reader) { EXPECT_TRUE(all.insert(reader).second); });
  EXPECT_EQ(all.size(), set.size());
  EXPECT_EQ(all.empty(), set.empty());
  return all;
}

TEST(ReaderSet, HoldsWhatWasAddedAtEverySize) {
  std::deque<Source> readers;
  ReaderSet set;
  std::set<Source*> expected;
  for (uint32_t i = 0; i < 3 * ReaderSet::kFewMax; ++i) {
    set.add(&readers.emplace_back(i, ReadKind::kValue));
    expected.insert(&readers.back());
    EXPECT_EQ(content(set), expected);
  }
  for (Source& reader : readers) {
    set.remove(&reader);
    expected.erase(&reader);
    EXPECT_EQ(content(set), expected);
  }
}

TEST(ReaderSet, FollowsRandomEdits) {
  std::mt19937 random(1);
  std::deque<Source> readers;
  for (uint32_t i = 0; i < 150; ++i) readers.emplace_back(i, ReadKind::kValue);
  ReaderSet set;
  std::set<Source*> expected;
  for (int step = 0; step < 24'000; ++step) {
    // The part of the readers in play grows and shrinks, so that all forms are passed often.
    Source* reader = &readers[random() % (1 + step / 40 % readers.size())];
    if (expected.insert(reader).second) {
      set.add(reader);
    } else {
      expected.erase(reader);
      set.remove(reader);
    }
    ASSERT_EQ(content(set), expected) << "step " << step;
  }
}

TEST(ReadList, KeepsTheOrder) {
  Source a(0, ReadKind::kValue), b(1, ReadKind::kEach);
  ReadList list;
  EXPECT_TRUE(list.view().empty());
  list.assign(std::vector<Source*>{&b, &a});
  EXPECT_TRUE(std::ranges::equal(list.view(), std::vector<Source*>{&b, &a}));
  list.assign(std::vector<Source*>{&a, &b});
  EXPECT_TRUE(std::ranges::equal(list.view(), std::vector<Source*>{&a, &b}));
  list.assign(std::vector<Source*>{&a});
  EXPECT_TRUE(std::ranges::equal(list.view(), std::vector<Source*>{&a}));
  list.assign({});
  EXPECT_TRUE(list.view().empty());
}

}  // namespace
}  // namespace kgw::engine
