#include "app/event_recorder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace kgw::app {
namespace {

using nlohmann::json;

class EventRecorderTest : public ::testing::Test {
 protected:
  EventRecorderTest() {
    gateway_.api_version = "gateway.networking.k8s.io/v1";
    gateway_.metadata.ns = "shop";
    gateway_.metadata.name = "edge";
    gateway_.metadata.uid = "u-1";
  }
  void warn(const std::string& message) { recorder_.warn(gateway_, "Refused", message, now_); }
  json body(std::size_t i) const { return json::parse(sent_.at(i).body); }

  Gateway gateway_;
  std::vector<kube::Request> sent_;
  kube::Result<std::string> answer_ = "{}";
  EventRecorder::Clock::time_point now_{std::chrono::hours(1)};
  EventRecorder recorder_{[this](kube::Request request, const kube::Done& done) {
                            sent_.push_back(std::move(request));
                            done(answer_);
                          },
                          [] { return std::int64_t{1'000'000'000}; },
                          {.pause = std::chrono::seconds(600), .burst = 3}};
};

TEST_F(EventRecorderTest, AnEventIsAboutTheGateway) {
  warn("Service shop/edge cannot be applied");
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].method, "PATCH");
  EXPECT_TRUE(sent_[0].target.starts_with("/api/v1/namespaces/shop/events/edge."))
      << sent_[0].target;
  const json event = body(0);
  EXPECT_EQ(event["involvedObject"]["kind"], "Gateway");
  EXPECT_EQ(event["involvedObject"]["uid"], "u-1");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["reason"], "Refused");
  EXPECT_EQ(event["message"], "Service shop/edge cannot be applied");
  EXPECT_EQ(event["count"], 1);
  EXPECT_EQ(event["firstTimestamp"], "2001-09-09T01:46:40Z");
  EXPECT_EQ(recorder_.stats().sent, 1u);
}

TEST_F(EventRecorderTest, WhatGoesOnIsCountedInOneEvent) {
  for (int i = 0; i < 5; ++i) warn("no");
  EXPECT_EQ(sent_.size(), 1u);
  now_ += std::chrono::seconds(601);
  warn("no");
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[1].target, sent_[0].target);
  EXPECT_EQ(body(1)["count"], 6);
}

TEST_F(EventRecorderTest, AGatewayGetsFewAtATimeAndTheyAreShort) {
  for (int i = 0; i < 9; ++i) warn("no " + std::to_string(i));
  EXPECT_EQ(sent_.size(), 3u);
  now_ += std::chrono::hours(2);
  warn(std::string(1023, 'x') + "\u00e9\u00e9");
  ASSERT_EQ(sent_.size(), 4u);
  EXPECT_EQ(body(3)["message"], std::string(1021, 'x') + "...");
  recorder_.forget(gateway_.key());
  warn("no 0");
  EXPECT_EQ(sent_.size(), 5u);
}

TEST_F(EventRecorderTest, ALongNameIsCut) {
  gateway_.metadata.name = std::string(199, 'a') + "." + std::string(53, 'b');
  warn("no");
  const std::string name = body(0)["metadata"]["name"];
  EXPECT_EQ(name.size(), 199u + 1 + 16);
  EXPECT_EQ(name.find(".."), std::string::npos);
}

TEST_F(EventRecorderTest, ARefusalIsCounted) {
  answer_ = std::unexpected(kube::Error{403, "Forbidden", "no"});
  warn("no");
  EXPECT_EQ(recorder_.stats().sent, 0u);
  EXPECT_EQ(recorder_.stats().failed, 1u);
}

}  // namespace
}  // namespace kgw::app
