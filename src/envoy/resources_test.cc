#include "envoy/resources.h"

#include <algorithm>

#include "attach/test_world.h"
#include "envoy/bootstrap_testing.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using attach::ClusterId;
using attach::gateway;
using attach::listener;
using attach::named;
using attach::parent;
using attach::service;
using ::envoy::config::cluster::v3::Cluster;
using ::envoy::config::endpoint::v3::ClusterLoadAssignment;
using testing::ElementsAre;
using testing::IsEmpty;

const ObjectRef kCart{Kind::kService, {"shop", "cart"}};
const ClusterId kCartHttp{kCart, 80};
const ObjectKey kFirst{"infra", "first"}, kSecond{"infra", "second"};

class ResourcesTest : public testing::Test {
 protected:
  void uses(const char* route, std::vector<GatewayCluster> clusters) {
    users_.set({Kind::kHttpRoute, {"shop", route}},
               std::make_shared<const std::vector<GatewayCluster>>(std::move(clusters)));
  }

  void slice(const char* name, std::vector<std::string> addresses) {
    auto slice = named(EndpointSlice(), "shop", name);
    slice.metadata.labels["kubernetes.io/service-name"] = "cart";
    slice.address_type = "IPv4";
    slice.ports = {{"", 8080}};
    for (std::string& address : addresses) slice.endpoints.push_back({{std::move(address)}});
    world_.set(slice);
  }

  void secret(const char* name) {
    auto secret = named(Secret(), "infra", name);
    secret.type = "kubernetes.io/tls";
    secret.data = {{"tls.crt", std::string(kTestCertificate)}, {"tls.key", std::string(kTestKey)}};
    world_.set(secret);
  }

  void backend_tls() {
    auto map = named(ConfigMap(), "shop", "ca");
    map.data["ca.crt"] = kTestCertificate;
    world_.set(map);
    auto policy = named(BackendTlsPolicy(), "shop", "tls");
    policy.target_refs = {{"", "Service", "cart", {}}};
    policy.ca_certificate_refs = {{"", "ConfigMap", "ca"}};
    policy.hostname = "cart.example.com";
    world_.set(policy);
  }

  // The names of a Gateway's resources.
  static std::vector<std::string> names(const Resources::Published& table, const ObjectKey& of) {
    std::vector<std::string> names;
    table.for_each([&](const GatewayResourceId& id, const Resource&) {
      if (id.gateway == of) names.push_back(id.name.str());
    });
    return names;
  }

  static Resource get(const Resources::Published& table, const ObjectKey& gateway,
                      const char* name) {
    const Resource* resource = table.find({gateway, name});
    EXPECT_NE(resource, nullptr) << name;
    return resource == nullptr ? make_resource(name, "") : *resource;
  }

  // "chain name[server names]" of a listener.
  std::vector<std::string> chains(const ObjectKey& gateway, const char* name) {
    std::vector<std::string> lines;
    const auto listener = decode<::envoy::config::listener::v3::Listener>(
        get(resources_.gateway_listeners, gateway, name));
    for (const auto& chain : listener.filter_chains()) {
      std::string line = chain.name() + "[";
      for (const auto& server_name : chain.filter_chain_match().server_names()) line += server_name;
      lines.push_back(line + "]");
    }
    return lines;
  }

  static Settings settings() {
    Settings settings;
    settings.place.addresses = [](const Gateway& gateway) -> std::vector<std::string> {
      if (gateway.addresses.empty()) return {"0.0.0.0"};
      return {gateway.addresses.front().value};
    };
    return settings;
  }

  attach::World world_;
  engine::Input<ObjectRef, std::vector<GatewayCluster>>& users_ =
      world_.graph.input<ObjectRef, std::vector<GatewayCluster>>("test users");
  Resources::ClusterUsers& users_by_cluster_ = world_.graph.index<GatewayCluster>(
      users_, "test users by cluster",
      [](const ObjectRef&, const std::vector<GatewayCluster>& clusters, auto&& emit) {
        for (const GatewayCluster& cluster : clusters) emit(cluster);
      });
  engine::Input<ObjectRef, policy::BoundStreamRoute>& streams_ =
      world_.graph.input<ObjectRef, policy::BoundStreamRoute>("test stream rules");
  engine::Input<attach::RouteTableId, TableLayout>& layouts_ =
      world_.graph.input<attach::RouteTableId, TableLayout>("test layouts");
  Resources resources_{world_.graph, world_.model, users_by_cluster_,
                       streams_,     layouts_,     settings()};
};

