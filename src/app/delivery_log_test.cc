#include "app/delivery_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace kgw::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const ObjectKey kGateway{"shop", "edge"};
const xds::ResourceKey kTable{envoy::ResourceType::kRoute, "http"};

class Observer : public xds::LedgerObserver {
 public:
  void on_delivered(const ObjectKey&, const xds::ResourceKey&, xds::Version) override { ++calls; }
  void on_rejected(const ObjectKey&, const xds::ResourceKey&, xds::Version,
                   const std::string& message) override {
    ++calls;
    words = message;
  }
  void on_proxies_changed(const ObjectKey&, std::size_t) override { ++calls; }

  int calls = 0;
  std::string words;
};

class DeliveryLogTest : public ::testing::Test {
 protected:
  DeliveryLogTest() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(out_)));
  }
  ~DeliveryLogTest() override { spdlog::set_default_logger(before_); }

  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream out_;
  Observer next_;
  DeliveryLog log_{next_};
};

TEST_F(DeliveryLogTest, SaysWhoComesAndGoes) {
  log_.on_proxies_changed(kGateway, 1);
  log_.on_proxies_changed(kGateway, 2);
  log_.on_proxies_changed(kGateway, 1);
  EXPECT_THAT(out_.str(), HasSubstr("Gateway shop/edge: a proxy has connected, 1 connected"));
  EXPECT_THAT(out_.str(), HasSubstr("a proxy has connected, 2 connected"));
  EXPECT_THAT(out_.str(), HasSubstr("a proxy is gone, 1 connected"));
  EXPECT_EQ(next_.calls, 3);
}

TEST_F(DeliveryLogTest, SaysWhatIsRefusedWithoutTheWords) {
  log_.on_rejected(kGateway, kTable, {}, "a secret of somebody else");
  EXPECT_THAT(out_.str(), HasSubstr("Gateway shop/edge: a proxy refuses "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("secret")));
  EXPECT_EQ(next_.words, "a secret of somebody else");
}

TEST_F(DeliveryLogTest, AFloodOfRefusalsIsAFewLines) {
  for (int i = 0; i < 1000; ++i) log_.on_rejected(kGateway, kTable, {}, "no");
  const std::string text = out_.str();
  EXPECT_LT(std::ranges::count(text, '\n'), 100);
  EXPECT_EQ(next_.calls, 1000);
}

}  // namespace
}  // namespace kgw::app
