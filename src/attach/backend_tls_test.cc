#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_certificates.h"

namespace kgw::attach {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BackendTlsPolicies : public testing::Test {
 protected:
  BackendTlsPolicies() {
    world_.set(gateway("app", "gw", {listener("web", "HTTP", 80)}));
    world_.set(service("app", "web",
                       {{.name = "a", .port = 443},
                        {.name = "b", .port = 8443},
                        {.name = "u", .port = 9, .protocol = "UDP"}}));
    world_.set(ca_map("app", "ca", pair_.certificate));
    auto r = route(HttpRoute(), "app", "r", {parent("gw")});
    r.rules.emplace_back().backend_refs.push_back({{.name = "web", .port = 443}});
    world_.set(r);
  }

  BackendTlsPolicy policy(const char* name, const char* section = "", std::int64_t created = 0) {
    auto result = named(BackendTlsPolicy(), "app", name);
    result.metadata.creation_time = created;
    PolicyTargetRef target{"", "Service", "web", {}};
    if (*section != '\0') target.section_name = section;
    result.target_refs.push_back(target);
    result.hostname = std::string(name) + ".example.com";
    result.ca_certificate_refs.push_back({"", "ConfigMap", "ca"});
    return result;
  }
  const BackendTlsVerdict& verdict(const char* name) {
    return *world_.model.backend_tls_verdicts.find({"app", name});
  }
  const BackendTls* on(std::int32_t port) {
    return world_.model.backend_tls.find({ref(Kind::kService, "app", "web"), port});
  }