TEST_F(ResourcesTest, OnlyReferencedClustersExist) {
  world_.set(service("shop", "cart", {{.port = 80}, {.name = "more", .port = 81}}));
  slice("s", {"10.0.0.1"});
  world_.commit();
  EXPECT_EQ(resources_.gateway_clusters.size(), 0u);
  EXPECT_EQ(resources_.assignments.size(), 0u);

  uses("r", {{kFirst, kCartHttp}});
  world_.commit();
  EXPECT_THAT(names(resources_.gateway_clusters, kFirst), ElementsAre("kube_shop_cart_80"));
  expect_resource<ClusterLoadAssignment>(
      get(resources_.gateway_endpoints, kFirst, "kube_shop_cart_80"), R"pb(
        cluster_name: "kube_shop_cart_80"
        endpoints {
          lb_endpoints {
            endpoint { address { socket_address { address: "10.0.0.1" port_value: 8080 } } }
          }
        }
      )pb");

  users_.erase({Kind::kHttpRoute, {"shop", "r"}});
  world_.commit();
  EXPECT_EQ(resources_.gateway_clusters.size(), 0u);
  EXPECT_EQ(resources_.gateway_endpoints.size(), 0u);
}

TEST_F(ResourcesTest, GatewaysShareTheBytes) {
  world_.set(service("shop", "cart", {{.port = 80}}));
  uses("r", {{kFirst, kCartHttp}, {kSecond, kCartHttp}});
  world_.commit();
  for (const auto* table : {&resources_.gateway_clusters, &resources_.gateway_endpoints}) {
    EXPECT_EQ(get(*table, kFirst, "kube_shop_cart_80").body,
              get(*table, kSecond, "kube_shop_cart_80").body);
  }
}

TEST_F(ResourcesTest, AChangedSliceCostsOneEncodingAndTouchesNothingElse) {
  world_.set(service("shop", "cart", {{.port = 80}}));
  world_.set(gateway("infra", "first", {listener("web", "HTTP", 80)}));
  slice("s", {"10.0.0.1"});
  uses("r", {{kFirst, kCartHttp}, {kSecond, kCartHttp}});
  uses("other", {{kFirst, kCartHttp}});
  world_.commit();

  std::vector<std::string> computed;
  world_.graph.set_trace([&](const engine::TraceEvent& event) {
    if (event.kind == engine::TableKind::kDerived) computed.emplace_back(event.table);
  });
  slice("s", {"10.0.0.1", "10.0.0.2"});
  world_.commit();
  EXPECT_THAT(computed, ElementsAre("encoded endpoints", "gateway endpoints", "gateway endpoints"));
}

TEST_F(ResourcesTest, AServiceWithoutEndpointsHasAnEmptyAssignment) {
  world_.set(service("shop", "cart", {{.port = 80}}));
  uses("r", {{kFirst, kCartHttp}});
  world_.commit();
  expect_resource<ClusterLoadAssignment>(
      get(resources_.gateway_endpoints, kFirst, "kube_shop_cart_80"),
      R"pb(cluster_name: "kube_shop_cart_80")pb");
}

TEST_F(ResourcesTest, StaticBackends) {
  auto backend = named(Backend(), "shop", "cart");
  backend.static_backend = StaticBackend{{{"10.0.0.1", 1}, {"10.0.0.2", 2}}, {}};
  world_.set(backend);
  const ClusterId id{{Kind::kBackend, {"shop", "cart"}}, 0};
  uses("r", {{kFirst, id}});
  world_.commit();
  const auto assignment = decode<ClusterLoadAssignment>(
      get(resources_.gateway_endpoints, kFirst, "backend_shop_cart_0"));
  EXPECT_EQ(assignment.endpoints(0).lb_endpoints_size(), 2);

  backend.static_backend = StaticBackend{{{"cart.example.com", 1}}, {}};
  world_.set(backend);
  world_.commit();
  EXPECT_EQ(resources_.gateway_endpoints.size(), 0u) << "names are for DNS";
  EXPECT_TRUE(decode<Cluster>(get(resources_.gateway_clusters, kFirst, "backend_shop_cart_0"))
                  .has_cluster_type());
}

