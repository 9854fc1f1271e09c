#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_world.h"

namespace kgw::attach {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class Attachments : public testing::Test {
 protected:
  const RouteAttachment& of(Kind kind, const char* ns, const char* name) {
    const RouteAttachment* found = world_.model.attachments.find(ref(kind, ns, name));
    return found == nullptr ? none_ : *found;
  }
  // The verdict on the only parentRef: "" when accepted.
  std::string reason(Kind kind, const char* ns, const char* name) {
    const RouteAttachment& route = of(kind, ns, name);
    if (route.parents.size() != 1) return std::to_string(route.parents.size()) + " parents";
    EXPECT_EQ(route.parents[0].unaccepted.operator bool(), route.parents[0].listeners.empty());
    return route.parents[0].unaccepted.reason;
  }
  // "listener: domain<route host ..." for every listener of every parent.
  std::vector<std::string> hosts(Kind kind, const char* ns, const char* name) {
    std::vector<std::string> result;
    for (const ParentBinding& parent : of(kind, ns, name).parents) {
      for (const ListenerAttachment& listener : parent.listeners) {
        std::string line = listener.listener.name.str() + ":";
        for (const AttachedHost& host : listener.hosts) {
          line += " " + host.domain.str() + "<" + host.route_host.str();
        }
        result.push_back(line);
      }
    }
    return result;
  }
  std::size_t attached(const char* ns, const char* gateway, const char* listener) {
    return world_.model.routes_by_listener.count(
        ListenerId{{ns, gateway}, ref(Kind::kGateway, ns, gateway), listener});
  }
  void http(const char* ns, const char* name, std::vector<ParentRef> parents,
            std::vector<std::string> hostnames = {}) {
    world_.set(route(HttpRoute(), ns, name, std::move(parents), std::move(hostnames)));
  }

  World world_;
  RouteAttachment none_;
};

TEST_F(Attachments, OnlyParentsOfOursHaveEntries) {
  GatewayClass other;
  other.metadata.name = "other";
  other.controller_name = "example.com/other";
  world_.set(other);
  auto foreign = gateway("infra", "foreign", {listener("web", "HTTP", 80)});
  foreign.gateway_class_name = "other";
  world_.set(foreign);
  world_.set(gateway("infra", "gw", {listener("web", "HTTP", 80)}));
  ParentRef mesh = parent("svc");
  mesh.group = "";
  mesh.kind = "Service";
  http("infra", "r", {parent("foreign"), parent("missing"), mesh, parent("gw")});
  http("infra", "none", {parent("foreign"), parent("missing")});
  world_.commit();
  const RouteAttachment& route = of(Kind::kHttpRoute, "infra", "r");
  ASSERT_THAT(route.parents, SizeIs(1));
  EXPECT_EQ(route.parents[0].parent, parent("gw"));
  EXPECT_EQ(route.parents[0].target, ref(Kind::kGateway, "infra", "gw"));
  EXPECT_EQ(world_.model.attachments.find(ref(Kind::kHttpRoute, "infra", "none")), nullptr);
}

// HTTPRouteInvalidParentRefNotMatchingSectionName, ...NotMatchingListenerPort,
// ...SectionNameNotMatchingPort
TEST_F(Attachments, NoMatchingParent) {
  world_.set(gateway("infra", "gw", {listener("web", "HTTP", 80), listener("alt", "HTTP", 81)}));
  http("infra", "section", {parent("gw", "nope")});
  http("infra", "port", {parent("gw", "", 82)});
  http("infra", "both", {parent("gw", "web", 81)});
  http("infra", "good", {parent("gw", "alt", 81)});
  http("infra", "by-port", {parent("gw", "", 80)});
  world_.commit();
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "section"), "NoMatchingParent");
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "port"), "NoMatchingParent");
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "both"), "NoMatchingParent");
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "good"), ElementsAre("alt: *<"));
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "by-port"), ElementsAre("web: *<"));
}

