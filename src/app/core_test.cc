#include "app/core.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace kgw::app
