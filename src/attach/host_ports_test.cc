#include "attach/host_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_world.h"

namespace kgw::attach {
namespace {

using testing::HasSubstr;

// All proxies on one host; a Gateway without addresses listens on 0.0.0.0.
Place one_host() {
  return {.addresses =
              [](const Gateway& gateway) {
                std::vector<std::string> addresses;
                for (const GatewayAddress& a : gateway.addresses) addresses.push_back(a.value);
                return addresses.empty() ? std::vector<std::string>{"0.0.0.0"} : addresses;
              },
          .own_ports = {},
          .one_host = true};
}

Gateway at(Gateway gateway, std::vector<std::string> addresses, std::int64_t created = 0) {
  for (std::string& value : addresses) {
    GatewayAddress address;
    address.value = std::move(value);
    gateway.addresses.push_back(std::move(address));
  }
  gateway.metadata.creation_time = created;
  return gateway;
}

Gateway web(const char* name, std::int32_t port = 80) {
  return gateway("default", name, {listener("web", "HTTP", port)});
}

std::string why(World& world, const char* name) {
  const GatewayListeners* found = world.model.listeners.find({"default", name});
  return found == nullptr ? "no such Gateway" : found->listeners.at(0).unaccepted.message.str();
}

TEST(HostPorts, AddressesOverlap) {
  EXPECT_TRUE(overlap("127.0.0.1", "127.0.0.1"));
  EXPECT_TRUE(overlap("0.0.0.0", "127.0.0.1"));
  EXPECT_TRUE(overlap("10.0.0.1", "::"));
  EXPECT_TRUE(overlap("::", "fd00::1"));
  EXPECT_TRUE(overlap("0.0.0.0", "::"));
  EXPECT_TRUE(overlap("fd00:0::1", "fd00::1"));
  EXPECT_TRUE(overlap("::ffff:127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(overlap("127.0.0.1", "127.0.0.2"));
  EXPECT_FALSE(overlap("0.0.0.0", "fd00::1"));
  EXPECT_FALSE(overlap("::1", "fd00::1"));
}

TEST(HostPorts, OfTwoGatewaysTheFirstByNameHasThePortAndTheOtherNamesIt) {
  World world(one_host());
  world.set(web("public"));
  world.set(web("private"));
  world.commit();
  EXPECT_EQ(why(world, "private"), "");
  EXPECT_THAT(why(world, "public"), HasSubstr("Port 80 is taken by Gateway default/private"));
  world.erase(ref(Kind::kGateway, "default", "private"));
  world.commit();
  EXPECT_EQ(why(world, "public"), "");
}

TEST(HostPorts, TheOlderGatewayComesFirst) {
  World world(one_host());
  world.set(at(web("a"), {}, 20));
  world.set(at(web("b"), {}, 10));
  world.commit();
  EXPECT_NE(why(world, "a"), "");
  EXPECT_EQ(why(world, "b"), "");
}

TEST(HostPorts, InAClusterEachGatewayHasItsOwnAddress) {
  World world;
  world.set(web("a"));
  world.set(web("b"));
  world.commit();
  EXPECT_EQ(why(world, "a"), "");
  EXPECT_EQ(why(world, "b"), "");
}

TEST(HostPorts, ProtocolsOfTcpCompeteAndUdpDoesNot) {
  World world(one_host());
  world.set(gateway("default", "a", {listener("x", "HTTP", 443), listener("u", "UDP", 53)}));
  world.set(gateway("default", "b", {listener("x", "TLS", 443)}));
  world.set(gateway("default", "c", {listener("x", "TCP", 53)}));
  world.set(gateway("default", "d", {listener("x", "UDP", 53)}));
  world.commit();
  EXPECT_EQ(why(world, "a"), "");
  EXPECT_THAT(why(world, "b"), HasSubstr("default/a"));
  EXPECT_EQ(why(world, "c"), "");
  EXPECT_THAT(why(world, "d"), HasSubstr("default/a"));
}

TEST(HostPorts, AWildcardTakesEveryAddress) {
  World world(one_host());
  world.set(at(web("a"), {"127.0.0.1"}));
  world.set(at(web("b"), {"127.0.0.2"}));
  world.set(at(web("c"), {"0.0.0.0"}));
  world.commit();
  EXPECT_EQ(why(world, "a"), "");
  EXPECT_EQ(why(world, "b"), "");
  EXPECT_NE(why(world, "c"), "");
}

TEST(HostPorts, WhoLostAPortKeepsItFromNobody) {
  World world(one_host());
  world.set(at(web("a"), {"127.0.0.1"}));
  world.set(at(web("b"), {"127.0.0.1", "127.0.0.2"}));
  world.set(at(web("c"), {"127.0.0.2"}));
  world.commit();
  EXPECT_EQ(why(world, "a"), "");
  EXPECT_NE(why(world, "b"), "");
  EXPECT_EQ(why(world, "c"), "");
}

TEST(HostPorts, AListenerOfASetCompetesForItsGateway) {
  World world(one_host());
  Gateway first = web("a", 81);
  first.allowed_listeners.from = FromNamespaces::kSame;
  world.set(first);
  world.set(listener_set("default", "set", "default", "a", {listener("more", "HTTP", 80)}));
  world.set(web("b"));
  world.commit();
  EXPECT_THAT(why(world, "b"), HasSubstr("default/a"));
}

TEST(HostPorts, AListenerThatCannotBeServedClaimsNothing) {
  World world(one_host());
  world.set(gateway("default", "a", {listener("bad", "INVALID", 80)}));
  world.set(web("b"));
  world.commit();
  EXPECT_EQ(why(world, "b"), "");
}

TEST(HostPorts, APortIsUsedOnceTheHostHasGrantedIt) {
  Place place = one_host();
  place.needs_grants = true;
  World world(place);
  world.set(web("a"));
  world.commit();
  EXPECT_NE(why(world, "a"), "");
  const GatewayHostPort id{{"default", "a"}, {80, false}};
  world.model.port_grants.set(id, {"process 17 (nginx)"});
  world.commit();
  EXPECT_EQ(why(world, "a"), "Port 80 is in use by process 17 (nginx)");
  world.model.port_grants.set(id, {});
  world.commit();
  EXPECT_EQ(why(world, "a"), "");
}

}  // namespace
}  // namespace kgw::attach
