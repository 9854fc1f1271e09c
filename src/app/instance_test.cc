#include "app/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "source/kube/fake_api_testing.h"

namespace kgw::app {
namespace {

using kube::testing::PodAnswer;
using nlohmann::json;
using ::testing::HasSubstr;

const kube::Resource kPods{"", "v1", "pods", true};
const kube::Resource kLeases{"coordination.k8s.io", "v1", "leases", true};

class Instance : public ::testing::Test {
 protected:
  Instance() {
    api_.serve(kLeases, "Lease");
    api_.pods([](const std::string& pod, const std::string& query,
                 const std::string& sent) -> std::optional<PodAnswer> {
      if (!sent.ends_with("\r\n\r\n")) return std::nullopt;
      const std::string body = pod + " " + query + " " + sent.substr(0, sent.find("\r\n"));
      return PodAnswer{"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body,
                       ""};
    });
    const kube::Config config = api_.config();
    std::ofstream(kubeconfig_) << json{
        {"current-context", "c"},
        {"contexts", {{{"name", "c"}, {"context", {{"cluster", "c"}, {"user", "u"}}}}}},
        {"clusters",
         {{{"name", "c"},
           {"cluster", {{"server", config.server}, {"certificate-authority", authority_}}}}}},
        {"users", {{{"name", "u"}, {"user", {{"token", "good"}}}}}}};
    std::ofstream(authority_) << api_.authority_pem();
    options_ = {.cluster = true, .kubeconfig = kubeconfig_, .ns = "system"};
  }

  void put_pod(const std::string& name, bool ready = true) {
    api_.put(kPods,
             {{"metadata", {{"name", name}, {"namespace", "system"}}},
              {"status",
               {{"conditions", {{{"type", "Ready"}, {"status", ready ? "True" : "False"}}}}}}});
  }
  std::string answer() {
    const auto response = ask_instance(options_, "/status");
    return response ? response->body : response.error();
  }

  kube::testing::FakeApi api_;
  std::string kubeconfig_ = ::testing::TempDir() + "instance_test.kubeconfig";
  std::string authority_ = ::testing::TempDir() + "instance_test.pem";
  InstanceOptions options_;
};

TEST_F(Instance, IsAskedInItsPod) {
  put_pod("kgateway-b");
  put_pod("kgateway-a", false);
  EXPECT_EQ(answer(), "kgateway-b ports=9095 GET /status HTTP/1.1");
  options_.admin = "127.0.0.1:9000";
  EXPECT_EQ(answer(), "kgateway-b ports=9000 GET /status HTTP/1.1");
  bool selected = false;
  for (const auto& request : api_.requests()) {
    selected = selected || request.query.contains("labelSelector=kgateway%3Dkgateway");
  }
  EXPECT_TRUE(selected);
}

TEST_F(Instance, IsTheOneThatLeads) {
  for (const std::string name : {"kgateway-a", "kgateway-b", "kgateway-c"}) put_pod(name);
  EXPECT_THAT(answer(), HasSubstr("kgateway-a"));
  const auto lease = [&](const std::string& holder) {
    api_.put(kLeases, {{"metadata", {{"name", "kgateway-envoy"}, {"namespace", "system"}}},
                       {"spec", {{"holderIdentity", holder}}}});
  };
  lease("kgateway-b_123");
  EXPECT_THAT(answer(), HasSubstr("kgateway-b"));
  lease("gone_123");
  EXPECT_THAT(answer(), HasSubstr("kgateway-a"));
  options_.pod = "kgateway-c";
  EXPECT_THAT(answer(), HasSubstr("kgateway-c"));
}

TEST_F(Instance, IsFoundInAnyNamespaceUnlessOneIsNamed) {
  put_pod("kgateway-a");
  options_.ns = "";
  EXPECT_THAT(answer(), HasSubstr("kgateway-a")) << "in namespace system";
  const auto put_in = [&](const std::string& ns) {
    api_.put(kPods, {{"metadata", {{"name", "kgateway-" + ns}, {"namespace", ns}}},
                     {"status", {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}});
  };
  put_in("team");
  EXPECT_THAT(answer(), HasSubstr("there are controllers in namespaces system and team"));
  put_in("kgateway-system");
  EXPECT_THAT(answer(), HasSubstr("kgateway-kgateway-system"));
  options_.ns = "other";
  EXPECT_THAT(answer(), HasSubstr("is ready in namespace other"));
}

TEST_F(Instance, WhatIsMissingIsSaid) {
  EXPECT_THAT(answer(), HasSubstr("no pod with the label kgateway=kgateway is ready in namespace"));
  put_pod("kgateway-a");
  api_.pods([](const auto&, const auto&, const auto&) -> std::optional<PodAnswer> {
    return PodAnswer{"", "connection refused"};
  });
  EXPECT_THAT(answer(), HasSubstr("pod system/kgateway-a could not be asked: "));
  EXPECT_THAT(answer(), HasSubstr("connection refused"));
  api_.pods([](const auto&, const auto&, const auto&) -> std::optional<PodAnswer> {
    return PodAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ""};
  });
  EXPECT_THAT(answer(), HasSubstr("the answer is no"));
  options_.kubeconfig = "/nonexistent";
  EXPECT_THAT(answer(), HasSubstr("/nonexistent"));
  options_ = {.admin = "127.0.0.1:1"};
  EXPECT_THAT(answer(), HasSubstr("no running kgateway answers"));
}

TEST(ResponseReader, TakesPiecesOfAnySize) {
  const std::string text =
      "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (const std::size_t step : {1UL, 7UL, text.size()}) {
    ResponseReader reader;
    bool more = true;
    for (std::size_t at = 0; at < text.size(); at += step) more = reader.put(text.substr(at, step));
    EXPECT_FALSE(more);
    const auto response = reader.take();
    ASSERT_TRUE(response) << response.error();
    EXPECT_EQ(response->status, 404);
    EXPECT_EQ(response->body, "abcde");
  }
}

}  // namespace
}  // namespace kgw::app
