#include "app/stuck_pods.h"

#include <gtest/gtest.h>

#include <vector>

namespace kgw::app {
namespace {

const ObjectKey kGateway{"shop", "edge"};
constexpr const char* kPulling = R"({"items": [{"metadata": {"name": "edge-1"}, "status": {
    "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no"}}}]}}]})";

class StuckPodsTest : public ::testing::Test {
 protected:
  void answer(const kube::Result<std::string>& result) {
    for (const kube::Done& done : std::exchange(waiting_, {})) done(result);
  }

  std::vector<std::string> asked_;
  std::vector<kube::Done> waiting_;
  StuckPods::Clock::time_point now_{std::chrono::hours(1)};
  StuckPods pods_{[this](const kube::Request& request, kube::Done done) {
                    asked_.push_back(request.target);
                    waiting_.push_back(std::move(done));
                  },
                  [](const auto& run) { run(); }};
};

TEST_F(StuckPodsTest, AsksForThePodsOfTheGatewayAndKeepsTheReason) {
  pods_.ask(kGateway, now_);
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(asked_[0].starts_with("/api/v1/namespaces/shop/pods?")) << asked_[0];
  EXPECT_NE(asked_[0].find("gateway-name%3Dedge"), std::string::npos) << asked_[0];
  answer(kPulling);
  EXPECT_EQ(pods_.why(kGateway), "pod edge-1: ErrImagePull: no");
  pods_.forget(kGateway);
  EXPECT_EQ(pods_.why(kGateway), "");
}

TEST_F(StuckPodsTest, AsksEverMoreRarely) {
  for (int i = 0; i < 60; ++i) {
    pods_.ask(kGateway, now_ + std::chrono::seconds(i));
    answer("{}");
  }
  EXPECT_EQ(asked_.size(), 4u) << "after 0, 5, 15, 35 s";
}

TEST_F(StuckPodsTest, FewQuestionsAreUnderWayAtATime) {
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) pods_.ask({"shop", name}, now_);
  EXPECT_EQ(asked_.size(), 4u);
  answer(std::unexpected(kube::Error{403, "Forbidden", "no"}));
  EXPECT_EQ(pods_.why({"shop", "a"}), "");
  pods_.ask({"shop", "e"}, now_);
  EXPECT_EQ(asked_.size(), 5u);
}

TEST_F(StuckPodsTest, AnAnswerAfterTheGatewayIsGoneIsNothing) {
  pods_.ask(kGateway, now_);
  pods_.forget(kGateway);
  answer(kPulling);
  EXPECT_EQ(pods_.why(kGateway), "");
}

}  // namespace
}  // namespace kgw::app
