#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_world.h"
#include "attach/tls_options.h"

namespace kgw::attach {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> kinds(const BoundListener& listener) {
  std::vector<std::string> result;
  for (const RouteGroupKind& kind : listener.supported_kinds) result.push_back(kind.kind);
  return result;
}

const GatewayListeners& bound(World& world, const char* ns, const char* name) {
  const GatewayListeners* found = world.model.listeners.find({ns, name});
  EXPECT_NE(found, nullptr);
  static const GatewayListeners none;
  return found != nullptr ? *found : none;
}

GatewayListeners bind(std::vector<Listener> listeners, Place place = {}) {
  World world(std::move(place));
  world.set(gateway("infra", "gw", std::move(listeners)));
  world.commit();
  return bound(world, "infra", "gw");
}

TEST(Listeners, OnlyGatewaysOfOurController) {
  World world;
  GatewayClass other;
  other.metadata.name = "other";
  other.controller_name = "example.com/other";
  world.set(other);
  GatewayClass second;  // any class of our controller is ours, whatever its name
  second.metadata.name = "second";
  second.controller_name = kControllerName;
  world.set(second);
  auto a = gateway("infra", "a", {listener("web", "HTTP", 80)});
  auto b = a, c = a;
  b.metadata.name = "b";
  b.gateway_class_name = "other";
  c.metadata.name = "c";
  c.gateway_class_name = "second";
  world.set(a);
  world.set(b);
  world.set(c);
  world.commit();
  EXPECT_NE(world.model.listeners.find({"infra", "a"}), nullptr);
  EXPECT_EQ(world.model.listeners.find({"infra", "b"}), nullptr);
  EXPECT_NE(world.model.listeners.find({"infra", "c"}), nullptr);
}

TEST(Listeners, UnsupportedProtocolHasNoKinds) {
  const auto gw = bind({listener("bad", "INVALID", 80), listener("good", "HTTP", 81)});
  EXPECT_EQ(gw.listeners[0].unaccepted.reason, "UnsupportedProtocol");
  EXPECT_THAT(gw.listeners[0].supported_kinds, IsEmpty());
  EXPECT_FALSE(gw.listeners[0].usable());
  EXPECT_TRUE(gw.listeners[1].usable());
}

TEST(Listeners, KindsFollowTheProtocol) {
  const auto gw =
      bind({listener("a", "HTTP", 80), listener("b", "HTTPS", 443), listener("c", "TLS", 444),
            listener("d", "TCP", 90), listener("e", "UDP", 91)});
  EXPECT_THAT(kinds(gw.listeners[0]), ElementsAre("HTTPRoute", "GRPCRoute"));
  EXPECT_THAT(kinds(gw.listeners[1]), ElementsAre("HTTPRoute", "GRPCRoute"));
  EXPECT_THAT(kinds(gw.listeners[2]), ElementsAre("TLSRoute", "TCPRoute"));
  EXPECT_THAT(kinds(gw.listeners[3]), ElementsAre("TCPRoute"));
  EXPECT_THAT(kinds(gw.listeners[4]), ElementsAre("UDPRoute"));
}

TEST(Listeners, UnknownKindsAreReportedAndTheOthersStay) {
  auto none = listener("none", "HTTP", 80, "a.com");
  none.allowed_routes.kinds = {{kGatewayApi, "InvalidRoute"}};
  auto mixed = listener("mixed", "HTTP", 80, "b.com");
  mixed.allowed_routes.kinds = {{kGatewayApi, "HTTPRoute"}, {kGatewayApi, "InvalidRoute"}};
  auto group = listener("group", "HTTP", 80, "c.com");
  group.allowed_routes.kinds = {{"example.com", "HTTPRoute"}};
  auto tls = listener("tls", "TLS", 443);  // TCPRoute is invalid there since Gateway API 1.5
  tls.tls = ListenerTls{.mode = TlsMode::kPassthrough};
  tls.allowed_routes.kinds = {{kGatewayApi, "TCPRoute"}, {kGatewayApi, "TLSRoute"}};
  const auto gw = bind({none, mixed, group, tls});
  for (const BoundListener& listener : gw.listeners) {
    EXPECT_EQ(listener.bad_kinds.reason, "InvalidRouteKinds");
    EXPECT_TRUE(listener.usable());
  }
  EXPECT_THAT(kinds(gw.listeners[0]), IsEmpty());
  EXPECT_THAT(kinds(gw.listeners[1]), ElementsAre("HTTPRoute"));
  EXPECT_THAT(kinds(gw.listeners[2]), IsEmpty());
  EXPECT_THAT(kinds(gw.listeners[3]), ElementsAre("TLSRoute"));
}

// TLSRouteListenerTerminateSupportedKinds
TEST(Listeners, ATcpRouteMayTakeWhatTlsTerminates) {
  auto wanted = listener("wanted", "TLS", 443, "a.com");
  wanted.allowed_routes.kinds = {{kGatewayApi, "TCPRoute"}, {kGatewayApi, "TLSRoute"}};
  const auto gw = bind({listener("any", "TLS", 443), wanted});
  EXPECT_THAT(kinds(gw.listeners[0]), ElementsAre("TLSRoute", "TCPRoute"));
  EXPECT_THAT(kinds(gw.listeners[1]), ElementsAre("TCPRoute", "TLSRoute"));
  EXPECT_FALSE(gw.listeners[1].bad_kinds);
}

TEST(Listeners, OptionsOfATlsListenerThatPassesThroughHaveNoEffect) {
  auto pass = listener("pass", "TLS", 443);
  pass.tls = ListenerTls{.mode = TlsMode::kPassthrough,
                         .options = {{"kgateway.dev/min-tls-version", "1.3"}}};
  const auto gw = bind({pass});
  EXPECT_TRUE(gw.listeners[0].usable());
  EXPECT_THAT(ineffective_tls_options(gw.listeners[0]).message.str(),
              testing::HasSubstr("kgateway.dev/min-tls-version has no effect"));
}

TEST(Listeners, PortsOfTheProxyItselfAreTaken) {
  const std::vector<Listener> listeners = {listener("a", "HTTP", 8082), listener("b", "TCP", 9091),
                                           listener("c", "UDP", 8082)};
  const auto gw = bind(listeners, {.own_ports = {8082, 9091}});
  EXPECT_EQ(gw.listeners[0].unaccepted.reason, "PortUnavailable");
  EXPECT_EQ(gw.listeners[1].unaccepted.reason, "PortUnavailable");
  EXPECT_TRUE(gw.listeners[2].usable());  // its own ports are all of TCP
  for (const BoundListener& listener : bind(listeners).listeners) EXPECT_TRUE(listener.usable());
}

TEST(Listeners, HttpsCannotPassThrough) {
  auto https = listener("https", "HTTPS", 443);
  https.tls = ListenerTls{.mode = TlsMode::kPassthrough};
  EXPECT_EQ(bind({https}).listeners[0].unaccepted.reason, "UnsupportedValue");
}

TEST(Listeners, UnknownParametersAndAddressTypesRejectTheGateway) {
  World world;
  auto gw = gateway("infra", "gw", {listener("web", "HTTP", 80)});
  gw.infrastructure = GatewayInfrastructure{};
  gw.infrastructure->parameters_ref = ParametersRef{"invalid.io", "Parameters", "x"};
  world.set(gw);
  auto known = gw;
  known.metadata.name = "known";
  known.infrastructure->parameters_ref =
      ParametersRef{"gateway.kgateway.dev", "GatewayParameters", "x"};
  world.set(known);
  world.set(named(GatewayParameters(), "infra", "x"));
  auto address = gateway("infra", "address", {listener("web", "HTTP", 80)});
  address.addresses = {{"IPAddress", ""}, {"test/fake-invalid-type", "x"}};
  world.set(address);
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.reason, "InvalidParameters");
  EXPECT_EQ(bound(world, "infra", "known").parameters.reason, "");
  EXPECT_EQ(bound(world, "infra", "address").unaccepted.reason, "UnsupportedAddress");
}

