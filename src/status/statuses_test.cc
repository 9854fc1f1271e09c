// What proxies say, seen in the statuses of the objects that it is about.
#include "status/statuses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_certificates.h"
#include "status/conditions.h"
#include "status/feedback.h"

namespace kgw::status {
namespace {

using attach::listener;
using attach::parent;
using attach::tls_listener;
using envoy::ResourceType;
using testing::HasSubstr;

const ObjectKey kGateway = {"infra", "gw"};

class StatusesTest : public testing::Test {
 protected:
  StatusesTest() {
    world_.set(attach::gateway(
        "infra", "gw",
        {listener("plain", "HTTP", 80), tls_listener("a", 443, "cert-a", "a.example.com"),
         tls_listener("b", 443, "cert-b", "b.example.com")}));
    world_.set(attach::tls_secret("infra", "cert-a", attach::make_pair("a.example.com")));
    world_.set(attach::tls_secret("infra", "cert-b", attach::make_pair("b.example.com")));
    world_.set(attach::service("infra", "app", {{.port = 80}}));
    auto route = attach::route(HttpRoute(), "infra", "route", {parent("gw", "plain")});
    HttpRouteRule rule;
    rule.backend_refs.emplace_back();
    rule.backend_refs.back().ref.name = "app";
    rule.backend_refs.back().ref.port = 80;
    route.rules.push_back(rule);
    world_.set(route);
    world_.commit();
    accept_everything();
  }

  void accept_everything() {
    const auto accept = [&](const envoy::Resources::Published& table, ResourceType type) {
      table.for_each([&](const envoy::GatewayResourceId& id, const envoy::Resource& resource) {
        feedback_.on_delivered(id.gateway, {type, id.name}, resource.version);
      });
    };
    accept(resources_.gateway_listeners, ResourceType::kListener);
    accept(resources_.gateway_secrets, ResourceType::kSecret);
    accept(resources_.gateway_clusters, ResourceType::kCluster);
    world_.commit();
  }

  void refuse(ResourceType type, const Name& name, const char* words) {
    feedback_.on_rejected(kGateway, {type, name}, {}, words);
    world_.commit();
  }

  Name cluster() {
    Name name;
    resources_.gateway_clusters.for_each(
        [&](const envoy::GatewayResourceId& id, const envoy::Resource&) { name = id.name; });
    return name;
  }

  Condition of_listener(const char* name) {
    const auto& status = std::get<GatewayStatus>(*statuses_.table.find({Kind::kGateway, kGateway}));
    for (const ListenerStatus& listener : status.listeners) {
      if (listener.name == name) return *find(listener.conditions, "Programmed");
    }
    return {};
  }

  Condition of_gateway(std::string_view type) {
    const auto& status = std::get<GatewayStatus>(*statuses_.table.find({Kind::kGateway, kGateway}));
    return *find(status.conditions, type);
  }

  Condition of_route() {
    const auto& status =
        std::get<RouteStatus>(*statuses_.table.find({Kind::kHttpRoute, {"infra", "route"}}));
    return *find(status.parents.at(0).conditions, kRouteProgrammed);
  }

