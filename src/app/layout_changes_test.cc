// A change of layout waits for proxies: until they hold the next one, and until they have left the
// old one.
#include "app/layout_changes.h"

#include <gtest/gtest.h>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"

namespace kgw::app {
namespace {

using std::chrono_literals::operator""min;

const ObjectKey kGateway{"default", "gw"};
const attach::RouteTableId kTable{kGateway, "listener~80"};
constexpr attach::Layout kPlain{};
constexpr attach::Layout kWhole{true, 0};

struct LayoutChangesTest : testing::Test {
  Translation translation{offline_settings()};
  std::map<std::string, xds::Delivery> deliveries;  // by resource; others: nobody subscribes
  LayoutChanges::Clock::time_point now{};

  LayoutChangesTest() {
    translation.apply(builtin_objects());
    sharding("Never");
    advance();
  }

  void sharding(const char* mode) {
    const std::string text =
        std::string(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw, "
            "annotations: {kgateway.dev/route-sharding: ") +
        mode +
        "}}\nspec: {gatewayClassName: kgateway, listeners: [{name: http, port: 80, protocol: "
        "HTTP}]}\n";
    Decoded decoded = decode_text(text, "test", DecodeMode::kStrict).at(0);
    ASSERT_NE(decoded.object, nullptr);
    translation.apply(std::vector<source::ObjectEvent>{{decoded.ref, decoded.object}});
    translation.commit();
  }

  // Until nothing moves any more.
  void advance() {
    const auto ask = [this](const ObjectKey&, const xds::ResourceKey& key) {
      const auto found = deliveries.find(std::string(type_name(key.type)) + " " + key.name.str());
      return found == deliveries.end() ? xds::Delivery{.proxies = 1} : found->second;
    };
    do {
      translation.commit();
    } while (translation.layouts.advance(now, ask));
  }

  void subscribed(const std::string& resource, std::size_t accepted = 1) {
    deliveries[resource] = {.proxies = 1, .subscribed = 1, .accepted = accepted};
  }
  const envoy::TableLayout& layout() { return *translation.routes.layouts.table.find(kTable); }
};

TEST_F(LayoutChangesTest, TheOldLayoutStaysWhileSomebodyUsesIt) {
  subscribed("RouteConfiguration listener~80");
  sharding("Always");
  EXPECT_EQ(layout().serving, kPlain);
  EXPECT_EQ(layout().next, kWhole);
  advance();
  EXPECT_EQ(layout().serving, kWhole);
  EXPECT_EQ(layout().published.size(), 2u);
  deliveries.clear();
  advance();
  EXPECT_EQ(layout().published.size(), 1u);
  EXPECT_EQ(translation.routes.route_shards.size(), envoy::kShards);
}

TEST_F(LayoutChangesTest, TheListenerWaitsForProxiesThatFollowScopes) {
  subscribed("ScopedRouteConfiguration listener~80#5", 0);
  sharding("Always");
  advance();
  EXPECT_EQ(layout().serving, kPlain) << "the scope is not accepted";
  subscribed("ScopedRouteConfiguration listener~80#5");
  advance();
  EXPECT_EQ(layout().serving, kPlain) << "its routes are not asked for yet";
  subscribed("RouteConfiguration listener~80#5", 0);
  advance();
  EXPECT_EQ(layout().serving, kPlain) << "its routes are not accepted";
  subscribed("RouteConfiguration listener~80#5");
  advance();
  EXPECT_EQ(layout().serving, kWhole);
}

TEST_F(LayoutChangesTest, WhatCannotBeSeenToEndEndsWithTheDrainTime) {
  sharding("Always");
  advance();
  subscribed("RouteConfiguration listener~80#5");
  sharding("Never");
  advance();
  EXPECT_EQ(layout().serving, kPlain);
  now += 10min;
  advance();
  EXPECT_EQ(layout().published.size(), 2u);
  now += 2min;
  advance();
  EXPECT_EQ(layout().published.size(), 1u);
}

TEST_F(LayoutChangesTest, AChangeOfMindLeavesEverythingAsItIs) {
  subscribed("ScopedRouteConfiguration listener~80#5", 0);
  sharding("Always");
  advance();
  sharding("Never");
  advance();
  EXPECT_EQ(layout(), (envoy::TableLayout{kPlain, std::nullopt, {kPlain}}));
  EXPECT_EQ(translation.routes.route_shards.size(), 1u);
  EXPECT_EQ(translation.routes.route_scopes.size(), 0u);
}

TEST_F(LayoutChangesTest, WhatTheProxiesOfAnotherReplicaHaveIsTakenOver) {
  const auto adopt = [this](const std::string& used) {
    const bool moved = translation.layouts.adopt(
        kGateway, [&](const Name& table) { return table.view() == used; });
    advance();
    return moved;
  };
  // As many hosts as may be cut or not.
  std::vector<source::ObjectEvent> events;
  for (int i = 0; i < 150; ++i) {
    const std::string name = "h" + std::to_string(i);
    Decoded decoded =
        decode_text("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " +
                        name + "}\nspec: {parentRefs: [{name: gw}], hostnames: [" + name +
                        ".example.com], rules: [{}]}\n",
                    "test", DecodeMode::kStrict)
            .at(0);
    ASSERT_NE(decoded.object, nullptr);
    events.push_back({decoded.ref, decoded.object});
  }
  translation.apply(events);
  sharding("Auto");
  advance();
  EXPECT_EQ(layout().serving, kPlain) << "it was before";
  EXPECT_FALSE(adopt("listener~80"));
  EXPECT_TRUE(adopt("listener~80#0"));
  EXPECT_EQ(layout(), (envoy::TableLayout{kWhole, std::nullopt, {kWhole}}));
  EXPECT_FALSE(adopt("listener~80#0"));
  EXPECT_TRUE(adopt("listener~80"));
  EXPECT_EQ(layout(), (envoy::TableLayout{kPlain, std::nullopt, {kPlain}}));
  EXPECT_FALSE(adopt("listener~81"));
  // What is wanted here counts for more.
  sharding("Always");
  advance();
  EXPECT_TRUE(adopt("listener~80"));
  EXPECT_EQ(layout().serving, kWhole);
}

TEST_F(LayoutChangesTest, AProxyThatIsAwayMayComeBack) {
  sharding("Always");
  deliveries["RouteConfiguration listener~80"] = {.proxies = 0};
  advance();
  EXPECT_EQ(layout().serving, kWhole);
  EXPECT_EQ(layout().published.size(), 2u);
}

}  // namespace
}  // namespace kgw::app