TEST(Listeners, ParametersMustExist) {
  World world;
  auto gw = gateway("infra", "gw", {listener("web", "HTTP", 80)});
  gw.infrastructure = GatewayInfrastructure{};
  gw.infrastructure->parameters_ref =
      ParametersRef{"gateway.kgateway.dev", "GatewayParameters", "x"};
  world.set(gw);
  world.set(named(GatewayParameters(), "other", "x"));
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.message,
            "infrastructure.parametersRef: GatewayParameters infra/x does not exist");
  world.set(named(GatewayParameters(), "infra", "x"));
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.reason, "");
  world.erase({Kind::kGatewayParameters, {"infra", "x"}});
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.reason, "InvalidParameters");
}

TEST(Listeners, ParametersOfTheClassMustExist) {
  World world;
  GatewayClass gateway_class;
  gateway_class.metadata.name = "kgateway";
  gateway_class.controller_name = kControllerName;
  gateway_class.parameters_ref =
      ParametersRef{"gateway.kgateway.dev", "GatewayParameters", "x", "system"};
  world.set(gateway_class);
  world.set(gateway("infra", "gw", {listener("web", "HTTP", 80)}));
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.message,
            "GatewayClass kgateway: parametersRef: GatewayParameters system/x does not exist");
  world.set(named(GatewayParameters(), "system", "x"));
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.reason, "");
  gateway_class.parameters_ref->kind = "ConfigMap";
  world.set(gateway_class);
  world.commit();
  EXPECT_EQ(bound(world, "infra", "gw").parameters.reason, "InvalidParameters");
}

