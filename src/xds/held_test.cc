#include "xds/held.h"

#include <gtest/gtest.h>

#include <array>
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

std::size_t size(const HeldTable& table) { return contents(table).size(); }

// Tables that share bases now and then, against ordinary maps.
TEST(HeldTable, IsAMap) {
  std::array<HeldTable, 3> tables;
  std::array<std::map<std::string, std::uint64_t>, 3> models;
  std::shared_ptr<const HeldTable> common;
  std::mt19937 random(1);
  for (int step = 0; step < 60'000; ++step) {
    const std::size_t which = random() % tables.size();
    HeldTable& table = tables[which];
    auto& model = models[which];
    const Name name = numbered(static_cast<int>(random() % 300));
    if (random() % 3 != 0) {
      const std::uint64_t version = 1 + random() % 3;
      table[name].set({version});
      model[name.str()] = version;
    } else {
      table.erase(name);
      model.erase(name.str());
    }
    if (random() % 500 == 0) table.fit();
    if (random() % 200 == 0) table.share(common);
    ASSERT_EQ(table.contains(name), model.contains(name.str()));
    if (step % 100 == 0) {
      ASSERT_EQ(contents(table), model) << "after step " << step;
    }
  }
}

TEST(HeldTable, EqualTablesShareTheirMemory) {
  std::shared_ptr<const HeldTable> common;
  std::array<HeldTable, 20> tables;
  for (HeldTable& table : tables) {
    for (int i = 0; i < 1000; ++i) table[numbered(i)].set({1});
    table.share(common);
    EXPECT_EQ(table.bytes(), 0u);
    EXPECT_EQ(size(table), 1000u);
  }
  EXPECT_EQ(common.use_count(), 21);
  // Names change one after the other, everywhere.
  for (int i = 0; i < 1000; ++i) {
    for (HeldTable& table : tables) {
      table[numbered(i)].set({2});
      table.share(common);
      table.fit();
      EXPECT_LE(table.bytes(), 5000u);
    }
  }
  for (const HeldTable& table : tables) {
    EXPECT_EQ(size(table), 1000u);
    EXPECT_TRUE(table.find(numbered(500))->is({2}));
  }
}

TEST(HeldTable, OneThatDiffersALittleSharesAllTheSame) {
  std::shared_ptr<const HeldTable> common;
  HeldTable usual, other;
  for (int i = 0; i < 1000; ++i) usual[numbered(i)].set({1});
  usual.share(common);
  for (int i = 3; i < 1003; ++i) other[numbered(i)].set({1});
  other.share(common);
  EXPECT_EQ(common.use_count(), 3);
  EXPECT_FALSE(other.contains(numbered(2)));
  EXPECT_TRUE(other.contains(numbered(1002)));
  EXPECT_EQ(size(other), 1000u);
  EXPECT_FALSE(usual.contains(numbered(1002)));
}

TEST(HeldTable, TheEmptyNameIsAName) {
  HeldTable table;
  EXPECT_FALSE(table.contains(""));
  table[""].subscribe(true);
  EXPECT_TRUE(table.contains(""));
  table.erase("");
  EXPECT_EQ(size(table), 0u);
}

TEST(HeldTable, RetainLeavesWhatIsWanted) {
  HeldTable table;
  for (int i = 0; i < 100; ++i) table[numbered(i)].subscribe(i % 3 == 0);
  table.retain([](const Held& held) { return held.subscribed(); });
  EXPECT_EQ(size(table), 34u);
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