// HTTPRouteDisallowedKind, TLSRouteInvalidNoMatchingListener, TCPRouteInvalidNonTCPListener,
// UDPRouteNotAllowedByListeners
TEST_F(Attachments, KindMustSuitTheProtocol) {
  world_.set(gateway("infra", "gw",
                     {listener("http", "HTTP", 80), listener("https", "HTTPS", 443, "h.com"),
                      listener("tls", "TLS", 443, "t.com"), listener("tcp", "TCP", 90),
                      listener("udp", "UDP", 90)}));
  struct Case {
    Kind kind;
    std::vector<const char*> listeners;
  };
  const std::vector<const char*> all = {"http", "https", "tls", "tcp", "udp"};
  const std::vector<Case> cases = {{Kind::kHttpRoute, {"http", "https"}},
                                   {Kind::kGrpcRoute, {"http", "https"}},
                                   {Kind::kTlsRoute, {"tls"}},
                                   {Kind::kTcpRoute, {"tls", "tcp"}},
                                   {Kind::kUdpRoute, {"udp"}}};
  for (const Case& test : cases) {
    for (const char* section : all) {
      const std::vector<ParentRef> parents = {parent("gw", section)};
      if (test.kind == Kind::kHttpRoute)
        world_.set(route(HttpRoute(), "infra", section, parents));
      else if (test.kind == Kind::kGrpcRoute)
        world_.set(route(GrpcRoute(), "infra", section, parents));
      else
        world_.set(route(StreamRoute(test.kind), "infra", section, parents));
    }
    world_.commit();
    for (const char* section : all) {
      const bool suits = testing::Value(test.listeners, testing::Contains(testing::StrEq(section)));
      EXPECT_EQ(reason(test.kind, "infra", section), suits ? "" : "NotAllowedByListeners")
          << kind_name(test.kind) << " on " << section;
    }
  }
}

TEST_F(Attachments, KindsOfAllowedRoutes) {
  auto only_grpc = listener("grpc", "HTTP", 80);
  only_grpc.allowed_routes.kinds = {{kGatewayApi, "GRPCRoute"}};
  auto nothing = listener("nothing", "HTTP", 81);
  nothing.allowed_routes.kinds = {{kGatewayApi, "Invalid"}};
  world_.set(gateway("infra", "gw", {only_grpc, nothing}));
  http("infra", "r", {parent("gw")});
  world_.set(route(GrpcRoute(), "infra", "g", {parent("gw")}));
  world_.commit();
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "r"), "NotAllowedByListeners");
  EXPECT_THAT(hosts(Kind::kGrpcRoute, "infra", "g"), ElementsAre("grpc: *<"));
}

// HTTPRouteCrossNamespace, HTTPRouteInvalidCrossNamespaceParentRef
TEST_F(Attachments, NamespacesOfAllowedRoutes) {
  auto chosen = listener("chosen", "HTTP", 82);
  chosen.allowed_routes.namespaces = selecting("team", "red");
  auto by_name = listener("by-name", "HTTP", 83);
  by_name.allowed_routes.namespaces = selecting("kubernetes.io/metadata.name", "unknown");
  world_.set(
      gateway("infra", "gw",
              {listener("same", "HTTP", 80),
               allowing(listener("all", "HTTP", 81), FromNamespaces::kAll), chosen, by_name}));
  world_.set(labelled_namespace("red", {{"team", "red"}}));
  world_.set(labelled_namespace("blue", {{"team", "blue"}}));
  for (const char* section : {"same", "all", "chosen", "by-name"}) {
    for (const char* ns : {"infra", "red", "blue", "unknown"}) {
      http(ns, section, {in(parent("gw", section), "infra")});
    }
  }
  world_.commit();
  const auto allowed = [&](const char* section) {
    std::string result;
    for (const char* ns : {"infra", "red", "blue", "unknown"}) {
      const std::string why = reason(Kind::kHttpRoute, ns, section);
      EXPECT_TRUE(why.empty() || why == "NotAllowedByListeners") << why;
      if (why.empty()) result += std::string(ns) + " ";
    }
    return result;
  };
  EXPECT_EQ(allowed("same"), "infra ");
  EXPECT_EQ(allowed("all"), "infra red blue unknown ");
  EXPECT_EQ(allowed("chosen"), "red ");
  EXPECT_EQ(allowed("by-name"), "unknown ");
  // A label changes: the route comes by itself.
  world_.set(labelled_namespace("blue", {{"team", "red"}}));
  world_.commit();
  EXPECT_EQ(allowed("chosen"), "red blue ");
}

