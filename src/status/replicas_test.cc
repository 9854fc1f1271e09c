// What several replicas know together, seen in the inputs of the statuses.
#include "status/replicas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::status {
namespace {

using envoy::ResourceKey;
using envoy::ResourceType;
using testing::ElementsAre;
using testing::IsEmpty;
using State = ReportedResource::State;

const ObjectKey kGateway{"ns", "gw"};
const ResourceKey kListener{ResourceType::kListener, "listener~80"};
const ResourceKey kTable{ResourceType::kRoute, "listener~80"};
const ResourceKey kCluster{ResourceType::kCluster, "c"};
const RouteInTable kRoute{{Kind::kHttpRoute, {"ns", "r"}}, {kGateway, "listener~80"}};

// One Gateway's proxies, as far as a test tells.
class FakeLedger final : public xds::Ledger {
 public:
  std::size_t proxies(const ObjectKey&) const override { return count; }
  xds::Delivery delivery(const ObjectKey&, const ResourceKey& key) const override {
    const auto found = known.find(key);
    xds::Delivery delivery = found == known.end() ? xds::Delivery() : found->second;
    if (const auto entry = content.find(key.type, key.name)) delivery.current = entry->version();
    return delivery;
  }
  std::optional<xds::Nack> nack(const ObjectKey&, const ResourceKey& key) const override {
    return delivery(kGateway, key).nack;
  }
  std::vector<std::pair<ResourceKey, xds::Nack>> nacks(const ObjectKey&) const override {
    std::vector<std::pair<ResourceKey, xds::Nack>> nacks;
    for (const auto& [key, delivery] : known) {
      if (delivery.nack) nacks.emplace_back(key, *delivery.nack);
    }
    return nacks;
  }
  std::vector<xds::ProxyView> proxies_of(const ObjectKey&, const ResourceKey&) const override {
    return {};
  }
  const xds::Snapshot* snapshot(const ObjectKey&) const override {
    return exists ? &content : nullptr;
  }
  std::vector<ObjectKey> groups() const override { return {kGateway}; }

  bool exists = true;
  std::size_t count = 0;
  xds::Snapshot content;
  std::map<ResourceKey, xds::Delivery> known;
};

envoy::Version version(const std::string& body) { return envoy::make_resource("", body).version; }

class ReplicasTest : public testing::Test {
 protected:
  ReplicasTest() { replicas_.attach(ledger_); }

  // ---- what happens here ----

  void publish(const ResourceKey& key, const std::string& body) {
    xds::Edit edit;
    edit.upserts.emplace_back(key.type, envoy::make_resource(key.name, body));
    feedback_.sent(kGateway, edit);
    const auto changed = replicas_.interesting(kGateway, edit);
    ledger_.content.apply(std::move(edit));
    if (ledger_.known.contains(key)) {
      ledger_.known[key] = {.subscribed = ledger_.known[key].subscribed};
    }
    replicas_.published(kGateway, changed);
  }
  // With routes made of these pieces, besides those that are there.
  void publish_pieces(const std::string& body, std::vector<Name> pieces) {
    PieceChange change{.unit = {kGateway, kTable}, .resources = {{kGateway, kTable}}};
    for (const Name& piece : pieces) change.added.push_back({piece, {piece}, {}});
    change.routes = {{kRoute, version(body)}};
    feedback_.published(std::vector{change});
    publish(kTable, body);
  }
  void connect(std::size_t proxies) {
    ledger_.count = proxies;
    replicas_.on_proxies_changed(kGateway, proxies);
  }
  void subscribe(const ResourceKey& key) { ledger_.known[key] = {.subscribed = 1}; }
  void accept(const ResourceKey& key) {
    ledger_.known[key] = {.subscribed = 1, .accepted = 1, .delivered = true};
    replicas_.on_delivered(kGateway, key, *ledger_.delivery(kGateway, key).current);
  }
  void refuse(const ResourceKey& key, const std::string& words) {
    const auto current = *ledger_.delivery(kGateway, key).current;
    ledger_.known[key] = {.subscribed = 1, .rejected = 1, .nack = xds::Nack{current, words, {}}};
    replicas_.on_rejected(kGateway, key, current, words);
  }

