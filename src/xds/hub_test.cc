#include "xds/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ObjectKey kGateway = {"ns", "gw"};
const ObjectKey kOther = {"ns", "other"};

// Both ends of the Hub, in memory.
class HubTest : public testing::Test, public Sink, public LedgerObserver {
 protected:
  HubTest() : hub(StreamOptions(), *this, *this, Time{}) {}

  std::size_t send(StreamId id, Protocol, const Response& response) override {
    pending[{id, response.type}] = response;
    return 100;
  }
  void read_next(StreamId id) override { ++reads[id]; }
  void close(StreamId id, const std::string& reason) override {
    log.push_back("close " + std::to_string(id) + ": " + reason);
  }
  void on_delivered(const ObjectKey&, const ResourceKey& key, Version) override {
    log.push_back("delivered " + to_string(key));
    if (on_delivery) on_delivery();
  }
  void on_rejected(const ObjectKey&, const ResourceKey& key, Version,
                   const std::string& message) override {
    log.push_back("rejected " + to_string(key) + ": " + message);
  }
  void on_proxies_changed(const ObjectKey& group, std::size_t proxies) override {
    log.push_back(group.name.str() + " has " + std::to_string(proxies));
  }

  void open(StreamId id, const ObjectKey& group = kGateway) {
    hub.opened(id, {Protocol::kDelta, group, {"proxy-" + std::to_string(id), {}, {}}, "unix:"});
  }
  void subscribe(StreamId id, ResourceType type, std::vector<Name> names = {}) {
    hub.request(id, {.type = type, .subscribe = std::move(names)});
  }
  void answer(StreamId id, ResourceType type, std::optional<std::string> error = {}) {
    const std::string nonce = pending.at({id, type}).nonce;
    pending.erase({id, type});
    hub.request(id, {.type = type, .nonce = nonce, .error = std::move(error)});
  }
  Names take_log() { return std::exchange(log, {}); }
  void publish(EditOf edit) { hub.publish(kGateway, std::move(edit.edit)); }

  Hub hub;
  std::map<std::pair<StreamId, ResourceType>, Response> pending;
  std::map<StreamId, int> reads;
  Names log;
  std::function<void()> on_delivery;
};

TEST_F(HubTest, NothingIsServedBeforeTheSourcesAreSynced) {
  publish(EditOf().put(kCds, "a"));
  open(1);
  subscribe(1, kCds);
  EXPECT_THAT(pending, IsEmpty());
  EXPECT_EQ(reads[1], 0);  // nor is more taken in
  hub.set_synced();
  EXPECT_EQ(pending.size(), 1u);
  EXPECT_EQ(reads[1], 1);
}

TEST_F(HubTest, NothingIsServedBeforeTheGroupIsKnown) {
  hub.set_synced();
  open(1);
  subscribe(1, kCds);
  hub.publish(kOther, {});
  EXPECT_THAT(pending, IsEmpty());
  publish({});
  EXPECT_EQ(pending.size(), 1u);
}

TEST_F(HubTest, GroupsDoNotMix) {
  hub.set_synced();
  hub.publish(kOther, {});
  publish(EditOf().put(kCds, "a"));
  open(1);
  open(2, kOther);
  subscribe(1, kCds);
  subscribe(2, kCds);
  EXPECT_EQ(pending.at({1, kCds}).resources.size(), 1u);
  EXPECT_EQ(pending.at({2, kCds}).resources.size(), 0u);
}

TEST_F(HubTest, DeliveredWhenEveryProxyAccepted) {
  hub.set_synced();
  publish({});
  for (StreamId id : {1, 2}) {
    open(id);
    subscribe(id, kCds);
    answer(id, kCds);
  }
  EXPECT_THAT(take_log(), ElementsAre("gw has 1", "gw has 2"));
  publish(EditOf().put(kCds, "a"));
  answer(1, kCds);
  EXPECT_THAT(take_log(), IsEmpty());
  const Delivery half = hub.delivery(kGateway, {kCds, "a"});
  EXPECT_EQ(half.accepted, 1u);
  EXPECT_EQ(half.subscribed, 2u);
  answer(2, kCds);
  EXPECT_THAT(take_log(), ElementsAre("delivered Cluster a"));
  EXPECT_EQ(hub.delivery(kGateway, {kCds, "a"}).accepted, 2u);
}

