// `check --cluster` without a cluster: all objects of a fake API server, translated.
#include "app/cluster_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/offline.h"
#include "source/kube/fake_api_testing.h"

namespace kgw::app {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const kube::Resource kClasses{"gateway.networking.k8s.io", "v1", "gatewayclasses", false};
const kube::Resource kGateways{"gateway.networking.k8s.io", "v1", "gateways", true};
const kube::Resource kRoutes{"gateway.networking.k8s.io", "v1", "httproutes", true};

class ClusterObjects : public ::testing::Test {
 protected:
  ClusterObjects() {
    api_.serve(kClasses, "GatewayClass");
    api_.serve(kGateways, "Gateway");
    api_.serve(kRoutes, "HTTPRoute");
    api_.put(kClasses, {{"metadata", {{"name", "kgateway"}}},
                        {"spec", {{"controllerName", "kgateway.dev/kgateway"}}}});
    api_.put(kGateways,
             {{"metadata", {{"name", "gw"}, {"namespace", "a"}, {"generation", 1}}},
              {"spec",
               {{"gatewayClassName", "kgateway"},
                {"addresses", {{{"type", "Hostname"}, {"value", "lb.example.com"}}}},
                {"listeners", {{{"name", "http"}, {"port", 80}, {"protocol", "HTTP"}}}}}}});
    client_ = *kube::Client::open(api_.config());
  }

  void put_route(const std::string& name, const json& rule) {
    api_.put(kRoutes, {{"metadata", {{"name", name}, {"namespace", "a"}, {"generation", 1}}},
                       {"spec", {{"parentRefs", {{{"name", "gw"}}}}, {"rules", {rule}}}}});
  }

  // "object: field: reason" of what is wrong, without warnings about kinds that are not served.
  std::vector<std::string> errors(std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    auto batch = read_cluster(*client_, patience);
    EXPECT_TRUE(batch) << (batch ? "" : batch.error());
    std::vector<std::string> out;
    if (!batch) return out;
    for (const Diagnostic& d : translate_objects(std::move(*batch), {}).problems()) {
      if (d.severity != Severity::kError) continue;
      out.push_back(to_string(d.object) + ": " + d.field + ": " + d.reason);
    }
    return out;
  }

  kube::testing::FakeApi api_;
  std::unique_ptr<kube::Client> client_;
};

TEST_F(ClusterObjects, NamesObjectAndFieldOfEveryProblem) {
  put_route(
      "good",
      {{"matches", {{{"path", {{"value", "/"}}}}}},
       {"filters", {{{"type", "RequestRedirect"}, {"requestRedirect", {{"scheme", "https"}}}}}}});
  EXPECT_THAT(errors(), ElementsAre());
  put_route("backend", {{"backendRefs", {{{"name", "missing"}, {"port", 80}}}}});
  put_route("invalid", {{"name", "UPPER"}});
  EXPECT_THAT(errors(), ::testing::UnorderedElementsAre(
                            "HTTPRoute a/invalid: spec.rules[0].name: InvalidValue",
                            "HTTPRoute a/backend: spec.rules[0].backendRefs[0]: BackendNotFound"));
}

TEST_F(ClusterObjects, WritesNothing) {
  put_route("backend", {{"backendRefs", {{{"name", "missing"}, {"port", 80}}}}});
  errors();
  for (const auto& request : api_.requests()) EXPECT_EQ(request.method, "GET") << request.path;
}

// A kind that may not be read would make every reference to it look wrong.
TEST_F(ClusterObjects, TranslatesNothingWhenAKindMayNotBeRead) {
  put_route("backend", {{"backendRefs", {{{"name", "missing"}, {"port", 80}}}}});
  api_.intercept([](const kube::testing::Seen& seen) -> std::optional<kube::testing::Reply> {
    if (!seen.path.ends_with("/secrets")) return std::nullopt;
    return kube::testing::Reply{
        403,
        R"({"kind":"Status","reason":"Forbidden","message":"secrets is forbidden","code":403})"};
  });
  const auto found = errors(std::chrono::milliseconds(500));
  EXPECT_THAT(found, ::testing::Contains(HasSubstr(": NotRead")));
  EXPECT_THAT(found, ::testing::Contains(HasSubstr("Forbidden")));
  EXPECT_THAT(found, ::testing::Not(::testing::Contains(HasSubstr("BackendNotFound"))));
}

TEST_F(ClusterObjects, NobodyThere) {
  api_.set_token("another");
  const auto batch = read_cluster(*client_);
  ASSERT_FALSE(batch);
  EXPECT_THAT(batch.error(), HasSubstr("Unauthorized"));
}

}  // namespace
}  // namespace kgw::app