TEST(Conflicts, SameHostnameOnOnePort) {
  const auto gw = bind({listener("a", "HTTP", 80, "a.com"), listener("b", "HTTP", 80, "A.com"),
                        listener("c", "HTTP", 80, "*.a.com"), listener("d", "HTTP", 81, "a.com"),
                        listener("e", "HTTP", 80)});
  EXPECT_TRUE(gw.listeners[0].usable());
  EXPECT_EQ(gw.listeners[1].conflicted.reason, "HostnameConflict");
  EXPECT_THAT(gw.listeners[1].conflicted.message, testing::HasSubstr("\"a\""));
  EXPECT_TRUE(gw.listeners[2].usable());
  EXPECT_TRUE(gw.listeners[3].usable());
  EXPECT_TRUE(gw.listeners[4].usable());
}

TEST(Conflicts, ProtocolsThatCannotShareAPort) {
  for (const char* other : {"HTTPS", "TLS", "TCP"}) {
    const auto gw = bind({listener("a", "HTTP", 80, "a.com"), listener("b", other, 80, "b.com")});
    EXPECT_TRUE(gw.listeners[0].usable()) << other;
    EXPECT_EQ(gw.listeners[1].conflicted.reason, "ProtocolConflict") << other;
  }
  for (const char* protocol : {"TCP", "UDP"}) {
    const auto gw = bind({listener("a", protocol, 80), listener("b", protocol, 80)});
    EXPECT_TRUE(gw.listeners[0].usable()) << protocol;
    EXPECT_EQ(gw.listeners[1].conflicted.reason, "ProtocolConflict") << protocol;
  }
}

TEST(Conflicts, HttpsAndTlsShareAPortBySni) {
  auto pass = listener("pass", "TLS", 443, "b.com");
  pass.tls = ListenerTls{.mode = TlsMode::kPassthrough};
  const auto gw =
      bind({listener("a", "HTTPS", 443, "a.com"), pass, listener("terminate", "TLS", 443, "c.com"),
            listener("again", "TLS", 443, "a.com")});
  EXPECT_TRUE(gw.listeners[0].usable());
  EXPECT_TRUE(gw.listeners[1].usable());
  EXPECT_TRUE(gw.listeners[2].usable());
  EXPECT_EQ(gw.listeners[3].conflicted.reason, "HostnameConflict");
}

TEST(Conflicts, TcpAndUdpAreDifferentPorts) {
  const auto gw = bind({listener("a", "TCP", 53), listener("b", "UDP", 53)});
  EXPECT_TRUE(gw.listeners[0].usable());
  EXPECT_TRUE(gw.listeners[1].usable());
}

TEST(Conflicts, AnUnusableListenerTakesNoPort) {
  const auto gw = bind({listener("a", "INVALID", 80), listener("b", "HTTP", 80)});
  EXPECT_TRUE(gw.listeners[1].usable());
}

TEST(Conflicts, OverlappingTlsHostnamesAreNoted) {
  const auto gw = bind({listener("a", "HTTPS", 443, "foo.example.com"),
                        listener("b", "HTTPS", 443, "foo.example.org"),
                        listener("c", "HTTPS", 443, "*.example.com"),
                        listener("d", "HTTP", 80, "*.example.com"), listener("e", "HTTP", 80)});
  EXPECT_EQ(gw.listeners[0].overlapping.reason, "OverlappingHostnames");
  EXPECT_FALSE(gw.listeners[1].overlapping);
  EXPECT_EQ(gw.listeners[2].overlapping.reason, "OverlappingHostnames");
  EXPECT_FALSE(gw.listeners[3].overlapping);
  EXPECT_TRUE(gw.listeners[0].usable());
}

class ListenerSets : public testing::Test {
 protected:
  ListenerSets() {
    gw_ = gateway("infra", "gw", {listener("web", "HTTP", 80, "gw.com")});
    gw_.allowed_listeners.from = FromNamespaces::kAll;
  }
  Fault verdict(const char* ns, const char* name) {
    for (const auto& set : bound(world_, "infra", "gw").listener_sets) {
      if (set.key == ObjectKey{ns, name}) return set.not_allowed;
    }
    ADD_FAILURE() << "no verdict on " << ns << "/" << name;
    return {};
  }
  std::vector<std::string> order() {
    std::vector<std::string> names;
    for (const auto& l : bound(world_, "infra", "gw").listeners) names.push_back(l.id.name.str());
    return names;
  }

  World world_;
  Gateway gw_;
};