// GatewayWithAttachedRoutes: routes that are not accepted are not counted.
TEST_F(Attachments, HostnamesMustIntersect) {
  world_.set(
      gateway("infra", "gw",
              {listener("a", "HTTP", 80, "*.example.com"), listener("b", "HTTP", 80, "b.org")}));
  http("infra", "none", {parent("gw")}, {"other.net", "example.com"});
  http("infra", "some", {parent("gw")}, {"x.example.com", "b.org", "other.net"});
  http("infra", "any", {parent("gw")});
  world_.commit();
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "none"), "NoMatchingListenerHostname");
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "some"),
              ElementsAre("a: x.example.com<x.example.com", "b: b.org<b.org"));
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "any"),
              ElementsAre("a: *.example.com<", "b: b.org<"));
  EXPECT_EQ(attached("infra", "gw", "a"), 2u);
  EXPECT_EQ(attached("infra", "gw", "b"), 2u);
}

// *RouteMultipleRoutesAttachmentSameHostnameIntersection
TEST_F(Attachments, OriginalHostnameIsKept) {
  world_.set(gateway("infra", "gw", {listener("a", "HTTP", 80, "very.specific.com")}));
  http("infra", "r", {parent("gw")}, {"*.com", "*.specific.com", "Very.Specific.com"});
  http("infra", "wide", {parent("gw")}, {"*.com", "*.specific.com"});
  world_.commit();
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "r"),
              ElementsAre("a: very.specific.com<very.specific.com"));
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "wide"),
              ElementsAre("a: very.specific.com<*.specific.com"));
  EXPECT_EQ(world_.model.routes_by_host.count(
                HostId{{{"infra", "gw"}, "listener~80"}, "very.specific.com"}),
            2u);
}

// GatewayHTTPListenerIsolation
TEST_F(Attachments, ADomainBelongsToTheMostSpecificListener) {
  world_.set(gateway(
      "infra", "gw",
      {listener("empty", "HTTP", 80), listener("wild", "HTTP", 80, "*.example.com"),
       listener("foo", "HTTP", 80, "*.foo.example.com"),
       listener("exact", "HTTP", 80, "abc.foo.example.com"), listener("other-port", "HTTP", 81)}));
  const std::vector<std::string> hostnames = {"bar.com", "*.example.com", "*.foo.example.com",
                                              "abc.foo.example.com"};
  http("infra", "r", {parent("gw")}, hostnames);
  http("infra", "only-empty", {parent("gw", "empty")}, {"abc.foo.example.com"});
  world_.commit();
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "r"),
              ElementsAre("empty: bar.com<bar.com", "wild: *.example.com<*.example.com",
                          "foo: *.foo.example.com<*.foo.example.com",
                          "exact: abc.foo.example.com<abc.foo.example.com",
                          "other-port: bar.com<bar.com *.example.com<*.example.com "
                          "*.foo.example.com<*.foo.example.com "
                          "abc.foo.example.com<abc.foo.example.com"));
  // Attached, though it gets no traffic there.
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "only-empty"), ElementsAre("empty:"));
}

TEST_F(Attachments, AConflictedListenerIsolatesNothing) {
  world_.set(gateway("infra", "gw",
                     {listener("empty", "HTTP", 80), listener("loser", "TLS", 80, "a.com")}));
  http("infra", "r", {parent("gw", "empty")}, {"a.com"});
  http("infra", "on-loser", {parent("gw", "loser")}, {"a.com"});
  world_.commit();
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "r"), ElementsAre("empty: a.com<a.com"));
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "on-loser"), "NoMatchingParent");
}

