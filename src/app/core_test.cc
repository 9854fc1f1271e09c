#include "app/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "app/builtin.h"

namespace kgw::app {
namespace {

// An API server sends its objects in many batches; only the last of the first ones is `synced`.
TEST(Core, WhatCameBeforeTheSourceWasCompleteIsJudgedWhenItIs) {
  int synced = 0;
  std::vector<ObjectRef> reported;
  Core core({}, {.status_changed = [&](const ObjectRef& object) { reported.push_back(object); },
                 .synced = [&] { ++synced; }});
  ASSERT_TRUE(core.serve_proxies({}));
  const auto sink = core.sink();
  sink({.events = builtin_objects(), .statuses = {}, .problems = {}, .synced = false});
  core.loop.post([&] {
    core.settle();
    EXPECT_TRUE(reported.empty());
    EXPECT_EQ(synced, 0);
  });
  sink({.events = {}, .statuses = {}, .problems = {}, .synced = true});
  core.loop.stop();
  core.loop.run([&] { core.settle(); }, std::chrono::milliseconds(1000), [] {});
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_EQ(reported[0].kind, Kind::kGatewayClass);
  EXPECT_EQ(synced, 1);
}

TEST(Core, TheDebugLevelShowsWhatIsReadAndDecided) {
  const auto before = spdlog::default_logger();
  std::ostringstream out;
  auto logger = std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  logger->set_level(spdlog::level::debug);
  spdlog::set_default_logger(logger);
  Core core({}, {});
  ASSERT_TRUE(core.serve_proxies({}));
  core.sink()({.events = builtin_objects(), .statuses = {}, .problems = {}, .synced = true});
  core.loop.stop();
  core.loop.run([&] { core.settle(); }, std::chrono::milliseconds(1000), [] {});
  spdlog::set_default_logger(before);
  EXPECT_THAT(out.str(), testing::HasSubstr("GatewayClass kgateway was read"));
  EXPECT_THAT(out.str(), testing::HasSubstr("the status of GatewayClass kgateway is another one"));
}

}  // namespace
}  // namespace kgw::app
