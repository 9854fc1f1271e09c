#include "status/store.h"

#include <gtest/gtest.h>

#include "status/conditions.h"

namespace kgw::status {
namespace {

const ObjectRef kRoute{Kind::kHttpRoute, {"ns", "route"}};

std::shared_ptr<const ObjectStatus> status(bool accepted, bool programmed,
                                           std::string_view message = "m") {
  RouteStatus status;
  const auto condition = [&](std::string_view type, bool so) {
    return so ? holds(type, "Good", message, 1) : fails(type, {"Bad", Name(message)}, 1);
  };
  status.parents.push_back(
      {{.name = "gw"}, {condition("Accepted", accepted), condition("Programmed", programmed)}});
  return std::make_shared<ObjectStatus>(std::move(status));
}

std::vector<std::int64_t> times(const StatusStore& store) {
  std::vector<std::int64_t> times;
  const ObjectStatus found = store.find(kRoute).value();
  for (const Condition& condition : std::get<RouteStatus>(found).parents.at(0).conditions) {
    times.push_back(condition.last_transition_time);
  }
  return times;
}

using Times = std::vector<std::int64_t>;

TEST(StatusStore, TimesAreThoseAtWhichAConditionFlipped) {
  StatusStore store;
  EXPECT_TRUE(store.update(kRoute, status(true, false), 5));
  EXPECT_EQ(times(store), (Times{5, 5}));
  EXPECT_TRUE(store.update(kRoute, status(true, true), 7));
  EXPECT_EQ(times(store), (Times{5, 7}));
  EXPECT_TRUE(store.update(kRoute, status(true, true, "other words"), 9));
  EXPECT_EQ(times(store), (Times{5, 7}));
  EXPECT_TRUE(store.update(kRoute, status(false, false), 11));
  EXPECT_EQ(times(store), (Times{11, 11}));
}

TEST(StatusStore, AnEqualStatusIsNoWrite) {
  StatusStore store;
  store.update(kRoute, status(true, false), 5);
  store.update(kRoute, status(true, true), 7);
  EXPECT_FALSE(store.update(kRoute, status(true, true), 9));
  EXPECT_EQ(times(store), (Times{5, 7}));
  EXPECT_EQ(store.writes(), 2u);
}

TEST(StatusStore, WhatIsErasedBeginsAnew) {
  StatusStore store;
  store.update(kRoute, status(true, true), 5);
  store.erase(kRoute);
  EXPECT_EQ(store.find(kRoute), std::nullopt);
  store.for_each([](const ObjectRef&, const ObjectStatus&) { FAIL() << "nothing is left"; });
  EXPECT_TRUE(store.update(kRoute, status(true, true), 9));
  EXPECT_EQ(times(store), (Times{9, 9}));
}

TEST(StatusStore, AStatusOfAnotherGatewayListenerIsNotMixedUp) {
  const auto with = [](std::vector<std::string> names) {
    GatewayStatus status;
    status.conditions.push_back(holds("Accepted", "Accepted", "", 1));
    for (std::string& name : names) {
      status.listeners.push_back({.name = std::move(name),
                                  .supported_kinds = {},
                                  .conditions = {holds("Accepted", "Accepted", "", 1)}});
    }
    return std::make_shared<ObjectStatus>(std::move(status));
  };
  const ObjectRef gateway{Kind::kGateway, {"ns", "gw"}};
  StatusStore store;
  store.update(gateway, with({"a"}), 5);
  store.update(gateway, with({"b", "a"}), 7);
  const ObjectStatus found = store.find(gateway).value();
  const auto& listeners = std::get<GatewayStatus>(found).listeners;
  EXPECT_EQ(listeners[0].conditions[0].last_transition_time, 7);
  EXPECT_EQ(listeners[1].conditions[0].last_transition_time, 5);
}

}  // namespace
}  // namespace kgw::status