TEST_F(Attachments, RouteTablesArePerPortOrPerHttpsListener) {
  auto gw = gateway("infra", "gw",
                    {listener("a", "HTTP", 80, "a.com"), listener("b", "HTTP", 80, "b.com"),
                     tls_listener("secure", 443, "missing")});
  gw.allowed_listeners.from = FromNamespaces::kSame;
  world_.set(gw);
  world_.set(listener_set("infra", "set", "infra", "gw", {tls_listener("s", 443, "x", "s.com")}));
  http("infra", "r", {parent("gw"), set_parent("set")});
  world_.commit();
  std::vector<std::string> tables;
  for (const auto& p : of(Kind::kHttpRoute, "infra", "r").parents) {
    for (const auto& l : p.listeners) tables.push_back(l.table.name.str());
  }
  // The certificate is missing: that does not keep routes from attaching.
  EXPECT_THAT(tables, ElementsAre("listener~80", "listener~80", "secure", "infra/set/s"));
}

// ListenerSetHTTPRouting, ListenerSetGatewayParentSectionNameNotFound,
// ListenerSetDualParentRefIndependence, ListenerSetRouteStatusScopedToParentRef
TEST_F(Attachments, AGatewayParentNeverReachesListenersOfSets) {
  auto gw = gateway("infra", "gw", {listener("web", "HTTP", 80, "gw.com")});
  gw.allowed_listeners.from = FromNamespaces::kSame;
  world_.set(gw);
  world_.set(listener_set("infra", "set", "infra", "gw", {listener("own", "HTTP", 80, "set.com")}));
  http("infra", "gateway", {parent("gw")});
  http("infra", "section", {parent("gw", "own")});
  http("infra", "set", {set_parent("set")});
  http("infra", "dual", {parent("gw", "own"), set_parent("set", "own")});
  world_.commit();
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "gateway"), ElementsAre("web: gw.com<"));
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "section"), "NoMatchingParent");
  EXPECT_THAT(hosts(Kind::kHttpRoute, "infra", "set"), ElementsAre("own: set.com<"));
  const auto& dual = of(Kind::kHttpRoute, "infra", "dual");
  ASSERT_THAT(dual.parents, SizeIs(2));
  EXPECT_EQ(dual.parents[0].unaccepted.reason, "NoMatchingParent");
  EXPECT_FALSE(dual.parents[1].unaccepted);
  EXPECT_EQ(dual.parents[1].gateway, (ObjectKey{"infra", "gw"}));
  EXPECT_EQ(dual.parents[1].target, ref(Kind::kListenerSet, "infra", "set"));
}

// ListenerSetAllowedRoutesNamespaces: "Same" is the namespace of the set.
TEST_F(Attachments, SameNamespaceIsThatOfTheOwnerOfTheListener) {
  auto gw = gateway("infra", "gw", {listener("web", "HTTP", 80, "gw.com")});
  gw.allowed_listeners.from = FromNamespaces::kAll;
  world_.set(gw);
  world_.set(listener_set("app", "set", "infra", "gw", {listener("own", "HTTP", 80, "set.com")}));
  http("app", "near", {in(set_parent("set"), "app")});
  http("infra", "far", {in(set_parent("set"), "app")});
  world_.commit();
  EXPECT_EQ(reason(Kind::kHttpRoute, "app", "near"), "");
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "far"), "NotAllowedByListeners");
}

TEST_F(Attachments, ASetThatIsNotAllowedTakesNoRoutes) {
  world_.set(gateway("infra", "gw", {listener("web", "HTTP", 80, "gw.com")}));
  world_.set(listener_set("infra", "set", "infra", "gw", {listener("own", "HTTP", 80, "set.com")}));
  http("infra", "r", {set_parent("set")});
  world_.commit();
  EXPECT_EQ(reason(Kind::kHttpRoute, "infra", "r"), "NoMatchingParent");
}

