// From objects to route tables: attachment, order, isolation, quarantine and what a change touches.
#include "envoy/routes.h"

#include <gmock/gmock.h>

#include "attach/test_world.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/route_entry.h"
#include "policy/test_route.h"

namespace kgw::envoy {
namespace {

using attach::gateway;
using attach::listener;
using attach::parent;
using attach::tls_listener;
using policy::backend;
using policy::exact;
using policy::prefix;
using policy::rule;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

namespace proto = ::envoy::config::route::v3;

struct RoutesTest : testing::Test {
  attach::World world;
  policy::Rules rules{world.graph, world.model};
  Routes routes{world.graph, world.model, rules};

  RoutesTest() {
    for (const char* name : {"a", "b", "c"}) {
      world.set(attach::service("ns", name, {{.name = "http", .port = 80}}));
    }
  }

  void add(const char* name, std::vector<std::string> hosts, std::vector<HttpRouteRule> rules,
           std::vector<ParentRef> parents = {parent("gw")}, std::int64_t created = 1) {
    auto route = attach::route(HttpRoute(), "ns", name, std::move(parents), std::move(hosts));
    route.rules = std::move(rules);
    route.metadata.creation_time = created;
    world.set(std::move(route));
  }

  proto::RouteConfiguration table(const char* name) {
    const ShardId shard{{{"ns", "gw"}, name}, 0};
    proto::RouteConfiguration config;
    const Resource* resource = routes.route_shards.find(shard);
    EXPECT_NE(resource, nullptr) << name;
    if (resource == nullptr) return config;
    EXPECT_TRUE(config.ParseFromString(*resource->body));
    EXPECT_EQ(config.name(), resource->name.str());
    EXPECT_TRUE(config.ignore_port_in_host_matching());
    EXPECT_TRUE(config.most_specific_header_mutations_wins());
    EXPECT_EQ(config.response_headers_to_add(0).header().key(), "server");
    return config;
  }

  // "domain: a b" for every host: the clusters, or the status of direct responses, in order.
  std::vector<std::string> summary(const char* name) {
    std::vector<std::string> lines;
    const proto::RouteConfiguration config = table(name);
    for (const proto::VirtualHost& host : config.virtual_hosts()) {
      std::string line = host.domains(0) + ":";
      for (const proto::Route& route : host.routes()) {
        line += " ";
        if (route.has_direct_response()) {
          line += std::to_string(route.direct_response().status());
        } else if (route.route().cluster() == kBlackholeCluster) {
          line += "500";
        } else {
          line += route.route().cluster().substr(8, 1);  // "kube_ns_X_80"
        }
      }
      lines.push_back(line);
    }
    return lines;
  }
};

TEST_F(RoutesTest, ASimpleRoute) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  add("r", {"a.org"}, {rule({prefix("/x")}, {backend("a")})});
  world.commit();
  EXPECT_THAT(summary("listener~80"), UnorderedElementsAre("*:", "a.org: a"));
  const auto table = this->table("listener~80");
  for (const auto& host : table.virtual_hosts()) {
    if (host.domains(0) != "a.org") continue;
    EXPECT_EQ(host.name(), "listener~80~a_org");
    EXPECT_THAT(host.routes(0).name(), testing::StartsWith("HTTPRoute/ns/r/"));
    EXPECT_EQ(host.routes(0).match().path_separated_prefix(), "/x");
  }
  const GatewayCluster use{{"ns", "gw"}, {{Kind::kService, {"ns", "a"}}, 80, {}}};
  EXPECT_EQ(routes.users_by_cluster.count(use), 1u);
}

TEST_F(RoutesTest, ANarrowHostAlsoHasTheRulesOfWiderOnes) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  add("exact", {"x.a.org"}, {rule({prefix("/")}, {backend("a")})});
  add("wild", {"*.a.org"}, {rule({exact("/longer/path")}, {backend("b")})});
  add("any", {}, {rule({exact("/longest/path/of/all")}, {backend("c")})});
  world.commit();
  EXPECT_THAT(summary("listener~80"),
              UnorderedElementsAre("*: c", "*.a.org: b c", "x.a.org: a b c"));
}

// Listener isolation: a request belongs to the most specific listener, with or without routes.
TEST_F(RoutesTest, ListenersKeepTheirHostsApart) {
  world.set(gateway("ns", "gw",
                    {listener("any", "HTTP", 80), listener("wild", "HTTP", 80, "*.a.org"),
                     listener("exact", "HTTP", 80, "x.a.org")}));
  add("any", {}, {rule({prefix("/")}, {backend("a")})}, {parent("gw", "any")});
  add("wild", {"y.a.org"}, {rule({prefix("/y")}, {backend("b")})}, {parent("gw", "wild")});
  world.commit();
  EXPECT_THAT(summary("listener~80"),
              UnorderedElementsAre("*: a", "*.a.org:", "x.a.org:", "y.a.org: b"));
}

TEST_F(RoutesTest, HttpsTablesAnswer421ForHostsOfOtherListeners) {
  world.set(gateway("ns", "gw",
                    {tls_listener("any", 443, "cert"), tls_listener("wild", 443, "cert", "*.a.org"),
                     tls_listener("exact", 443, "cert", "x.a.org")}));
  add("r", {}, {rule({prefix("/")}, {backend("a")})});
  world.commit();
  EXPECT_THAT(summary("any"), UnorderedElementsAre("*: a", "*.a.org: 421", "x.a.org: 421"));
  EXPECT_THAT(summary("wild"), UnorderedElementsAre("*: 421", "*.a.org: a", "x.a.org: 421"));
  EXPECT_THAT(summary("exact"), UnorderedElementsAre("*: 421", "x.a.org: a"));
}

