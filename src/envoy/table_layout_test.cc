#include "envoy/table_layout.h"

#include <gmock/gmock.h>

namespace kgw::envoy {
namespace {

using testing::ElementsAre;

constexpr Layout kPlain{};
constexpr Layout kWhole{true, 0};
constexpr Layout kThird{true, 3};
constexpr ShardingLimits kLimits{.cut = 500, .join = 250, .repeated = 16};

Layout choose(const HostCounts& counts, std::optional<Layout> serving = Layout(),
              ShardingMode mode = ShardingMode::kAuto) {
  return choose_layout(mode, kLimits, counts, serving ? &*serving : nullptr);
}

TEST(ChooseLayout, BySizeAndNotToAndFro) {
  EXPECT_EQ(choose({.exact = 499}), kPlain);
  EXPECT_EQ(choose({.exact = 500}), kWhole);
  EXPECT_EQ(choose({.exact = 250}, kWhole), kWhole);
  EXPECT_EQ(choose({.exact = 249}, kWhole), kPlain);
}

TEST(ChooseLayout, ByEntriesWhereThereAreHostsToTellApart) {
  ShardingLimits limits = kLimits;
  limits.cut_entries = 1000;
  limits.join_entries = 500;
  const auto by_entries = [&](std::size_t hosts, std::uint64_t entries, const Layout& serving) {
    return choose_layout(ShardingMode::kAuto, limits, {.exact = hosts, .entries = entries},
                         &serving);
  };
  EXPECT_EQ(by_entries(8, 999, kPlain), kPlain);
  EXPECT_EQ(by_entries(8, 1000, kPlain), kWhole);
  EXPECT_EQ(by_entries(8, 500, kWhole), kWhole);
  EXPECT_EQ(by_entries(8, 499, kWhole), kPlain);
  EXPECT_EQ(by_entries(7, 100'000, kPlain), kPlain);
}

// After a restart: to cut a table that was one loses nothing, the other way round might.
TEST(ChooseLayout, ANewTableIsCutEarly) {
  EXPECT_EQ(choose({.exact = 250}, std::nullopt), kWhole);
  EXPECT_EQ(choose({.exact = 249}, std::nullopt), kPlain);
}

TEST(ChooseLayout, AsTheUserWants) {
  EXPECT_EQ(choose({.exact = 1}, kPlain, ShardingMode::kAlways), kWhole);
  EXPECT_EQ(choose({.exact = 9000}, kWhole, ShardingMode::kNever), kPlain);
}

TEST(ChooseLayout, ManyWildcardsAreToldApartByALabel) {
  // 16, or one in 64, may stand in every shard.
  EXPECT_EQ(choose({.exact = 500, .wildcards = {1, 0, 0, 15}}), kWhole);
  EXPECT_EQ(choose({.exact = 500, .wildcards = {1, 0, 0, 16}}), kThird);
  EXPECT_EQ(choose({.exact = 10'000, .wildcards = {1, 0, 0, 100}}), kWhole);
  EXPECT_EQ(choose({.exact = 0, .wildcards = {1, 0, 10, 2000, 500}}), kThird);
  EXPECT_EQ(choose({.exact = 0, .wildcards = {1, 0, 0, 0, 0, 0, 2000}}), (Layout{true, 6}));
}

TEST(ChooseLayout, KeepsItsLabelWhileItWillDo) {
  EXPECT_EQ(choose({.exact = 600, .wildcards = {0, 0, 0, 30}}, kWhole), kWhole);
  EXPECT_EQ(choose({.exact = 600, .wildcards = {0, 0, 0, 40}}, kWhole), kThird);
  EXPECT_EQ(choose({.exact = 600, .wildcards = {0, 0, 0, 10}}, kThird), kThird);
  EXPECT_EQ(choose({.exact = 600, .wildcards = {0, 0, 0, 5}}, kThird), kWhole);
}

// "*.com", "*.org", ...: no label would tell them apart.
TEST(ChooseLayout, WhatCannotBeCutIsNot) {
  EXPECT_EQ(choose({.exact = 10, .wildcards = {0, 1000}}), kPlain);
  EXPECT_EQ(choose({.exact = 10, .wildcards = {0, 1000}}, kPlain, ShardingMode::kAlways), kWhole);
}

TEST(LayoutOf, MovesOnWhenProxiesDo) {
  EXPECT_EQ(layout_of(kWhole, nullptr), (TableLayout{kWhole, std::nullopt, {kWhole}}));
  LayoutHistory history{kPlain, std::nullopt, {}};
  EXPECT_EQ(layout_of(kPlain, &history), (TableLayout{kPlain, std::nullopt, {kPlain}}));

  const TableLayout next = layout_of(kWhole, &history);
  EXPECT_EQ(next, (TableLayout{kPlain, kWhole, {kPlain, kWhole}}));
  history = history_of(next);
  EXPECT_EQ(history, (LayoutHistory{kPlain, std::nullopt, {}}));

  history.ready = kWhole;
  const TableLayout served = layout_of(kWhole, &history);
  EXPECT_EQ(served, (TableLayout{kWhole, std::nullopt, {kPlain, kWhole}}));
  history = history_of(served);
  EXPECT_EQ(history, (LayoutHistory{kWhole, std::nullopt, {kPlain}}));
  EXPECT_EQ(layout_of(kWhole, &history), served);

  history.retiring.clear();
  EXPECT_EQ(layout_of(kWhole, &history), (TableLayout{kWhole, std::nullopt, {kWhole}}));
}

TEST(LayoutOf, MayTurnBackAtAnyPoint) {
  const LayoutHistory drained{kWhole, std::nullopt, {kPlain, kThird}};
  EXPECT_EQ(layout_of(kPlain, &drained), (TableLayout{kWhole, kPlain, {kPlain, kWhole, kThird}}));
  const LayoutHistory prepared{kPlain, kWhole, {}};
  EXPECT_EQ(layout_of(kPlain, &prepared), (TableLayout{kPlain, std::nullopt, {kPlain}}));
}

TEST(ShardingMode, IsWrittenOut) {
  EXPECT_EQ(sharding_mode("Always"), ShardingMode::kAlways);
  EXPECT_EQ(sharding_mode("always"), std::nullopt);
}

}  // namespace
}  // namespace kgw::envoy
