// What only draining connections use waits for the tick, and what it names stays for as long.
#include "xds/deferred.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xds/hub.h"
#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ObjectKey kGateway = {"ns", "gw"};

class DeferredTest : public testing::Test, public Sink, public LedgerObserver {
 protected:
  DeferredTest() : hub(StreamOptions(), *this, *this, Time{}) {
    hub.set_synced();
    publish(EditOf().cluster("old").put(kRds, "plain").put(kRds, "shard"));
    hub.opened(1, {Protocol::kDelta, kGateway, {"proxy", {}, {}}, "unix:"});
    for (const auto type : {kCds, kEds}) subscribe(type, type == kEds ? "old" : "");
    subscribe(kRds, "plain");
    subscribe(kRds, "shard");
    sent.clear();
  }

  std::size_t send(StreamId id, Protocol, const Response& response) override {
    for (const EntryPtr& entry : response.resources) {
      sent.push_back("+" + entry->name().str() + "=" + *entry->body());
    }
    for (const Name& name : response.removed) sent.push_back("-" + name.str());
    nonces[response.type] = response.nonce;
    if (refusing) return 1;
    hub.request(id, {.type = response.type, .nonce = response.nonce});
    return 1;
  }
  void read_next(StreamId) override {}
  void close(StreamId, const std::string&) override {}
  void on_delivered(const ObjectKey&, const ResourceKey&, Version) override {}
  void on_rejected(const ObjectKey&, const ResourceKey&, Version, const std::string&) override {}
  void on_proxies_changed(const ObjectKey&, std::size_t) override {}

  void subscribe(ResourceType type, const char* name) {
    Request request{.type = type};
    if (*name != 0) request.subscribe = {name};
    hub.request(1, request);
  }
  void publish(EditOf edit) { hub.publish(kGateway, std::move(edit.edit)); }
  // The same with the table "plain" as one that only draining connections use.
  void publish_unhurried(EditOf edit) {
    edit.edit.unhurried = {{kRds, "plain"}};
    publish(std::move(edit));
  }
  Names take_sent() { return std::exchange(sent, {}); }

  Hub hub;
  Names sent;
  std::map<ResourceType, std::string> nonces;
  bool refusing = false;
};

TEST_F(DeferredTest, ManyChangesOfAnUnhurriedTableAreOne) {
  for (const char* body : {"2", "3", "4"}) {
    publish_unhurried(EditOf().put(kRds, "plain", body).put(kRds, "shard", body));
  }
  EXPECT_THAT(take_sent(), ElementsAre("+shard=2", "+shard=3", "+shard=4"));
  hub.tick(Time{});
  EXPECT_THAT(take_sent(), ElementsAre("+plain=4"));
  hub.tick(Time{});
  EXPECT_THAT(take_sent(), IsEmpty());
}

TEST_F(DeferredTest, WhatItNamesStaysUntilItHasChanged) {
  publish_unhurried(EditOf()
                        .put(kRds, "plain", "2")
                        .put(kRds, "shard", "2")
                        .remove(kCds, "old")
                        .remove(kEds, "old"));
  EXPECT_THAT(take_sent(), ElementsAre("+shard=2"));
  EXPECT_TRUE(hub.snapshot(kGateway)->contains(kCds, "old"));
  hub.tick(Time{});
  EXPECT_EQ(take_sent().front(), "+plain=2");
  EXPECT_FALSE(hub.snapshot(kGateway)->contains(kCds, "old"));
  EXPECT_FALSE(hub.snapshot(kGateway)->contains(kEds, "old"));
}

TEST_F(DeferredTest, WhatComesBackMeanwhileIsNotRemoved) {
  publish_unhurried(EditOf().put(kRds, "plain", "2").remove(kCds, "old"));
  publish(EditOf().put(kCds, "old", "2"));
  hub.tick(Time{});
  EXPECT_TRUE(hub.snapshot(kGateway)->contains(kCds, "old"));
}

TEST_F(DeferredTest, NothingWaitsForATableThatIsGone) {
  publish_unhurried(EditOf().put(kRds, "plain", "2").remove(kCds, "old"));
  publish(EditOf().remove(kRds, "plain"));
  EXPECT_FALSE(hub.snapshot(kGateway)->contains(kRds, "plain"));
  EXPECT_FALSE(hub.snapshot(kGateway)->contains(kCds, "old"));
  hub.tick(Time{});
  EXPECT_FALSE(hub.snapshot(kGateway)->contains(kRds, "plain"));
}

TEST_F(DeferredTest, ANewTableDoesNotWait) {
  Edit edit;
  put(edit, kRds, "fresh", "1");
  edit.unhurried = {{kRds, "fresh"}};
  hub.publish(kGateway, std::move(edit));
  EXPECT_TRUE(hub.snapshot(kGateway)->contains(kRds, "fresh"));
}

TEST_F(DeferredTest, WhatIsInAHurryAgainPassesWhatWaited) {
  publish_unhurried(EditOf().put(kRds, "plain", "2"));
  publish(EditOf().put(kRds, "plain", "3"));
  EXPECT_THAT(take_sent(), ElementsAre("+plain=3"));
  hub.tick(Time{});
  EXPECT_THAT(take_sent(), IsEmpty());
}

TEST_F(DeferredTest, NothingWaitsWhileAProxyRefusesSomething) {
  publish_unhurried(EditOf().put(kRds, "plain", "2"));
  refusing = true;
  publish(EditOf().put(kRds, "shard", "bad"));
  hub.request(1, {.type = kRds, .nonce = nonces[kRds], .error = "Error adding shard: no"});
  refusing = false;
  take_sent();
  publish_unhurried(EditOf().put(kRds, "plain", "3").put(kRds, "shard", "3"));
  hub.request(1, {.type = kRds, .nonce = nonces[kRds]});
  EXPECT_EQ(*hub.snapshot(kGateway)->find(kRds, "plain")->body(), "3");
}

}  // namespace
}  // namespace kgw::xds::test