TEST_F(RoutesTest, EqualMatchesGoToTheOlderRouteEvenIfItAnswers500) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  add("young", {}, {rule({prefix("/")}, {backend("a")})}, {parent("gw")}, 20);
  add("old", {}, {rule({prefix("/")}, {backend("missing")})}, {parent("gw")}, 10);
  world.commit();
  EXPECT_THAT(summary("listener~80"), ElementsAre("*: 500 a"));
}

TEST_F(RoutesTest, TheMoreSpecificHostnameWinsBeforeAgeAndPath) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80, "x.a.org")}));
  add("wild", {"*.org"}, {rule({prefix("/longer")}, {backend("a")})}, {parent("gw")}, 1);
  add("wilder", {"*.a.org"}, {rule({prefix("/l")}, {backend("b")})}, {parent("gw")}, 2);
  add("exact", {"x.a.org"}, {rule({prefix("/")}, {backend("c")})}, {parent("gw")}, 3);
  world.commit();
  EXPECT_THAT(summary("listener~80"), ElementsAre("x.a.org: c b a"));
}

TEST_F(RoutesTest, ARouteThatIsNotAcceptedIsNowhere) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80, "b.org")}));
  add("r", {"a.org"}, {rule({prefix("/")}, {backend("a")})});
  world.commit();
  EXPECT_THAT(summary("listener~80"), ElementsAre("b.org:"));
  EXPECT_NE(rules.rules.find(attach::ref(Kind::kHttpRoute, "ns", "r")), nullptr);
  EXPECT_EQ(routes.cluster_users.size(), 0u);
}

TEST_F(RoutesTest, RedirectsDifferByListener) {
  world.set(gateway("ns", "gw", {listener("one", "HTTP", 80), listener("two", "HTTP", 8080)}));
  RequestRedirect redirect;
  redirect.hostname = "x.org";
  add("r", {}, {rule({prefix("/")}, {}, {policy::redirect_to(redirect)})});
  world.commit();
  const auto port = [&](const char* name) {
    return table(name).virtual_hosts(0).routes(0).redirect().port_redirect();
  };
  EXPECT_EQ(port("listener~80"), 0u);
  EXPECT_EQ(port("listener~8080"), 8080u);
}

TEST_F(RoutesTest, QuarantineHitsOneContentAndAMendedRuleIsFree) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  add("r", {}, {rule({prefix("/a")}, {backend("a")}), rule({prefix("/b")}, {backend("b")})});
  world.commit();
  const ObjectRef ref = attach::ref(Kind::kHttpRoute, "ns", "r");
  const Version bad = routes.encoded_routes.find(ref)->rules.at(0).content;

  routes.quarantined_rules.set(replace_key(bad), QuarantineEntry{"no such thing"});
  world.commit();
  EXPECT_THAT(summary("listener~80"), ElementsAre("*: 500 b"));
  EXPECT_EQ(routes.encoded_routes.find(ref)->rules.at(0).refusal, "no such thing");
  EXPECT_EQ(routes.encoded_routes.find(ref)->rules.at(0).content, bad);

  routes.quarantined_rules.set(drop_key(bad), QuarantineEntry{"not even so"});
  world.commit();
  EXPECT_THAT(summary("listener~80"), ElementsAre("*: b"));

  add("r", {}, {rule({prefix("/a")}, {backend("c")}), rule({prefix("/b")}, {backend("b")})});
  world.commit();
  EXPECT_THAT(summary("listener~80"), ElementsAre("*: c b"));
}

TEST_F(RoutesTest, SourcesNameTheRulesOfAHost) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  add("r", {},
      {rule({prefix("/a"), prefix("/b")}, {backend("a")}),
       rule({policy::regex("(")}, {backend("b")}), rule({prefix("/c")}, {backend("c")})});
  world.commit();
  const VirtualHost* host = routes.virtual_hosts.find({{{"ns", "gw"}, "listener~80"}, "*"});
  ASSERT_NE(host, nullptr);
  EXPECT_THAT(host->sources, ElementsAre(testing::Field(&RuleSource::rule, 0u),
                                         testing::Field(&RuleSource::rule, 2u)));
}

TEST_F(RoutesTest, AChangedRuleTouchesItsOwnHostsOnly) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  for (int i = 0; i < 50; ++i) {
    const std::string name = "r" + std::to_string(i);
    add(name.c_str(), {name + ".org"}, {rule({prefix("/")}, {backend("a")})});
  }
  world.commit();
  add("r7", {"r7.org"}, {rule({prefix("/")}, {backend("b")})});
  const engine::CommitStats stats = world.commit();
  // attachment, rules, load, encoded route, host claims, cluster users, one host, one table
  EXPECT_LE(stats.recomputed, 8u);
}

TEST_F(RoutesTest, MirrorsAndAuthorizationServersAreUsedClusters) {
  world.set(gateway("ns", "gw", {listener("http", "HTTP", 80)}));
  ExternalAuthFilter auth;
  auth.protocol = "GRPC";
  auth.backend_ref = policy::to_service("c");
  add("r", {},
      {rule({prefix("/")}, {backend("a")}, {policy::mirror_to("b"), policy::auth_filter(auth)})});
  world.commit();
  const auto* uses = routes.cluster_users.find(attach::ref(Kind::kHttpRoute, "ns", "r"));
  ASSERT_NE(uses, nullptr);
  std::vector<std::string> names;
  for (const GatewayCluster& use : *uses) {
    names.push_back(attach::cluster_name(use.cluster).str());
  }
  EXPECT_THAT(names, UnorderedElementsAre("kube_ns_a_80", "kube_ns_b_80", "kube_ns_c_80_h2"));
}

}  // namespace
}  // namespace kgw::envoy
