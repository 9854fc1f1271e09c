#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_world.h"
#include "attach/trust.h"

namespace kgw::attach {
namespace {

using testing::HasSubstr;

// A route in namespace "app" whose only backendRef is resolved by a table of its own.
class Backends : public testing::Test {
 protected:
  Backends()
      : wishes_(world_.graph.input<int, BackendObjectRef>("wishes")),
        resolved_(world_.graph.derived<int, ResolvedBackend>("resolved")
                      .from(wishes_, [this](int, const BackendObjectRef& wish, engine::Read& read) {
                        return std::optional(world_.model.resolve_backend(
                            read, {kind_, {"app", "route"}}, wish, preferred_));
                      })) {}

  ResolvedBackend resolve(BackendObjectRef wish,
                          BackendProtocol preferred = BackendProtocol::kAuto) {
    preferred_ = preferred;
    wishes_.set(++last_, wish);
    world_.commit();
    return *resolved_.find(last_);
  }
  ResolvedBackend current() { return *resolved_.find(last_); }

  static BackendObjectRef to(const char* name, std::optional<std::int32_t> port,
                             const char* ns = "") {
    BackendObjectRef ref{.name = name, .port = port};
    if (*ns != '\0') ref.ns = ns;
    return ref;
  }

  World world_;
  Kind kind_ = Kind::kHttpRoute;
  BackendProtocol preferred_ = BackendProtocol::kAuto;
  int last_ = 0;
  engine::Input<int, BackendObjectRef>& wishes_;
  engine::Derived<int, ResolvedBackend>& resolved_;
};

// What tenants could otherwise reach through the proxy: its own ports, and those of its pod.
TEST_F(Backends, LocalOnesAreRefusedUnlessTheInstallationTrustsThem) {
  Service external = named(Service(), "app", "external");
  external.type = "ExternalName";
  external.external_name = "a.localhost";
  world_.set(external);
  Backend mixed = named(Backend(), "app", "mixed");
  mixed.static_backend = StaticBackend{{{"10.0.0.1", 80}, {"::ffff:127.0.0.1", 19000}}};
  world_.set(mixed);
  Backend good = named(Backend(), "app", "good");
  good.static_backend = StaticBackend{{{"10.0.0.1", 80}, {"example.com", 80}}};
  world_.set(good);
  const auto backend = [](const char* name) {
    return BackendObjectRef{.group = "gateway.kgateway.dev", .kind = "Backend", .name = name};
  };
  for (const bool allowed : {true, false}) {
    set_trust({.local_backends = allowed});
    const char* reason = allowed ? "" : "AddressNotAllowed";
    EXPECT_EQ(resolve(to("external", 80)).unresolved.reason, reason);
    EXPECT_EQ(resolve(backend("mixed")).unresolved.reason, reason);
    EXPECT_FALSE(resolve(backend("good")).unresolved);
  }
  set_trust({});
}

TEST_F(Backends, ServicePort) {
  world_.set(
      service("app", "web", {{.name = "http", .port = 80}, {.port = 53, .protocol = "UDP"}}));
  const ResolvedBackend backend = resolve(to("web", 80));
  EXPECT_FALSE(backend.unresolved);
  EXPECT_EQ(cluster_name(backend.cluster), Name("kube_app_web_80"));
  EXPECT_EQ(resolve(to("web", 81)).unresolved.reason, "BackendNotFound");
  EXPECT_EQ(resolve(to("web", std::nullopt)).unresolved.reason, "BackendNotFound");
  EXPECT_EQ(resolve(to("missing", 80)).unresolved.reason, "BackendNotFound");
  // The port number exists, but for another transport.
  EXPECT_EQ(resolve(to("web", 53)).unresolved.reason, "BackendNotFound");
  EXPECT_EQ(resolve(to("web", 80), BackendProtocol::kUdp).unresolved.reason, "BackendNotFound");
  EXPECT_EQ(cluster_name(resolve(to("web", 53), BackendProtocol::kUdp).cluster),
            Name("kube_app_web_53_udp"));
}

TEST_F(Backends, AreResolvedWhenTheyAppear) {
  EXPECT_TRUE(resolve(to("web", 80)).unresolved);
  world_.set(service("app", "web", {{.port = 80}}));
  world_.commit();
  EXPECT_FALSE(current().unresolved);
  world_.erase(ref(Kind::kService, "app", "web"));
  world_.commit();
  EXPECT_EQ(current().unresolved.reason, "BackendNotFound");
}

TEST_F(Backends, AppProtocolSaysWhatIsSpoken) {
  const auto with = [&](std::optional<std::string> app_protocol, const char* port_name = "",
                        BackendProtocol preferred = BackendProtocol::kAuto) {
    world_.set(
        service("app", "web", {{.name = port_name, .port = 80, .app_protocol = app_protocol}}));
    return resolve(to("web", 80), preferred);
  };
  for (const char* h2 : {"http2", "grpc", "grpc-web", "kubernetes.io/h2c"}) {
    EXPECT_EQ(with(h2).cluster.protocol, BackendProtocol::kHttp2) << h2;
  }
  EXPECT_EQ(with(std::nullopt, "grpc").cluster.protocol, BackendProtocol::kHttp2);
  EXPECT_EQ(with("http", "grpc").cluster.protocol, BackendProtocol::kAuto);
  EXPECT_TRUE(with("kubernetes.io/ws").websocket);
  EXPECT_EQ(with("kubernetes.io/ws").cluster.protocol, BackendProtocol::kAuto);
  EXPECT_EQ(with("kubernetes.io/wss").unresolved.reason, "UnsupportedProtocol");
  EXPECT_FALSE(with("example.com/mine").unresolved);
  EXPECT_FALSE(with(std::nullopt, "postgres").unresolved);
  // GRPCRoute: HTTP/2 whatever the port says; the other routes carry bytes.
  EXPECT_EQ(with(std::nullopt, "", BackendProtocol::kHttp2).cluster.protocol,
            BackendProtocol::kHttp2);
  const auto tcp = with("kubernetes.io/h2c", "", BackendProtocol::kTcp);
  EXPECT_EQ(cluster_name(tcp.cluster), Name("kube_app_web_80_tcp"));
  EXPECT_EQ(cluster_name(with("grpc").cluster), Name("kube_app_web_80_h2"));
}

TEST_F(Backends, ExternalNameNeedsNoPorts) {
  auto external = service("app", "ext", {});
  external.type = "ExternalName";
  external.external_name = "example.com";
  world_.set(external);
  EXPECT_FALSE(resolve(to("ext", 443)).unresolved);
}

TEST_F(Backends, UnknownKinds) {
  BackendObjectRef unknown = to("x", 80);
  unknown.kind = "NonExistent";
  EXPECT_EQ(resolve(unknown).unresolved.reason, "InvalidKind");
  BackendObjectRef delegate = to("child", std::nullopt);
  delegate.group = kGatewayApi;
  delegate.kind = "HTTPRoute";
  EXPECT_EQ(resolve(delegate).unresolved.reason, "InvalidKind");
  EXPECT_THAT(resolve(delegate).unresolved.message, HasSubstr("Delegation"));
}

TEST_F(Backends, AStaticBackendHasThePortsOfItsHosts) {
  Backend backend;
  backend.metadata.ns = "app";
  backend.metadata.name = "b";
  backend.type = "Static";
  backend.static_backend = StaticBackend{{{"1.2.3.4", 80}, {"1.2.3.5", 80}}, {}};
  world_.set(backend);
  const auto with_port = [&](std::optional<std::int32_t> port) {
    BackendObjectRef ref = to("b", port);
    ref.group = "gateway.kgateway.dev";
    ref.kind = "Backend";
    return resolve(ref);
  };
  EXPECT_EQ(with_port(9999).unresolved.reason, "BackendNotFound");
  EXPECT_THAT(with_port(9999).unresolved.message, HasSubstr("no host with port 9999"));
  EXPECT_EQ(with_port(80).cluster, with_port(std::nullopt).cluster);
  backend.static_backend->hosts.push_back({"1.2.3.6", 81});
  world_.set(backend);
  EXPECT_EQ(cluster_name(with_port(80).cluster), Name("backend_app_b_80"));
  EXPECT_EQ(cluster_name(with_port(81).cluster), Name("backend_app_b_81"));
  EXPECT_EQ(cluster_name(with_port(std::nullopt).cluster), Name("backend_app_b_0"));
}

TEST_F(Backends, StaticBackend) {
  auto backend = named(Backend(), "app", "ext");
  backend.type = "Static";
  backend.static_backend = StaticBackend{{{"1.2.3.4", 80}}, "grpc"};
  world_.set(backend);
  BackendObjectRef wish = to("ext", std::nullopt);
  wish.group = "gateway.kgateway.dev";
  wish.kind = "Backend";
  EXPECT_EQ(cluster_name(resolve(wish).cluster), Name("backend_app_ext_0_h2"));
  backend.type = "AWS";
  backend.static_backend.reset();
  world_.set(backend);
  EXPECT_EQ(resolve(wish).unresolved.reason, "InvalidKind");
  EXPECT_THAT(resolve(wish).unresolved.message, HasSubstr("AWS"));
  wish.name = "missing";
  EXPECT_EQ(resolve(wish).unresolved.reason, "BackendNotFound");
}

// HTTPRouteInvalidCrossNamespaceBackendRef, HTTPRouteReferenceGrant, ...InvalidReferenceGrant
TEST_F(Backends, OtherNamespacesNeedAGrant) {
  world_.set(service("other", "web", {{.port = 80}}));
  EXPECT_EQ(resolve(to("web", 80, "other")).unresolved.reason, "RefNotPermitted");
  // The grant is judged before existence, so that nothing is learnt of what exists there.
  EXPECT_EQ(resolve(to("missing", 80, "other")).unresolved.reason, "RefNotPermitted");
  resolve(to("web", 80, "other"));

  const GrantFrom from{kGatewayApi, "HTTPRoute", "app"};
  const GrantTo service_kind{"", "Service", std::nullopt};
  const std::vector<ReferenceGrant> near_misses = {
      grant("app", "a", from, service_kind),  // in the namespace of the route
      grant("other", "b", {kGatewayApi, "HTTPRoute", "other"}, service_kind),
      grant("other", "c", {kGatewayApi, "TCPRoute", "app"}, service_kind),
      grant("other", "d", {"", "HTTPRoute", "app"}, service_kind),
      grant("other", "e", from, {"", "Secret", std::nullopt}),
      grant("other", "f", from, {"apps", "Service", std::nullopt}),
      grant("other", "g", from, {"", "Service", "other-name"}),
  };
  for (const ReferenceGrant& miss : near_misses) world_.set(miss);
  world_.commit();
  EXPECT_EQ(current().unresolved.reason, "RefNotPermitted");

  for (const std::optional<std::string>& name :
       {std::optional<std::string>(), std::optional<std::string>("web")}) {
    world_.set(grant("other", "yes", from, {"", "Service", name}));
    world_.commit();
    EXPECT_FALSE(current().unresolved);
    world_.erase(ref(Kind::kReferenceGrant, "other", "yes"));
    world_.commit();
    EXPECT_EQ(current().unresolved.reason, "RefNotPermitted");
  }
}

TEST_F(Backends, LabelsOfAServiceReachNobody) {
  auto web = service("app", "web", {{.port = 80}});
  world_.set(web);
  resolve(to("web", 80));
  web.metadata.labels["x"] = "y";
  world_.set(web);
  EXPECT_EQ(world_.commit().changed, 0u);
}

}  // namespace
}  // namespace kgw::attach