// GatewayModifyListeners, TCPRouteMultipleRoutesAttachment
TEST_F(Attachments, CountsPerListener) {
  world_.set(gateway("infra", "gw", {listener("a", "TCP", 90), listener("b", "TCP", 91)}));
  world_.set(route(StreamRoute(Kind::kTcpRoute), "infra", "r1", {parent("gw", "a")}));
  world_.set(route(StreamRoute(Kind::kTcpRoute), "infra", "r2", {parent("gw"), parent("gw", "a")}));
  world_.commit();
  EXPECT_EQ(attached("infra", "gw", "a"), 2u);
  EXPECT_EQ(attached("infra", "gw", "b"), 1u);
  world_.set(gateway("infra", "gw", {listener("a", "TCP", 90)}));
  world_.commit();
  EXPECT_EQ(attached("infra", "gw", "a"), 2u);
  EXPECT_EQ(attached("infra", "gw", "b"), 0u);
}

// TLSRouteMixedTerminationSameNamespace
TEST_F(Attachments, TlsModesShareAPortByHostname) {
  auto pass = listener("pass", "TLS", 8883, "pass.example.com");
  pass.tls = ListenerTls{.mode = TlsMode::kPassthrough};
  world_.set(gateway("infra", "gw", {pass, listener("term", "TLS", 8883, "term.example.com")}));
  world_.set(
      route(StreamRoute(Kind::kTlsRoute), "infra", "p", {parent("gw")}, {"pass.example.com"}));
  world_.set(
      route(StreamRoute(Kind::kTlsRoute), "infra", "t", {parent("gw")}, {"term.example.com"}));
  world_.commit();
  EXPECT_THAT(hosts(Kind::kTlsRoute, "infra", "p"),
              ElementsAre("pass: pass.example.com<pass.example.com"));
  EXPECT_THAT(hosts(Kind::kTlsRoute, "infra", "t"),
              ElementsAre("term: term.example.com<term.example.com"));
}

TEST_F(Attachments, DefaultGateways) {
  auto gw = gateway("infra", "gw", {allowing(listener("web", "HTTP", 80), FromNamespaces::kAll)});
  gw.default_scope = "All";
  world_.set(gw);
  world_.set(
      gateway("infra", "plain", {allowing(listener("web", "HTTP", 80), FromNamespaces::kAll)}));
  auto r = route(HttpRoute(), "app", "r", {});
  r.use_default_gateways = "All";
  world_.set(r);
  http("app", "without", {});
  world_.commit();
  const auto& attached_to = of(Kind::kHttpRoute, "app", "r");
  ASSERT_THAT(attached_to.parents, SizeIs(1));
  EXPECT_EQ(attached_to.parents[0].target, ref(Kind::kGateway, "infra", "gw"));
  EXPECT_EQ(attached_to.parents[0].parent, in(parent("gw"), "infra"));
  EXPECT_FALSE(attached_to.parents[0].unaccepted);
  EXPECT_THAT(of(Kind::kHttpRoute, "app", "without").parents, IsEmpty());
}

TEST_F(Attachments, ARuleChangeStopsHere) {
  world_.set(gateway("infra", "gw", {listener("web", "HTTP", 80)}));
  auto r = route(HttpRoute(), "infra", "r", {parent("gw")}, {"a.com"});
  world_.set(r);
  world_.commit();
  r.rules.emplace_back();
  r.metadata.generation = 2;
  world_.set(r);
  EXPECT_EQ(world_.commit().changed, 0u);
}

TEST_F(Attachments, AListenerOfAnotherSetDisturbsNobody) {
  auto gw = gateway("infra", "gw", {listener("web", "HTTP", 80)});
  gw.allowed_listeners.from = FromNamespaces::kAll;
  world_.set(gw);
  world_.set(listener_set("a", "set", "infra", "gw", {listener("a", "HTTPS", 443, "a.com")}));
  world_.set(route(HttpRoute(), "a", "r", {set_parent("set")}));
  world_.commit();
  std::vector<std::string> computed;
  world_.graph.set_trace([&](const engine::TraceEvent& event) {
    if (event.table == "attachments") computed.push_back(event.key);
  });
  world_.set(listener_set("b", "set", "infra", "gw", {listener("b", "HTTP", 8080, "b.com")}));
  world_.commit();
  EXPECT_THAT(computed, IsEmpty());
}

}  // namespace
}  // namespace kgw::attach