  attach::World world_;
  policy::Rules rules_{world_.graph, world_.model};
  envoy::Routes routes_{world_.graph, world_.model, rules_};
  envoy::Resources resources_{world_.graph,        world_.model,          routes_.users_by_cluster,
                              rules_.stream_rules, routes_.layouts.table, envoy::Settings()};
  Delivery delivery_{world_.graph};
  Statuses statuses_{world_.graph, world_.model, rules_, routes_, resources_, delivery_};
  Feedback feedback_{delivery_, [](ResourceType, const Name&, const Held*) {}};
};

TEST_F(StatusesTest, ListenersAreProgrammedWhenAllOfThemIsAccepted) {
  for (const char* name : {"plain", "a", "b"}) EXPECT_EQ(of_listener(name).status, "True") << name;
}

TEST_F(StatusesTest, ParametersThatAreGoneAreToldAndTakeNothingAway) {
  GatewayClass gateway_class;
  gateway_class.metadata.name = "kgateway";
  gateway_class.controller_name = attach::kControllerName;
  gateway_class.parameters_ref =
      ParametersRef{"gateway.kgateway.dev", "GatewayParameters", "gone", "system"};
  feedback_.update_proxies(kGateway, [](ProxyState& state) {
    state.connected = 1;
    state.addresses = {{"IPAddress", "192.0.2.1", {}}};
  });
  world_.set(gateway_class);
  world_.commit();
  EXPECT_EQ(of_gateway("Accepted").reason, "InvalidParameters");
  EXPECT_EQ(of_gateway("Programmed").status, "True");
  EXPECT_EQ(of_listener("plain").status, "True");
  const auto& of_class =
      std::get<GatewayClassStatus>(*statuses_.table.find({Kind::kGatewayClass, {{}, "kgateway"}}));
  EXPECT_EQ(find(of_class.conditions, "Accepted")->reason, "InvalidParameters");
  EXPECT_NE(resources_.bind_addresses.find(kGateway), nullptr);
}

TEST_F(StatusesTest, SelfManagedProxiesNeedNoAddressToBeProgrammed) {
  feedback_.update_proxies(kGateway, [](ProxyState& state) { state.connected = 1; });
  world_.commit();
  EXPECT_EQ(of_gateway("Programmed").reason, "AddressNotAssigned");
  feedback_.update_proxies(kGateway, [](ProxyState& state) { state.self_managed = true; });
  world_.commit();
  EXPECT_EQ(of_gateway("Programmed").status, "True");
}

TEST_F(StatusesTest, NothingIsProgrammedByProxiesThatAreGone) {
  using std::chrono::seconds;
  const auto at = [](int second) { return std::chrono::steady_clock::time_point(seconds(second)); };
  const auto tick = [&](int second) {
    feedback_.tick(at(second), seconds(15));
    world_.commit();
  };
  feedback_.update_proxies(kGateway, [](ProxyState& state) { state.self_managed = true; });
  feedback_.on_proxies_changed(kGateway, 1);
  tick(0);
  tick(100);
  EXPECT_EQ(of_gateway("Programmed").status, "True");

  // A restart is nothing to report.
  feedback_.on_proxies_changed(kGateway, 0);
  tick(100);
  tick(114);
  EXPECT_EQ(of_listener("plain").status, "True");
  feedback_.on_proxies_changed(kGateway, 1);
  tick(116);
  feedback_.on_proxies_changed(kGateway, 0);
  tick(117);
  EXPECT_EQ(of_gateway("Programmed").status, "True");

  tick(132);
  for (const Condition& condition :
       {of_gateway("Programmed"), of_listener("plain"), of_listener("a"), of_route()}) {
    EXPECT_EQ(condition.status, "False");
    EXPECT_EQ(condition.reason, "Pending");
    EXPECT_THAT(condition.message, HasSubstr("No proxy"));
  }
  EXPECT_EQ(of_gateway("Accepted").status, "True");
  feedback_.update_proxies(kGateway, [](ProxyState& state) { state.problem = "0 of 1 ready"; });
  world_.commit();
  EXPECT_EQ(of_gateway("Programmed").message, "No proxy is connected. 0 of 1 ready");

  feedback_.on_proxies_changed(kGateway, 2);
  world_.commit();
  EXPECT_EQ(of_gateway("Programmed").status, "True");
  EXPECT_EQ(of_listener("a").status, "True");
  EXPECT_NE(of_route().status, "False");
}

TEST_F(StatusesTest, AListenerThatIsNotProgrammedYetIsNamedByItsGateway) {
  feedback_.update_proxies(kGateway, [](ProxyState& state) { state.self_managed = true; });
  delivery_.resources.erase({kGateway, {ResourceType::kSecret, "cert~infra~cert-a"}});
  world_.commit();
  EXPECT_EQ(of_gateway("Programmed").status, "True");
  EXPECT_EQ(of_gateway("Programmed").message,
            "Some listeners are not programmed: a: Waiting for a proxy to acknowledge the "
            "listener.");
}

TEST_F(StatusesTest, AGatewaysReferencesAreResolvedWhenThoseOfItsListenersAre) {
  EXPECT_EQ(of_gateway("ResolvedRefs").status, "True");
  world_.erase({Kind::kSecret, {"infra", "cert-b"}});
  world_.commit();
  EXPECT_EQ(of_gateway("ResolvedRefs").status, "False");
  EXPECT_EQ(of_gateway("ResolvedRefs").reason, "ListenersNotResolved");
  EXPECT_THAT(of_gateway("ResolvedRefs").message, HasSubstr("b: "));
}

TEST_F(StatusesTest, AListenerWaitsForItsCertificates) {
  delivery_.resources.erase({kGateway, {ResourceType::kSecret, "cert~infra~cert-a"}});
  world_.commit();
  EXPECT_EQ(of_listener("a").status, "Unknown");
  EXPECT_EQ(of_listener("b").status, "True");
}

TEST_F(StatusesTest, ARefusedListenerIsShownByAllThatItCarries) {
  refuse(ResourceType::kListener, "listener~443", "no such thing");
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(of_listener(name).status, "False");
    EXPECT_EQ(of_listener(name).reason, "Invalid");
    EXPECT_THAT(of_listener(name).message, HasSubstr("no such thing"));
  }
  EXPECT_EQ(of_listener("plain").status, "True");
  accept_everything();
  EXPECT_EQ(of_listener("a").status, "True");
}

TEST_F(StatusesTest, AQuarantinedChainIsShownByItsListenerAlone) {
  const auto chains = resources_.listener_chains({kGateway, "listener~443"});
  ASSERT_EQ(chains.size(), 2u);
  const auto* chain = chains[0]->name == "b" ? chains[0] : chains[1];
  const Name hash = chain->hash;
  resources_.quarantined_filter_chains.set(hash, envoy::QuarantinedChain{"bad curves", {}});
  world_.commit();
  accept_everything();
  EXPECT_EQ(of_listener("b").status, "False");
  EXPECT_EQ(of_listener("b").message, "Envoy rejected the listener: bad curves");
  EXPECT_EQ(of_listener("a").status, "True");
  resources_.quarantined_filter_chains.set(
      hash, envoy::QuarantinedChain{"bad curves", envoy::make_chain("b", "b", "", false)});
  world_.commit();
  EXPECT_THAT(of_listener("b").message, HasSubstr("stays in force"));
  resources_.quarantined_filter_chains.erase(hash);
  world_.commit();
  EXPECT_EQ(of_listener("b").status, "True");
}

TEST_F(StatusesTest, ARefusedSecretIsShownByTheListenersThatUseIt) {
  refuse(ResourceType::kSecret, "cert~infra~cert-b", "bad key");
  EXPECT_EQ(of_listener("b").status, "False");
  EXPECT_EQ(of_listener("b").message, "Envoy rejected the secret cert~infra~cert-b: bad key");
  EXPECT_EQ(of_listener("a").status, "True");
  accept_everything();
  EXPECT_EQ(of_listener("b").status, "True");
}

TEST_F(StatusesTest, RefusedClustersAndEndpointsAreShownByTheRoutesThatUseThem) {
  for (const auto type : {ResourceType::kCluster, ResourceType::kEndpoint}) {
    refuse(type, cluster(), "no such cluster");
    EXPECT_EQ(of_route().status, "False");
    EXPECT_EQ(of_route().reason, "BackendRejected");
    EXPECT_THAT(of_route().message, HasSubstr("infra/app: no such cluster"));
    feedback_.on_delivered(kGateway, {type, cluster()}, {});
    world_.commit();
    EXPECT_NE(of_route().status, "False");
  }
  refuse(ResourceType::kCluster, "somebody-elses", "no");
  EXPECT_NE(of_route().status, "False");
}

TEST_F(StatusesTest, ARefusalIsForgottenWithItsCluster) {
  refuse(ResourceType::kCluster, cluster(), "no such cluster");
  feedback_.removed({kGateway, {ResourceType::kCluster, cluster()}});
  world_.commit();
  EXPECT_EQ(delivery_.shortfalls.find(kGateway), nullptr);
}

TEST_F(StatusesTest, AListenerThatTheServiceDoesNotReachIsNotProgrammed) {
  const std::string words = "Service infra/gw cannot be applied: may not change once set";
  feedback_.update_proxies(kGateway, [&](ProxyState& state) {
    state.connected = 1;
    state.addresses = {{"IPAddress", "10.0.0.1", {}}};
    state.refused = words;
    state.missing_ports[{80, false}] = words;
    state.missing_ports[{443, true}] = words;
  });
  world_.commit();
  EXPECT_EQ(of_listener("plain").status, "False");
  EXPECT_EQ(of_listener("plain").reason, "ServicePortMissing");
  EXPECT_EQ(of_listener("plain").message, "The Service does not have port 80: " + words);
  EXPECT_EQ(of_listener("a").status, "True") << "UDP 443 is another port";
  EXPECT_EQ(of_gateway(kDeployFailed).status, "True");
  EXPECT_EQ(of_gateway(kDeployFailed).message, words);
  EXPECT_EQ(of_gateway("Programmed").status, "True");
  EXPECT_THAT(of_gateway("Programmed").message.str(), HasSubstr("plain: The Service does not"));

  feedback_.update_proxies(kGateway, [&](ProxyState& state) {
    state.addresses.clear();
    state.missing_ports[{80, false}].clear();
  });
  world_.commit();
  EXPECT_EQ(of_listener("plain").status, "Unknown");
  EXPECT_EQ(of_gateway("Programmed").reason, "AddressNotAssigned");
  EXPECT_EQ(of_gateway("Programmed").message, "There is no address yet: " + words);
}

}  // namespace
}  // namespace kgw::status
