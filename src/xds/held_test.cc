#include "xds/held.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace kgw::xds {
namespace {

Name numbered(int i) { return Name("service-" + std::to_string(i)); }

// What the table holds, as an ordinary map.
std::map<std::string, std::uint64_t> contents(const HeldTable& table) {
  std::map<std::string, std::uint64_t> found;
  for (const auto& [name, held] : table) EXPECT_TRUE(found.emplace(name.str(), held.bits()).second);
  return found;
}

TEST(HeldTable, IsAMap) {
  HeldTable table;
  std::map<std::string, std::uint64_t> model;
  std::mt19937 random(1);
  for (int step = 0; step < 20'000; ++step) {
    const Name name = numbered(static_cast<int>(random() % 300));
    if (random() % 2 == 0) {
      const std::uint64_t version = random();
      table[name].set({version + 1});
      model[name.str()] = version + 1;
    } else {
      table.erase(name);
      model.erase(name.str());
    }
    if (random() % 500 == 0) table.fit();
    ASSERT_EQ(table.size(), model.size());
    ASSERT_EQ(table.contains(name), model.contains(name.str()));
    if (step % 100 == 0) {
      ASSERT_EQ(contents(table), model) << "after step " << step;
    }
  }
}

TEST(HeldTable, TheEmptyNameIsAName) {
  HeldTable table;
  EXPECT_FALSE(table.contains(""));
  table[""].subscribe(true);
  EXPECT_TRUE(table.contains(""));
  table.erase("");
  EXPECT_EQ(table.size(), 0u);
}

TEST(HeldTable, RetainLeavesWhatIsWanted) {
  HeldTable table;
  for (int i = 0; i < 100; ++i) table[numbered(i)].subscribe(i % 3 == 0);
  table.retain([](const Held& held) { return held.subscribed(); });
  EXPECT_EQ(table.size(), 34u);
  EXPECT_TRUE(table.contains(numbered(99)));
  EXPECT_FALSE(table.contains(numbered(1)));
}

TEST(HeldTable, TakesLittleMoreThan16BytesAName) {
  HeldTable table;
  for (int i = 0; i < 1000; ++i) table[numbered(i)].set({1});
  table.fit();
  EXPECT_LE(table.bytes(), 20 * 1000u);
  for (int i = 0; i < 1000; ++i) table.erase(numbered(i));
  table.fit();
  EXPECT_LE(table.bytes(), 20 * 16u);
}

}  // namespace
}  // namespace kgw::xds
