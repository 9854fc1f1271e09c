#include "app/proxy_troubles.h"

#include <gtest/gtest.h>

#include <vector>

namespace kgw::app {
namespace {

using deploy::kube::ObjectReport;
using deploy::kube::OwnedRef;

const ObjectKey kGateway{"shop", "edge"};
const OwnedRef kService{"v1", "Service", kGateway};

class ProxyTroublesTest : public ::testing::Test {
 protected:
  std::string unconnected() { return troubles_.unconnected(kGateway, now_); }

  Gateway gateway_;
  int events_sent_ = 0;
  EventRecorder events_{[this](const kube::Request&, const kube::Done& done) {
                          ++events_sent_;
                          done("{}");
                        },
                        [] { return std::int64_t{1}; }};
  ProxyTroubles::Clock::time_point now_{std::chrono::hours(1)};
  ProxyTroubles troubles_{
      events_, [this](const ObjectKey& key) { return key == kGateway ? &gateway_ : nullptr; }};
};

TEST_F(ProxyTroublesTest, CountsObjectsAndWritesAnEvent) {
  const ObjectReport refused{kGateway, kService, "apply", "no", true};
  troubles_.reported(refused, now_);
  troubles_.reported(refused, now_);
  troubles_.reported({kGateway, kService, "", "is somebody else's", true}, now_);
  troubles_.reported({kGateway, kService, "apply", "", true}, now_);
  troubles_.reported({kGateway, kService, "delete", "", false}, now_);
  ClusterCounts counts;
  troubles_.count(counts);
  EXPECT_EQ(counts.object_failures.size(), 1u);
  EXPECT_EQ((counts.object_failures[{"apply", "Service"}]), 2u);
  EXPECT_EQ(counts.objects_applied, 1u);
  EXPECT_EQ(counts.objects_deleted, 1u);
  EXPECT_EQ(counts.events, 2u);
  EXPECT_EQ(events_sent_, 2);
}

TEST_F(ProxyTroublesTest, ARefusedProxyIsRememberedForAWhile) {
  troubles_.refused(kGateway, "the API server refuses the proxy's token: x", now_);
  EXPECT_EQ(unconnected(),
            "the controller refuses a proxy: the API server refuses the proxy's token: x");
  now_ += std::chrono::seconds(100);
  EXPECT_NE(unconnected(), "");
  now_ += std::chrono::seconds(100);
  EXPECT_EQ(unconnected(), "");
  troubles_.refused(kGateway, "y", now_);
  EXPECT_EQ(unconnected(), "the controller refuses a proxy: y");
  troubles_.forget(kGateway);
  EXPECT_EQ(unconnected(), "");
}

// Whoever reaches the port can say anything in the name of a Gateway.
TEST_F(ProxyTroublesTest, ManyReasonsDoNotTakeTurns) {
  for (const char* why : {"a", "b", "a", "c"}) troubles_.refused(kGateway, why, now_);
  EXPECT_EQ(unconnected(), "the controller refuses a proxy: a");
  troubles_.refused({"shop", "none"}, "a", now_);
  EXPECT_EQ(troubles_.unconnected({"shop", "none"}, now_), "");
}

TEST_F(ProxyTroublesTest, ABadCertificateKeepsEveryProxyAway) {
  EXPECT_FALSE(troubles_.set_certificate_problem(""));
  EXPECT_TRUE(troubles_.set_certificate_problem("expired"));
  EXPECT_FALSE(troubles_.set_certificate_problem("expired"));
  EXPECT_EQ(unconnected(), "xDS certificate: expired");
  EXPECT_TRUE(troubles_.set_certificate_problem(""));
  EXPECT_EQ(unconnected(), "");
  EXPECT_EQ(certificate_report("expired").problems[0].diagnostics.size(), 1u);
  EXPECT_TRUE(certificate_report("").problems[0].diagnostics.empty());
}

}  // namespace
}  // namespace kgw::app