  // ---- what another replica says ----

  static GatewayReport accepting(const ResourceKey& key, const std::string& body) {
    return {.proxies = 1, .resources = {{key, {State::kAccepted, version(body), {}}}}, .held = {}};
  }
  static GatewayReport refusing(const ResourceKey& key, const std::string& body) {
    return {.proxies = 1, .resources = {{key, {State::kRefused, version(body), "no"}}}, .held = {}};
  }
  static GatewayReport pending(const ResourceKey& key) {
    return {.proxies = 1, .resources = {{key, {}}}, .held = {}};
  }
  static GatewayReport holding(const Name& piece) {
    return {.proxies = 1, .resources = {}, .held = {{kTable, {{piece, "bad"}}}}};
  }
  void report(GatewayReport report, const char* replica = "other") {
    replicas_.report(replica, kGateway, std::move(report));
  }

  // ---- what comes of it ----

  ResourceDelivery told(const ResourceKey& key) {
    graph_.commit();
    const auto* found = delivery_.resources.find({kGateway, key});
    return found == nullptr ? ResourceDelivery() : *found;
  }
  bool delivered(const ResourceKey& key) { return told(key).acknowledged; }
  bool route_delivered(const std::string& body) {
    graph_.commit();
    const auto* found = delivery_.routes.find(kRoute);
    return found != nullptr && *found == version(body);
  }
  int connected() {
    graph_.commit();
    const auto* found = delivery_.proxies.find(kGateway);
    return found == nullptr ? 0 : found->connected;
  }