TEST_F(ListenerSets, AreNotAllowedByDefault) {
  gw_.allowed_listeners = Gateway().allowed_listeners;
  world_.set(gw_);
  world_.set(listener_set("infra", "same", "infra", "gw", {listener("a", "HTTP", 80, "a.com")}));
  world_.commit();
  EXPECT_EQ(verdict("infra", "same").reason, "NotAllowed");
  EXPECT_THAT(order(), ElementsAre("web"));
}

TEST_F(ListenerSets, AreAllowedByNamespace) {
  world_.set(listener_set("infra", "same", "infra", "gw", {listener("a", "HTTP", 80, "a.com")}));
  world_.set(listener_set("one", "x", "infra", "gw", {listener("b", "HTTP", 80, "b.com")}));
  world_.set(listener_set("two", "x", "infra", "gw", {listener("c", "HTTP", 80, "c.com")}));
  world_.set(labelled_namespace("one", {{"team", "red"}}));
  world_.set(labelled_namespace("two", {{"team", "blue"}}));

  gw_.allowed_listeners.from = FromNamespaces::kSame;
  world_.set(gw_);
  world_.commit();
  EXPECT_THAT(order(), ElementsAre("web", "a"));
  EXPECT_EQ(verdict("one", "x").reason, "NotAllowed");

  gw_.allowed_listeners = selecting("team", "red");
  world_.set(gw_);
  world_.commit();
  EXPECT_THAT(order(), ElementsAre("web", "b"));

  world_.set(labelled_namespace("two", {{"team", "red"}}));
  world_.commit();
  EXPECT_THAT(order(), ElementsAre("web", "b", "c"));
}

TEST_F(ListenerSets, PrecedenceIsGatewayThenAgeThenName) {
  world_.set(gw_);
  auto young = listener_set("a", "a", "infra", "gw", {listener("young", "HTTP", 80, "a.com")});
  young.metadata.creation_time = 200;
  auto old =
      listener_set("z", "z", "infra", "gw",
                   {listener("old", "HTTP", 80, "a.com"), listener("g", "HTTP", 80, "gw.com")});
  old.metadata.creation_time = 100;
  auto twin = listener_set("a", "b", "infra", "gw", {listener("twin", "HTTP", 80, "b.com")});
  twin.metadata.creation_time = 200;
  for (const auto& set : {young, old, twin}) world_.set(set);
  world_.commit();
  EXPECT_THAT(order(), ElementsAre("web", "old", "g", "young", "twin"));
  const auto& gw = bound(world_, "infra", "gw");
  EXPECT_TRUE(gw.listeners[0].usable());
  EXPECT_TRUE(gw.listeners[1].usable());
  EXPECT_EQ(gw.listeners[2].conflicted.reason, "HostnameConflict");
  EXPECT_EQ(gw.listeners[3].conflicted.reason, "HostnameConflict");
  EXPECT_TRUE(gw.listeners[4].usable());
  // What others call their objects is not told.
  EXPECT_THAT(gw.listeners[3].conflicted.message, testing::Not(testing::HasSubstr("old")));
  EXPECT_EQ(gw.find(gw.listeners[3].id), &gw.listeners[3]);
}

TEST_F(ListenerSets, MissingPortFollowsTheProtocol) {
  world_.set(gw_);
  world_.set(listener_set(
      "infra", "set", "infra", "gw",
      {listener("a", "HTTP", 0, "a.com"), listener("b", "HTTPS", 0), listener("c", "TCP", 0)}));
  world_.commit();
  const auto& gw = bound(world_, "infra", "gw");
  EXPECT_EQ(gw.listeners[1].port, 80);
  EXPECT_EQ(gw.listeners[2].port, 443);
  EXPECT_EQ(gw.listeners[3].unaccepted.reason, "UnsupportedValue");
}

TEST_F(ListenerSets, OfAnUnacceptedGatewayAreNotAccepted) {
  gw_.addresses = {{"unknown", "x"}};
  world_.set(gw_);
  world_.set(listener_set("infra", "set", "infra", "gw", {listener("a", "HTTP", 0, "a.com")}));
  world_.commit();
  EXPECT_EQ(verdict("infra", "set").reason, "ParentNotAccepted");
}

TEST_F(ListenerSets, AStatusWriteChangesNothing) {
  world_.set(gw_);
  auto set = listener_set("infra", "set", "infra", "gw", {listener("a", "HTTP", 0, "a.com")});
  world_.set(set);
  world_.commit();
  world_.set(set);
  world_.set(gw_);
  EXPECT_EQ(world_.commit().changed, 0u);
  set.metadata.generation = 2;
  world_.set(set);
  EXPECT_GT(world_.commit().changed, 0u);
}

}  // namespace
}  // namespace kgw::attach
