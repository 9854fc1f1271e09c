#include "engine/member_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <vector>

namespace kgw::engine::detail {
namespace {

struct Item {
  int key = 0;
};
struct Less {
  bool operator()(const Item* a, const Item* b) const { return a->key < b->key; }
};
using Members = MemberSet<Item, Less>;

std::vector<int> keys(const Members& set) {
  std::vector<int> all;
  for (const Item* item : set) all.push_back(item->key);
  EXPECT_EQ(all.size(), set.size());
  EXPECT_EQ(all.empty(), set.empty());
  return all;
}

TEST(MemberSet, IsOneWord) { EXPECT_EQ(sizeof(Members), sizeof(void*)); }

TEST(MemberSet, FollowsRandomEditsInKeyOrder) {
  std::mt19937 random(1);
  std::array<Item, 6> items;
  for (int i = 0; i < 6; ++i) items[static_cast<std::size_t>(i)].key = i;
  Members set;
  std::set<int> expected;
  for (int step = 0; step < 5'000; ++step) {
    Item& item = items[random() % items.size()];
    if (expected.insert(item.key).second) {
      set.insert(&item);
    } else {
      expected.erase(item.key);
      set.erase(&item);
    }
    ASSERT_EQ(keys(set), std::vector<int>(expected.begin(), expected.end())) << "step " << step;
  }
}

}  // namespace
}  // namespace kgw::engine::detail