  World world_;
  Pair pair_ = make_pair();
};

TEST_F(BackendTlsPolicies, GovernEveryTcpPort) {
  auto p = policy("p");
  p.subject_alt_names = {{"URI", "", "spiffe://x/y"}};
  world_.set(p);
  world_.commit();
  ASSERT_NE(on(443), nullptr);
  EXPECT_EQ(on(443)->sni, "p.example.com");
  EXPECT_THAT(on(443)->ca_references, ElementsAre(ref(Kind::kConfigMap, "app", "ca")));
  EXPECT_EQ(on(443)->sans, p.subject_alt_names);
  EXPECT_NE(on(8443), nullptr);
  EXPECT_EQ(on(9), nullptr);
  EXPECT_FALSE(verdict("p").unaccepted);
  EXPECT_FALSE(verdict("p").unresolved);
  EXPECT_THAT(verdict("p").gateways, ElementsAre(ObjectKey{"app", "gw"}));
  world_.erase(ref(Kind::kBackendTlsPolicy, "app", "p"));
  world_.commit();
  EXPECT_EQ(on(443), nullptr);
}

// BackendTLSPolicyConflictResolution
TEST_F(BackendTlsPolicies, OlderWinsThenName) {
  world_.set(policy("young", "", 200));
  world_.set(policy("z-old", "", 100));
  world_.set(policy("zz-old", "", 100));
  world_.commit();
  EXPECT_EQ(on(443)->policy, (ObjectKey{"app", "z-old"}));
  EXPECT_FALSE(verdict("z-old").unaccepted);
  EXPECT_EQ(verdict("young").unaccepted.reason, "Conflicted");
  EXPECT_EQ(verdict("zz-old").unaccepted.reason, "Conflicted");
}

TEST_F(BackendTlsPolicies, SectionBeatsTheWholeService) {
  world_.set(policy("whole", "", 100));
  world_.set(policy("section", "b", 200));
  world_.set(policy("nowhere", "missing", 50));
  world_.commit();
  EXPECT_EQ(on(443)->policy, (ObjectKey{"app", "whole"}));
  EXPECT_EQ(on(8443)->policy, (ObjectKey{"app", "section"}));
  EXPECT_FALSE(verdict("whole").unaccepted);
  EXPECT_FALSE(verdict("section").unaccepted);
  EXPECT_EQ(verdict("nowhere").unaccepted.reason, "TargetNotFound");
}

TEST_F(BackendTlsPolicies, PartlyInForce) {
  auto both = policy("both", "", 200);
  both.target_refs.push_back({"", "Service", "other", {}});
  world_.set(service("app", "other", {{.port = 443}}));
  world_.set(both);
  world_.set(policy("first", "", 100));
  world_.commit();
  EXPECT_FALSE(verdict("both").unaccepted);
  EXPECT_EQ(verdict("both").partial.reason, "Conflicted");
}

// BackendTLSPolicyInvalidCACertificateRef, BackendTLSPolicyInvalidKind, BackendTLSPolicy
TEST_F(BackendTlsPolicies, WithoutValidCaTrafficMustFail) {
  auto missing = policy("p");
  missing.ca_certificate_refs = {{"", "ConfigMap", "missing"}};
  world_.set(missing);
  world_.commit();
  EXPECT_EQ(verdict("p").unaccepted.reason, "NoValidCACertificate");
  EXPECT_EQ(verdict("p").unresolved.reason, "InvalidCACertificateRef");
  ASSERT_NE(on(443), nullptr);
  EXPECT_TRUE(on(443)->invalid);
  EXPECT_THAT(on(443)->ca_references, IsEmpty());

  world_.set(ca_map("app", "missing", pair_.certificate));
  world_.commit();
  EXPECT_FALSE(verdict("p").unaccepted);
  EXPECT_FALSE(on(443)->invalid);
  world_.set(ca_map("app", "missing", ""));
  world_.commit();
  EXPECT_EQ(verdict("p").unaccepted.reason, "NoValidCACertificate");
  EXPECT_TRUE(on(443)->invalid);

  auto kind = policy("p");
  kind.ca_certificate_refs = {{"", "Unknown", "ca"}};
  world_.set(kind);
  world_.commit();
  EXPECT_EQ(verdict("p").unaccepted.reason, "NoValidCACertificate");
  EXPECT_EQ(verdict("p").unresolved.reason, "InvalidKind");

  auto some = policy("p");
  some.ca_certificate_refs.push_back({"", "ConfigMap", "gone"});
  world_.set(some);
  world_.commit();
  EXPECT_FALSE(verdict("p").unaccepted);
  EXPECT_EQ(verdict("p").unresolved.reason, "InvalidCACertificateRef");
  EXPECT_FALSE(on(443)->invalid);
}

TEST_F(BackendTlsPolicies, WellKnownAuthorities) {
  auto p = policy("p");
  p.ca_certificate_refs.clear();
  p.well_known_ca_certificates = "System";
  world_.set(p);
  world_.commit();
  EXPECT_TRUE(on(443)->system_ca);
  EXPECT_FALSE(on(443)->invalid);
  p.well_known_ca_certificates = "example.com/mine";
  world_.set(p);
  world_.commit();
  EXPECT_EQ(verdict("p").unaccepted.reason, "Invalid");
  EXPECT_TRUE(on(443)->invalid);
}

TEST_F(BackendTlsPolicies, AncestorsAreGatewaysOfAcceptedRoutes) {
  world_.set(gateway("app", "second", {listener("web", "HTTP", 80, "x.com")}));
  auto grpc = route(GrpcRoute(), "app", "g", {parent("second")}, {"y.com"});
  grpc.rules.emplace_back().backend_refs.push_back({{.name = "web", .port = 443}});
  world_.set(grpc);
  world_.set(policy("p"));
  world_.commit();
  EXPECT_THAT(verdict("p").gateways, ElementsAre(ObjectKey{"app", "gw"}));
  grpc.hostnames = {"x.com"};
  world_.set(grpc);
  world_.commit();
  EXPECT_THAT(verdict("p").gateways,
              ElementsAre(ObjectKey{"app", "gw"}, ObjectKey{"app", "second"}));
  world_.erase(ref(Kind::kHttpRoute, "app", "r"));
  world_.commit();
  EXPECT_THAT(verdict("p").gateways, ElementsAre(ObjectKey{"app", "second"}));
}

TEST_F(BackendTlsPolicies, OfABackendAndOfUnknownTargets) {
  auto backend = named(Backend(), "app", "ext");
  backend.static_backend = StaticBackend{{{"example.com", 443}}, {}};
  world_.set(backend);
  auto p = policy("p");
  p.target_refs = {{"gateway.kgateway.dev", "Backend", "ext", {}}};
  world_.set(p);
  auto q = policy("q");
  q.target_refs = {{"apps", "Deployment", "x", {}}};
  world_.set(q);
  world_.commit();
  EXPECT_NE(world_.model.backend_tls.find({ref(Kind::kBackend, "app", "ext"), 0}), nullptr);
  EXPECT_EQ(verdict("q").unaccepted.reason, "TargetNotFound");
}

}  // namespace
}  // namespace kgw::attach