TEST_F(HubTest, DeliveredWhenTheProxyThatLaggedLeaves) {
  hub.set_synced();
  publish(EditOf().put(kCds, "a"));
  open(1);
  open(2);
  subscribe(1, kCds);
  subscribe(2, kCds);
  answer(1, kCds);
  take_log();
  hub.closed(2);
  EXPECT_THAT(take_log(), ElementsAre("delivered Cluster a", "gw has 1"));
}

TEST_F(HubTest, NotDeliveredIfNobodyAccepted) {
  hub.set_synced();
  publish(EditOf().put(kCds, "a"));
  open(1);
  subscribe(1, kCds);
  take_log();
  hub.closed(1);
  EXPECT_THAT(take_log(), ElementsAre("gw has 0"));
}

TEST_F(HubTest, DeliveredWhenAProxyComesBackWithTheVersion) {
  hub.set_synced();
  publish(EditOf().put(kCds, "a"));
  const Version version = hub.snapshot(kGateway)->find(kCds, "a")->version();
  open(1);
  hub.request(1, {.type = kCds, .held = {{"a", version}}});
  EXPECT_THAT(pending, IsEmpty());
  EXPECT_THAT(take_log(), ElementsAre("gw has 1", "delivered Cluster a"));
}

TEST_F(HubTest, RejectionIsReportedOnceAndForgottenWhenMended) {
  hub.set_synced();
  publish(EditOf().put(kRds, "r", "bad"));
  for (StreamId id : {1, 2}) {
    open(id);
    subscribe(id, kRds, {"r"});
  }
  take_log();
  answer(1, kRds, "no such route");
  answer(2, kRds, "no such route");
  EXPECT_THAT(take_log(), ElementsAre("rejected RouteConfiguration r: no such route"));
  EXPECT_EQ(hub.nack(kGateway, {kRds, "r"})->message, "no such route");
  EXPECT_EQ(hub.delivery(kGateway, {kRds, "r"}).rejected, 2u);
  EXPECT_EQ(hub.proxies_of(kGateway, {kRds, "r"})[0].state, ProxyState::kRejected);
  publish(EditOf().put(kRds, "r", "mended"));
  EXPECT_FALSE(hub.nack(kGateway, {kRds, "r"}));
  answer(1, kRds);
  answer(2, kRds);
  EXPECT_THAT(take_log(), ElementsAre("delivered RouteConfiguration r"));
}

TEST_F(HubTest, RejectionIsForgottenWhenItsProxyLeaves) {
  hub.set_synced();
  publish(EditOf().put(kRds, "r", "bad"));
  open(1);
  subscribe(1, kRds, {"r"});
  answer(1, kRds, "no");
  hub.closed(1);
  EXPECT_FALSE(hub.nack(kGateway, {kRds, "r"}));
}

TEST_F(HubTest, RemovedGroupEndsItsStreams) {
  hub.set_synced();
  publish(EditOf().put(kCds, "a"));
  open(1);
  subscribe(1, kCds);
  take_log();
  hub.remove_group(kGateway);
  EXPECT_THAT(take_log(), ElementsAre("close 1: the Gateway ns/gw is gone", "gw has 0"));
  hub.closed(1);
  EXPECT_EQ(hub.stats().streams, 0u);
  EXPECT_THAT(take_log(), IsEmpty());
}

TEST_F(HubTest, ObserverMayPublish) {
  hub.set_synced();
  publish(EditOf().put(kCds, "a"));
  open(1);
  subscribe(1, kCds);
  on_delivery = [&] {
    on_delivery = nullptr;
    publish(EditOf().put(kCds, "b"));
    hub.remove_group(kGateway);
  };
  answer(1, kCds);
  EXPECT_THAT(hub.groups(), IsEmpty());
}

TEST_F(HubTest, Counts) {
  hub.set_synced();
  publish(EditOf().put(kCds, "a").put(kCds, "b"));
  open(1);
  subscribe(1, kCds);
  answer(1, kCds);
  publish(EditOf().remove(kCds, "a").put(kCds, "b", "2"));
  answer(1, kCds, "Error adding/updating cluster(s) b: no");
  const TypeStats& stats = hub.stats().of(kCds);
  EXPECT_EQ(stats.responses, 2u);
  EXPECT_EQ(stats.resources, 3u);
  EXPECT_EQ(stats.removals, 1u);
  EXPECT_EQ(stats.bytes, 200u);
  EXPECT_EQ(stats.acks, 1u);
  EXPECT_EQ(stats.nacks, 1u);
  EXPECT_EQ(stats.until_answered.count(), 2u);
}

}  // namespace
}  // namespace kgw::xds::test
