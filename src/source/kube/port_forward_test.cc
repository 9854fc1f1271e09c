#include "source/kube/port_forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/kube/fake_api_testing.h"

namespace kgw::kube {
namespace {

using testing::FakeApi;
using ::testing::HasSubstr;
using testing::PodAnswer;

const PodPort kTo{{"system", "kgateway-1"}, 9095};

class PortForward : public ::testing::Test {
 protected:
  PortForward() {
    api_.put({"", "v1", "pods", true},
             {{"metadata", {{"name", "kgateway-1"}, {"namespace", "system"}}}});
    api_.pods([this](const std::string& pod, const std::string& query,
                     const std::string& sent) -> std::optional<PodAnswer> {
      if (!sent.ends_with("?")) return std::nullopt;
      return answer_.error.empty() ? PodAnswer{pod + " " + query + " " + sent, ""} : answer_;
    });
  }
  Result<void> talk(const PodPort& to, const std::string& text) {
    return talk_to_pod(api_.config(), to, text, [this](std::string_view piece) {
      received_ += piece;
      return !enough_ || received_.size() < *enough_;
    });
  }

  FakeApi api_;
  PodAnswer answer_;
  std::string received_;
  std::optional<std::size_t> enough_;
};

TEST_F(PortForward, CarriesBothWays) {
  const auto done = talk(kTo, "who are you?");
  ASSERT_TRUE(done) << to_string(done.error());
  EXPECT_EQ(received_, "kgateway-1 ports=9095 who are you?");
  const auto seen = api_.requests().back();
  EXPECT_EQ(seen.path, "/api/v1/namespaces/system/pods/kgateway-1/portforward");
  EXPECT_EQ(seen.authorization, "Bearer good");
}

TEST_F(PortForward, EndsWhenTheCallerHasEnough) {
  enough_ = 1;
  ASSERT_TRUE(talk(kTo, "?"));
  EXPECT_THAT("kgateway-1 ports=9095 ?", ::testing::StartsWith(received_));
  EXPECT_LT(received_.size(), std::string("kgateway-1 ports=9095 ?").size());
}

TEST_F(PortForward, TellsWhatTheNodeSays) {
  answer_.error = "dial tcp4 127.0.0.1:9095: connection refused";
  const auto done = talk(kTo, "?");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "PortForwardFailed");
  EXPECT_THAT(done.error().message, HasSubstr("connection refused"));
}

TEST_F(PortForward, TellsWhatTheApiServerSays) {
  const auto missing = talk({{"system", "other"}, 9095}, "?");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().status, 404);
  EXPECT_EQ(missing.error().reason, "NotFound");
  api_.set_token("another");
  const auto forbidden = talk(kTo, "?");
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().status, 401);
}

TEST_F(PortForward, SilenceEnds) {
  const auto done = talk_to_pod(
      api_.config(), kTo, "no question", [](std::string_view) { return true; },
      std::chrono::milliseconds(200));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "Timeout");
}

TEST_F(PortForward, NobodyThere) {
  Config config = api_.config();
  config.server = "https://127.0.0.1:1";
  const auto done = talk_to_pod(config, kTo, "?", [](std::string_view) { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "Unreachable");
}

}  // namespace
}  // namespace kgw::kube
