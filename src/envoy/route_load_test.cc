#include "envoy/route_load.h"

#include <gmock/gmock.h>

#include "attach/test_world.h"
#include "envoy/routes.h"
#include "policy/test_route.h"

namespace kgw::envoy {
namespace {

using attach::listener;
using attach::parent;
using policy::backend;
using policy::prefix;
using policy::rule;
using testing::ElementsAre;
using testing::IsEmpty;

RouteSize size(const char* name, std::int64_t created, std::uint64_t entries) {
  return {created, {Kind::kHttpRoute, {"ns", name}}, entries};
}

std::vector<std::string> names(const std::vector<ObjectRef>& routes) {
  std::vector<std::string> result;
  for (const ObjectRef& route : routes) result.push_back(route.key.name.str());
  return result;
}

TEST(RefuseNewest, OlderRoutesComeFirstThenNames) {
  EXPECT_THAT(refuse_newest({size("a", 3, 5), size("b", 1, 5), size("c", 2, 5)}, 15), IsEmpty());
  EXPECT_THAT(names(refuse_newest({size("a", 3, 5), size("b", 1, 5), size("c", 2, 5)}, 10)),
              ElementsAre("a"));
  EXPECT_THAT(names(refuse_newest({size("b", 1, 5), size("c", 1, 5), size("a", 1, 5)}, 10)),
              ElementsAre("c"));
}

TEST(RefuseNewest, ARouteThatDoesNotFitLeavesItsPlace) {
  EXPECT_THAT(names(refuse_newest({size("huge", 1, 11), size("b", 2, 5), size("c", 3, 5)}, 10)),
              ElementsAre("huge"));
}

class RouteLoadsTest : public testing::Test {
 protected:
  RouteLoadsTest() {
    world_.set(attach::service("ns", "a", {{.name = "http", .port = 80}}));
    world_.set(attach::gateway("ns", "gw",
                               {listener("one", "HTTP", 80), listener("two", "HTTP", 81),
                                listener("x", "HTTP", 80, "x.org")}));
  }
  // One match under each host on each of the two ports.
  void add(const char* name, std::vector<std::string> hosts, std::int64_t created) {
    auto route = attach::route(HttpRoute(), "ns", name, {parent("gw", "one"), parent("gw", "two")},
                               std::move(hosts));
    route.rules = {rule({prefix("/")}, {backend("a")})};
    route.metadata.creation_time = created;
    world_.set(std::move(route));
  }
  std::vector<std::string> hosts_of(const char* table) {
    world_.commit();
    std::vector<std::string> hosts;
    routes_.virtual_hosts.for_each([&](const HostId& host, const VirtualHost& value) {
      if (host.table.name.view() == table && !value.sources.empty()) {
        hosts.push_back(host.domain.str());
      }
    });
    std::ranges::sort(hosts);
    return hosts;
  }

  attach::World world_;
  policy::Rules rules_{world_.graph, world_.model};
  Routes routes_{world_.graph, world_.model, rules_, {}, 6};
};

TEST_F(RouteLoadsTest, WhatIsTooMuchIsLeftOutUntilThereIsRoom) {
  add("old", {"a.org", "b.org"}, 1);
  add("middle", {"c.org"}, 2);
  EXPECT_THAT(hosts_of("listener~80"), ElementsAre("a.org", "b.org", "c.org"));
  add("new", {"d.org"}, 3);
  EXPECT_THAT(hosts_of("listener~80"), ElementsAre("a.org", "b.org", "c.org"));
  EXPECT_THAT(hosts_of("listener~81"), ElementsAre("a.org", "b.org", "c.org"));
  const Overload* overload = routes_.loads.overloads.find({{"ns", "gw"}, "ns"});
  ASSERT_NE(overload, nullptr);
  EXPECT_EQ(overload->entries, 8u);
  EXPECT_THAT(names(overload->refused), ElementsAre("new"));
  // An older one comes: the newest have to go.
  add("oldest", {"e.org"}, 0);
  EXPECT_THAT(hosts_of("listener~80"), ElementsAre("a.org", "b.org", "e.org"));
  world_.erase(attach::ref(Kind::kHttpRoute, "ns", "old"));
  EXPECT_THAT(hosts_of("listener~80"), ElementsAre("c.org", "d.org", "e.org"));
  EXPECT_EQ(routes_.loads.overloads.find({{"ns", "gw"}, "ns"}), nullptr);
}

TEST_F(RouteLoadsTest, AHostOfARefusedRouteStaysWithTheWiderRules) {
  add("old", {"*.org", "a.com"}, 1);
  add("middle", {"b.com"}, 2);
  add("new", {"a.org"}, 3);
  EXPECT_THAT(hosts_of("listener~80"), ElementsAre("*.org", "a.com", "b.com"));
}

}  // namespace
}  // namespace kgw::envoy