TEST_F(ResourcesTest, OnlyGatewaysWithAClientCertificateHaveTheirOwnVariant) {
  world_.set(service("shop", "cart", {{.port = 80}}));
  secret("client");
  auto first = gateway("infra", "first", {listener("web", "HTTP", 80)});
  GatewayTls tls;
  tls.backend.emplace().client_certificate_ref = SecretObjectRef{.name = "client"};
  first.tls = tls;
  world_.set(first);
  world_.set(gateway("infra", "second", {listener("web", "HTTP", 80)}));
  uses("r", {{kFirst, kCartHttp}, {kSecond, kCartHttp}});
  world_.commit();
  EXPECT_EQ(get(resources_.gateway_clusters, kFirst, "kube_shop_cart_80").body,
            get(resources_.gateway_clusters, kSecond, "kube_shop_cart_80").body)
      << "a backend in plain text gets no certificate";

  backend_tls();
  world_.commit();
  EXPECT_NE(get(resources_.gateway_clusters, kFirst, "kube_shop_cart_80"),
            get(resources_.gateway_clusters, kSecond, "kube_shop_cart_80"));
  EXPECT_THAT(names(resources_.gateway_secrets, kFirst),
              ElementsAre("ca~configmap~shop~ca", "cert~infra~client"));
  EXPECT_THAT(names(resources_.gateway_secrets, kSecond), ElementsAre("ca~configmap~shop~ca"));
}

TEST_F(ResourcesTest, AnInvalidBackendTlsPolicyLeavesAClusterThatFails) {
  world_.set(service("shop", "cart", {{.port = 80}}));
  slice("s", {"10.0.0.1"});
  uses("r", {{kFirst, kCartHttp}});
  backend_tls();
  world_.erase({Kind::kConfigMap, {"shop", "ca"}});
  world_.commit();
  EXPECT_EQ(decode<Cluster>(get(resources_.gateway_clusters, kFirst, "kube_shop_cart_80")).type(),
            Cluster::STATIC);
  EXPECT_EQ(resources_.gateway_endpoints.size(), 0u);
}

TEST_F(ResourcesTest, OneListenerPerPort) {
  auto first = gateway("infra", "first",
                       {listener("a", "HTTP", 80, "a.com"), listener("b", "HTTP", 80, "b.com"),
                        listener("c", "HTTP", 8080), attach::tls_listener("d", 443, "cert")});
  first.addresses = {{.value = "10.1.2.3"}};
  secret("cert");
  world_.set(first);
  world_.commit();
  EXPECT_THAT(names(resources_.gateway_listeners, kFirst),
              ElementsAre("listener~443", "listener~80", "listener~8080"));
  EXPECT_THAT(chains(kFirst, "listener~80"), ElementsAre("http[]"));
  EXPECT_THAT(chains(kFirst, "listener~443"), ElementsAre("d[]"));
  EXPECT_THAT(names(resources_.gateway_secrets, kFirst), ElementsAre("cert~infra~cert"));
  EXPECT_EQ(decode<::envoy::config::listener::v3::Listener>(
                get(resources_.gateway_listeners, kFirst, "listener~80"))
                .address()
                .socket_address()
                .address(),
            "10.1.2.3");
}

TEST_F(ResourcesTest, AListenerWithoutCertificateWaitsForItWithoutHarm) {
  world_.set(gateway(
      "infra", "first",
      {attach::tls_listener("a", 443, "cert", "a.com"),
       attach::tls_listener("b", 443, "good", "b.com"), attach::tls_listener("c", 8443, "cert")}));
  secret("good");
  world_.commit();
  EXPECT_THAT(names(resources_.gateway_listeners, kFirst), ElementsAre("listener~443"));
  EXPECT_THAT(chains(kFirst, "listener~443"), ElementsAre("a[a.com]", "b[b.com]"));
  EXPECT_THAT(names(resources_.gateway_secrets, kFirst), ElementsAre("cert~infra~good"));
  secret("cert");
  world_.commit();
  EXPECT_THAT(names(resources_.gateway_listeners, kFirst),
              ElementsAre("listener~443", "listener~8443"));
  EXPECT_THAT(names(resources_.gateway_secrets, kFirst),
              ElementsAre("cert~infra~cert", "cert~infra~good"));
}