  engine::Graph graph_;
  Delivery delivery_{graph_};
  std::set<std::string> held_;
  Feedback feedback_{delivery_, [this](ResourceType, const Name& piece, const Held* held) {
                       if (held == nullptr) {
                         EXPECT_EQ(held_.erase(piece.str()), 1u) << piece.str();
                       } else {
                         held_.insert(piece.str());
                       }
                     }};
  FakeLedger ledger_;
  Replicas replicas_{feedback_};
};

TEST_F(ReplicasTest, WhatIsPublishedAgainIsDeliveredAsBefore) {
  connect(1);
  subscribe(kListener);
  publish(kListener, "listener");
  accept(kListener);
  subscribe(kTable);
  publish_pieces("table", {"p"});
  accept(kTable);
  ASSERT_TRUE(delivered(kListener) && route_delivered("table"));

  // The Gateway leaves the tables and comes back; its proxies have kept everything.
  feedback_.published(std::vector<PieceChange>{
      {.unit = {kGateway, kTable}, .resources = {{kGateway, kTable}}, .removed = {{"p", {"p"}}}}});
  feedback_.removed({kGateway, kTable});
  feedback_.removed({kGateway, kListener});
  feedback_.route_removed(kRoute);
  ASSERT_FALSE(delivered(kListener) || route_delivered("table"));
  feedback_.published(std::vector<PieceChange>{{.unit = {kGateway, kTable},
                                                .resources = {{kGateway, kTable}},
                                                .added = {{"p", {"p"}}},
                                                .routes = {{kRoute, version("table")}}}});
  replicas_.came_back(kGateway);
  EXPECT_TRUE(delivered(kListener));
  EXPECT_TRUE(route_delivered("table"));
  EXPECT_FALSE(feedback_.is_searching({kGateway, kTable}));
}

TEST_F(ReplicasTest, WithoutReportsAllIsPassedOn) {
  connect(2);
  publish(kListener, "1");
  EXPECT_FALSE(delivered(kListener));
  accept(kListener);
  EXPECT_TRUE(delivered(kListener));
  EXPECT_EQ(connected(), 2);
  publish(kListener, "2");
  refuse(kListener, "no");
  EXPECT_EQ(told(kListener).rejection, "no");
}

TEST_F(ReplicasTest, ProxiesOfOthersAloneAreEnough) {
  publish(kListener, "1");
  publish_pieces("routes", {"a"});
  GatewayReport report = accepting(kListener, "1");
  report.resources[kTable] = {State::kAccepted, version("routes"), {}};
  this->report(report);
  EXPECT_TRUE(delivered(kListener));
  EXPECT_TRUE(route_delivered("routes"));
  EXPECT_EQ(connected(), 1);
  this->report({});
  EXPECT_EQ(connected(), 0);
}

TEST_F(ReplicasTest, AllReplicasMustAccept) {
  connect(1);
  publish_pieces("1", {"a"});
  report(pending(kTable));
  report(accepting(kTable, "1"), "third");
  EXPECT_EQ(connected(), 3);
  accept(kTable);
  EXPECT_FALSE(route_delivered("1"));
  report(accepting(kTable, "1"));
  EXPECT_TRUE(route_delivered("1"));

  publish_pieces("2", {});
  report(accepting(kTable, "2"));
  report(accepting(kTable, "2"), "third");
  EXPECT_FALSE(route_delivered("2"));
  accept(kTable);
  EXPECT_TRUE(route_delivered("2"));
}

TEST_F(ReplicasTest, AProxyThatConnectsAfterwardsHoldsNothingUp) {
  publish(kListener, "1");
  report(pending(kListener));
  connect(1);
  accept(kListener);
  ledger_.known[kListener] = {.subscribed = 2, .accepted = 1, .delivered = true};
  connect(2);
  report(accepting(kListener, "1"));
  EXPECT_TRUE(delivered(kListener));
}

TEST_F(ReplicasTest, WhoIsAheadCountsWhenTheVersionIsPublishedHere) {
  publish_pieces("1", {"a"});
  report(accepting(kTable, "2"));
  EXPECT_FALSE(route_delivered("1"));
  publish_pieces("2", {"b"});
  EXPECT_TRUE(route_delivered("2"));
}

TEST_F(ReplicasTest, WhoIsBehindIsWaitedFor) {
  connect(1);
  publish_pieces("2", {"a"});
  report(accepting(kTable, "1"));
  accept(kTable);
  EXPECT_FALSE(route_delivered("2"));
  report(accepting(kTable, "2"));
  EXPECT_TRUE(route_delivered("2"));
}

TEST_F(ReplicasTest, WhatNobodyThereWantsIsNotWaitedFor) {
  connect(1);
  publish_pieces("1", {"a"});
  report(accepting(kListener, "1"));
  accept(kTable);
  EXPECT_TRUE(route_delivered("1"));
}

TEST_F(ReplicasTest, NobodyIsWaitedForWhoIsGone) {
  connect(1);
  subscribe(kListener);
  publish(kListener, "1");
  report(pending(kListener));
  accept(kListener);
  EXPECT_FALSE(delivered(kListener));
  replicas_.gone("other");
  EXPECT_TRUE(delivered(kListener));
  EXPECT_EQ(connected(), 1);

  publish_pieces("1", {"a"});
  subscribe(kTable);
  report(accepting(kTable, "1"));
  EXPECT_FALSE(route_delivered("1"));
  ledger_.known.clear();  // the own proxy leaves without an answer
  connect(0);
  EXPECT_TRUE(route_delivered("1"));
}

TEST_F(ReplicasTest, ARefusalOfTheCurrentVersionIsTold) {
  publish(kListener, "1");
  report(refusing(kListener, "0"));
  EXPECT_EQ(told(kListener).rejection, "");
  report(refusing(kListener, "1"));
  EXPECT_EQ(told(kListener).rejection, "no");
  connect(1);
  accept(kListener);
  EXPECT_EQ(told(kListener).rejection, "no");
  report(accepting(kListener, "1"));
  EXPECT_EQ(told(kListener), (ResourceDelivery{true, ""}));
  publish(kListener, "2");
  accept(kListener);
  report(refusing(kListener, "2"));
  EXPECT_EQ(told(kListener).rejection, "no");
  replicas_.gone("other");
  EXPECT_EQ(told(kListener), (ResourceDelivery{true, ""}));
}

TEST_F(ReplicasTest, ARefusalElsewhereStartsNoSearchHere) {
  publish_pieces("1", {"a", "b"});
  report(refusing(kTable, "1"));
  EXPECT_THAT(held_, IsEmpty());
}

TEST_F(ReplicasTest, ARefusedClusterIsTold) {
  const auto refused = [&] {
    graph_.commit();
    return delivery_.shortfalls.find(kGateway) != nullptr;
  };
  publish(kCluster, "1");
  report(refusing(kCluster, "1"));
  EXPECT_TRUE(refused());
  report(accepting(kListener, "1"));
  EXPECT_FALSE(refused());
  report(refusing(kCluster, "2"));
  EXPECT_FALSE(refused());
  publish(kCluster, "2");
  EXPECT_TRUE(refused());
}

TEST_F(ReplicasTest, WhatOthersConvictIsHeldBackForAsLongAsTheySaySo) {
  publish_pieces("1", {"a", "b"});
  report(holding("a"));
  report(holding("a"), "third");
  EXPECT_THAT(held_, ElementsAre("a"));
  report(holding("b"));
  EXPECT_THAT(held_, ElementsAre("a", "b"));
  report(accepting(kListener, "1"), "third");
  EXPECT_THAT(held_, ElementsAre("b"));
  replicas_.gone("other");
  EXPECT_THAT(held_, IsEmpty());
  EXPECT_THAT(feedback_.convictions(kGateway), IsEmpty());
}

TEST_F(ReplicasTest, ARuleThatComesBackIsSuspectedAgain) {
  connect(1);
  publish_pieces("1", {"a", "b"});
  report(holding("a"));
  publish_pieces("without a", {});
  accept(kTable);
  feedback_.advance();
  replicas_.gone("other");
  PieceChange change{.unit = {kGateway, kTable}, .resources = {{kGateway, kTable}}};
  change.restated = {{"a", {}}};
  feedback_.published(std::vector{change});
  publish(kTable, "1");
  feedback_.advance();
  refuse(kTable, "bad");
  EXPECT_THAT(held_, ElementsAre("a"));
}

TEST_F(ReplicasTest, AChainThatComesBackIsSuspectedAgain) {
  connect(1);
  PieceChange change{.unit = {kGateway, kListener}, .resources = {{kGateway, kListener}}};
  change.added = {{"a", {"a"}, {}}, {"b", {"b"}, {}}};
  feedback_.published(std::vector{change});
  publish(kListener, "1");
  GatewayReport other = holding("a");
  other.held = {{kListener, {{"a", "bad"}}}};
  report(other);
  publish(kListener, "without a");
  accept(kListener);
  feedback_.advance();
  replicas_.gone("other");
  publish(kListener, "1");
  feedback_.advance();
  refuse(kListener, "bad");
  EXPECT_THAT(held_, ElementsAre("a"));
}

TEST_F(ReplicasTest, AnOwnSearchIsNotDisturbed) {
  connect(1);
  publish_pieces("1", {"a"});
  accept(kTable);
  report(holding("x"));
  publish_pieces("2", {"b", "c"});
  refuse(kTable, "bad");
  EXPECT_THAT(held_, ElementsAre("b", "c", "x"));
  EXPECT_TRUE(feedback_.is_searching({kGateway, kTable}));
  report(holding("y"));  // neither is "x" let go now
  EXPECT_THAT(held_, ElementsAre("b", "c", "x"));
  EXPECT_THAT(feedback_.convictions(kGateway), IsEmpty());

  publish_pieces("3", {});
  feedback_.advance();
  accept(kTable);  // without both; b is tried next
  EXPECT_THAT(held_, ElementsAre("c", "x"));
  publish_pieces("4", {});
  feedback_.advance();
  refuse(kTable, "bad");
  publish_pieces("5", {});
  feedback_.advance();
  accept(kTable);
  publish_pieces("6", {});
  feedback_.advance();
  accept(kTable);  // c is innocent
  EXPECT_THAT(held_, ElementsAre("b", "y"));
  publish_pieces("7", {});
  feedback_.advance();
  const auto convictions = feedback_.convictions(kGateway);
  ASSERT_EQ(convictions.size(), 1u);  // not what others said
  EXPECT_EQ(convictions.begin()->second, (Feedback::Pieces{{"b", "bad"}}));
}

TEST_F(ReplicasTest, ASearchEndsWhenNobodyIsLeftToAnswerIt) {
  connect(1);
  publish_pieces("1", {"a", "b"});
  report(accepting(kListener, "1"));
  refuse(kTable, "bad");
  EXPECT_THAT(held_, ElementsAre("a", "b"));
  ledger_.known.clear();
  connect(0);
  EXPECT_THAT(held_, IsEmpty());
}

TEST_F(ReplicasTest, APieceStaysHeldBackForWhoeverStillWantsThat) {
  connect(1);
  publish_pieces("1", {"a"});
  refuse(kTable, "bad");  // convicted here
  GatewayReport other = holding("a");
  other.held = {{{ResourceType::kRoute, "listener~81"}, {{"a", "bad"}}}};
  PieceChange change{.unit = {kGateway, {ResourceType::kRoute, "listener~81"}},
                     .resources = {{kGateway, {ResourceType::kRoute, "listener~81"}}}};
  change.added.push_back({"a", {"a"}, {}});
  feedback_.published(std::vector{change});
  report(other);
  replicas_.gone("other");
  EXPECT_THAT(held_, ElementsAre("a"));
}

TEST_F(ReplicasTest, ReportsOfAGatewayThatIsNotKnownYetCountWhenItIs) {
  ledger_.exists = false;
  report(accepting(kListener, "1"));
  EXPECT_EQ(connected(), 0);
  ledger_.exists = true;
  publish(kListener, "1");
  replicas_.appeared(kGateway);
  EXPECT_EQ(connected(), 1);
  EXPECT_TRUE(delivered(kListener));
}

TEST_F(ReplicasTest, TellsWhenThereIsSomethingElseToReport) {
  int changes = 0;
  replicas_.own_changed = [&](const ObjectKey& gateway) { changes += gateway == kGateway ? 1 : 0; };
  publish(kListener, "1");
  EXPECT_EQ(changes, 1);
  publish(kCluster, "1");
  EXPECT_EQ(changes, 1);
  connect(1);
  accept(kListener);
  publish_pieces("1", {"a"});
  refuse(kTable, "bad");
  EXPECT_EQ(changes, 5);
}

// ---- what a replica says of itself ----

TEST_F(ReplicasTest, AReportSaysWhatProxiesWantAndRefuse) {
  ledger_.count = 3;
  publish(kListener, "1");
  publish_pieces("2", {"a"});
  publish({ResourceType::kSecret, "unused"}, "3");
  publish({ResourceType::kSecret, "pending"}, "4");
  publish(kCluster, "5");
  ledger_.known[kListener] = {.subscribed = 3, .accepted = 3};
  ledger_.known[{ResourceType::kSecret, "pending"}] = {.subscribed = 3, .accepted = 2};
  refuse(kTable, "bad");
  refuse(kCluster, "worse");
  feedback_.advance();
  const GatewayReport report = report_of(ledger_, feedback_, kGateway);
  EXPECT_EQ(report.proxies, 3u);
  EXPECT_EQ(report.resources, (std::map<ResourceKey, ReportedResource>{
                                  {kListener, {State::kAccepted, version("1"), {}}},
                                  {kTable, {State::kRefused, version("2"), "bad"}},
                                  {{ResourceType::kSecret, "pending"}, {}},
                                  {kCluster, {State::kRefused, version("5"), "worse"}}}));
  EXPECT_EQ(report.held, (std::map<ResourceKey, Feedback::Pieces>{{kTable, {{"a", "bad"}}}}));
  ledger_.count = 0;
  EXPECT_EQ(report_of(ledger_, feedback_, kGateway), GatewayReport());
}

TEST_F(ReplicasTest, ARefusalIsNoLastWordWhileItIsSearchedFor) {
  ledger_.count = 1;
  publish_pieces("1", {"a", "b"});
  refuse(kTable, "bad");
  const GatewayReport report = report_of(ledger_, feedback_, kGateway);
  EXPECT_EQ(report.resources.at(kTable), ReportedResource());
  EXPECT_THAT(report.held, IsEmpty());
  EXPECT_THAT(feedback_.take_judged(), ElementsAre(kGateway));
}

}  // namespace
}  // namespace kgw::status
