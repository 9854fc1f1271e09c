#include "app/gateway_class_keeper.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace kgw::app {
namespace {

using nlohmann::json;

class GatewayClassKeeperTest : public ::testing::Test {
 protected:
  std::vector<kube::Request> sent_;
  kube::Result<std::string> answer_ = "{}";
  GatewayClassKeeper keeper_{[this](kube::Request request, const kube::Done& done) {
                               sent_.push_back(std::move(request));
                               done(answer_);
                             },
                             ObjectKey{"system", "settings"}};
  GatewayClassKeeper::Clock::time_point now_;
};

TEST_F(GatewayClassKeeperTest, AppliesItWhenItBeginsToLead) {
  keeper_.keep(true, now_);
  ASSERT_EQ(sent_.size(), 1);
  EXPECT_TRUE(
      sent_[0].target.starts_with("/apis/gateway.networking.k8s.io/v1/gatewayclasses/kgateway?"));
  const json body = json::parse(sent_[0].body);
  EXPECT_EQ(body["spec"]["controllerName"], "kgateway.dev/kgateway");
  EXPECT_EQ(body["spec"]["parametersRef"]["name"], "settings");
  EXPECT_EQ(body["spec"]["parametersRef"]["namespace"], "system");
  keeper_.keep(true, now_ + std::chrono::hours(1));
  EXPECT_EQ(sent_.size(), 1) << "at rest nothing is written";
  keeper_.rest();
  keeper_.keep(true, now_ + std::chrono::hours(2));
  EXPECT_EQ(sent_.size(), 2);
}

TEST_F(GatewayClassKeeperTest, TriesAgainWhatFailed) {
  answer_ = std::unexpected(kube::Error{503, "ServiceUnavailable", "no webhook"});
  keeper_.keep(true, now_);
  keeper_.keep(true, now_ + std::chrono::seconds(1));
  EXPECT_EQ(sent_.size(), 1) << "in its own time";
  keeper_.keep(true, now_ + GatewayClassKeeper::kPause);
  EXPECT_EQ(sent_.size(), 2);
  answer_ = "{}";
  keeper_.keep(true, now_ + 2 * GatewayClassKeeper::kPause);
  EXPECT_EQ(sent_.size(), 3);
  keeper_.keep(true, now_ + 3 * GatewayClassKeeper::kPause);
  EXPECT_EQ(sent_.size(), 3);
}

TEST_F(GatewayClassKeeperTest, AppliesItAgainWhenItIsGone) {
  keeper_.keep(true, now_);
  keeper_.keep(false, now_ + std::chrono::seconds(1));
  EXPECT_EQ(sent_.size(), 1) << "it may be on its way";
  keeper_.keep(false, now_ + GatewayClassKeeper::kPause);
  EXPECT_EQ(sent_.size(), 2);
  keeper_.keep(false, now_ + GatewayClassKeeper::kPause + std::chrono::seconds(1));
  EXPECT_EQ(sent_.size(), 2);
}

}  // namespace
}  // namespace kgw::app