TEST_F(ResourcesTest, AQuarantinedFilterChainIsLeftOutAndTheOthersGoOn) {
  world_.set(gateway("infra", "first",
                     {attach::tls_listener("a", 443, "cert", "a.com"),
                      attach::tls_listener("b", 443, "cert", "b.com")}));
  secret("cert");
  world_.commit();
  const auto parts = resources_.listener_chains({kFirst, "listener~443"});
  ASSERT_EQ(parts.size(), 2u);
  const std::string hash = parts[0]->hash;
  auto& quarantine = resources_.quarantined_filter_chains;
  quarantine.set(Name(hash), QuarantinedChain{"bad", {}});
  world_.commit();
  EXPECT_THAT(chains(kFirst, "listener~443"), ElementsAre("b[b.com]"));
  quarantine.set(Name(hash), QuarantinedChain{"bad", make_chain("a", "a.com", "", false)});
  world_.commit();
  EXPECT_THAT(chains(kFirst, "listener~443"), ElementsAre("[]", "b[b.com]"));
  quarantine.erase(Name(hash));
  world_.commit();
  EXPECT_THAT(chains(kFirst, "listener~443"), ElementsAre("a[a.com]", "b[b.com]"));
}

TEST_F(ResourcesTest, AHostOfTlsRoutesBelongsToTheMostPreciseThenTheOldest) {
  Listener tls = listener("pass", "TLS", 443);
  tls.tls = ListenerTls{.mode = TlsMode::kPassthrough};
  world_.set(gateway("infra", "first", {tls}));
  const auto add = [&](const char* name, std::int64_t created, std::vector<std::string> hosts) {
    StreamRoute route(Kind::kTlsRoute);
    route = attach::route(route, "infra", name, {parent("first")}, std::move(hosts));
    world_.set(route);
    policy::BoundStreamRoute bound;
    bound.ref = route.ref();
    bound.creation_time = created;
    bound.backends = {{{{Kind::kService, {"shop", name}}, 1}, 1, true}};
    streams_.set(bound.ref, std::make_shared<const policy::BoundStreamRoute>(bound));
  };
  add("young", 20, {"a.com", "b.com"});
  add("old", 10, {"a.com"});
  world_.commit();
  EXPECT_THAT(chains(kFirst, "listener~443"),
              ElementsAre("pass~a.com[a.com]", "pass~b.com[b.com]", "pass[]"));
  std::vector<std::string> clusters;
  resources_.chains.for_each([&](const ListenerShape&, const ListenerChains& listener) {
    for (const FilterChain& chain : listener.chains) {
      const std::string text =
          as_text(decode<::envoy::config::listener::v3::FilterChain>(*chain.body));
      const auto at = text.find(" cluster: ");
      clusters.push_back(text.substr(at + 10, text.find('\n', at) - at - 10));
    }
  });
  EXPECT_THAT(clusters,
              ElementsAre("\"kube_shop_old_1\"", "\"kube_shop_young_1\"", "\"blackhole-cluster\""));
}

TEST_F(ResourcesTest, ARouteTouchesOnlyItsListener) {
  world_.set(
      gateway("infra", "first",
              {listener("one", "TCP", 1), listener("two", "TCP", 2), listener("web", "HTTP", 80)}));
  world_.commit();
  EXPECT_THAT(names(resources_.gateway_listeners, kFirst),
              ElementsAre("listener~1", "listener~2", "listener~80"));
  const Version before = get(resources_.gateway_listeners, kFirst, "listener~2").version;
  StreamRoute route(Kind::kTcpRoute);
  route = attach::route(route, "infra", "r", {parent("first", "one")});
  world_.set(route);
  policy::BoundStreamRoute bound;
  bound.ref = route.ref();
  bound.backends = {{{kCart, 80, attach::BackendProtocol::kTcp}, 1, true}};
  streams_.set(bound.ref, std::make_shared<const policy::BoundStreamRoute>(bound));
  std::vector<std::string> published;
  world_.graph.set_trace([&](const engine::TraceEvent& event) {
    if (event.table == "gateway listeners") published.push_back(event.key);
  });
  world_.commit();
  EXPECT_THAT(published, ElementsAre("infra/first listener~1"));
  EXPECT_EQ(get(resources_.gateway_listeners, kFirst, "listener~2").version, before);
}

}  // namespace
}  // namespace kgw::envoy
