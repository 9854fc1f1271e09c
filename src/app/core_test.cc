#include "app/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "api/registry.h"
#include "app/builtin.h"

namespace kgw::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const ObjectKey kGateway{"ns", "gw"};

std::vector<source::ObjectEvent> objects(const std::string& text) {
  std::vector<source::ObjectEvent> events;
  for (Decoded& decoded : decode_text(text, "test", DecodeMode::kStrict)) {
    EXPECT_NE(decoded.object, nullptr) << text;
    events.push_back({decoded.ref, decoded.object});
  }
  return events;
}

std::string gateway(const std::string& listener, const std::string& class_name = "kgateway") {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
         "metadata: {name: gw, namespace: ns, generation: 1}\nspec:\n  gatewayClassName: " +
         class_name + "\n  listeners: [{name: a, protocol: HTTP, port: " + listener + "}]\n";
}

// A core without proxies, fed by hand.
class LiveCore : public ::testing::Test {
 protected:
  LiveCore() {
    EXPECT_TRUE(core_.serve_proxies({}));
    source::Batch batch{.events = builtin_objects(), .statuses = {}, .problems = {}};
    for (source::ObjectEvent& event : objects(gateway("80"))) batch.events.push_back(event);
    batch.synced = true;
    core_.sink()(std::move(batch));
    core_.loop.stop();
    core_.loop.run([this] { core_.settle(); }, std::chrono::milliseconds(1000), [] {});
  }
  void give(std::vector<source::ObjectEvent> events) {
    core_.apply(std::move(events));
    core_.settle();
  }
  void give(const ObjectRef& ref, source::Absence absence) { give({{ref, nullptr, absence}}); }
  // Of the Gateway's proxies; empty when they get nothing.
  std::vector<std::string> listeners() {
    std::vector<std::string> names;
    const xds::Snapshot* snapshot = core_.ads->ledger().snapshot(kGateway);
    if (snapshot == nullptr) return names;
    for (const auto& [name, entry] : snapshot->table(envoy::ResourceType::kListener)) {
      names.push_back(name.str());
    }
    return names;
  }
  std::string condition(const std::string& type) {
    const auto status = core_.store.find({Kind::kGateway, kGateway});
    if (!status) return "no status";
    for (const Condition& each : std::get<status::GatewayStatus>(*status).conditions) {
      if (each.type == type) {
        return each.status.str() + " " + each.reason.str() + " of " +
               std::to_string(each.observed_generation);
      }
    }
    return "";
  }

  std::vector<ObjectKey> removed_;
  std::vector<ObjectKey> withdrawn_;
  Core core_{{}, {.committed = [this](const Outcome& outcome) {
               removed_.insert(removed_.end(), outcome.gateways_removed.begin(),
                               outcome.gateways_removed.end());
               withdrawn_.insert(withdrawn_.end(), outcome.gateways_withdrawn.begin(),
                                 outcome.gateways_withdrawn.end());
             }}};
};

TEST_F(LiveCore, AGatewayWithoutItsClassIsServedAndSaysSo) {
  ASSERT_THAT(listeners(), ElementsAre("listener~80"));
  give({Kind::kGatewayClass, {{}, "kgateway"}}, source::Absence::kDeleted);
  EXPECT_THAT(listeners(), ElementsAre("listener~80"));
  EXPECT_EQ(condition("Accepted"), "Unknown GatewayClassNotFound of 1");
  EXPECT_EQ(condition("Programmed"), "Unknown GatewayClassNotFound of 1");
  EXPECT_FALSE(core_.class_exists("kgateway"));
  give(builtin_objects());
  EXPECT_EQ(condition("Accepted"), "True Accepted of 1");
  EXPECT_THAT(removed_, IsEmpty());
}

TEST_F(LiveCore, AGatewayThatIsHiddenKeepsItsResourcesUntilItIsBack) {
  give({Kind::kGateway, kGateway}, source::Absence::kUnselected);
  EXPECT_THAT(withdrawn_, ElementsAre(kGateway));
  EXPECT_THAT(listeners(), ElementsAre("listener~80"));
  EXPECT_EQ(condition("Accepted"), "no status");
  give(objects(gateway("81")));
  EXPECT_THAT(listeners(), ElementsAre("listener~81"));
  EXPECT_EQ(condition("Accepted"), "True Accepted of 1");
  EXPECT_THAT(removed_, IsEmpty());
}

TEST_F(LiveCore, AHiddenGatewayEndsWhenItIsDeleted) {
  give({Kind::kGateway, kGateway}, source::Absence::kUnselected);
  give({Kind::kGateway, kGateway}, source::Absence::kDeleted);
  EXPECT_THAT(removed_, ElementsAre(kGateway));
  EXPECT_EQ(core_.ads->ledger().snapshot(kGateway), nullptr);
}

TEST_F(LiveCore, AnotherControllersClassEndsAGateway) {
  give(
      objects("apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n"
              "metadata: {name: other}\nspec: {controllerName: example.com/other}\n"));
  give(objects(gateway("80", "typo")));
  EXPECT_THAT(listeners(), ElementsAre("listener~80"));
  give(objects(gateway("80", "other")));
  EXPECT_THAT(removed_, ElementsAre(kGateway));
  EXPECT_EQ(core_.ads->ledger().snapshot(kGateway), nullptr);
}

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
