// Two replicas with the same objects, proxies that refuse some rules, and reports from one replica
// to the other, in any order: what the leader tells at the end is the truth about all proxies.
#include "status/replicas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"
#include "status/conditions.h"
#include "xds/hub.h"

namespace kgw::app {
namespace {

using envoy::ResourceType;
using testing::IsEmpty;

const ObjectKey kGateway{"default", "gw"};
constexpr const char* kTable = "listener~80";

// A replica without its sockets. Its proxies refuse route tables that hold a bad path.
class Replica final : xds::Sink {
 public:
  explicit Replica(std::vector<std::string> bad) : bad_(std::move(bad)) {
    replicas.attach(hub);
    // Pauses are over as soon as somebody looks.
    feedback.clock = [now = status::Feedback::Time()]() mutable {
      return now += status::Suspects::kLongestPause;
    };
    translation.apply(builtin_objects());
    hub.set_synced();
  }

  void load(const std::string& text) {
    for (Decoded& decoded : decode_text(text, "test", DecodeMode::kStrict)) {
      ASSERT_NE(decoded.object, nullptr) << text;
      translation.apply(std::vector<source::ObjectEvent>{{decoded.ref, decoded.object}});
    }
  }
  // As Core::settle().
  void settle() {
    do {
      publish(translation.commit());
      feedback.advance();
    } while (feedback.take_changed());
  }
  void connect() {
    settle();  // or the first request waits for the Gateway, and the hub takes no other meanwhile
    const xds::StreamId id = ++last_id_;
    proxies_.push_back(id);
    hub.opened(id, {.protocol = xds::Protocol::kDelta, .group = kGateway, .node = {}, .peer = ""});
    hub.request(id, {.type = ResourceType::kCluster});
    hub.request(id, {.type = ResourceType::kListener});
    hub.request(id, {.type = ResourceType::kRoute, .subscribe = {kTable}});
  }
  void disconnect() {
    hub.closed(proxies_.back());
    proxies_.pop_back();
  }
  // One of the proxies answers one of its responses. False: nobody has any.
  bool answer(std::mt19937& random) {
    if (sent_.empty()) return false;
    const auto chosen = sent_.begin() + static_cast<std::ptrdiff_t>(random() % sent_.size());
    const auto [id, response] = *chosen;
    sent_.erase(chosen);
    xds::Request request{.type = response.type, .nonce = response.nonce};
    for (const xds::EntryPtr& entry : response.resources) {
      for (const std::string& path : bad_) {
        if (entry->type() != ResourceType::kRoute || !entry->body()->contains(path)) continue;
        request.error = "no such path";
      }
    }
    hub.request(id, request);
    return true;
  }

  status::GatewayReport report() { return status::report_of(hub, feedback, kGateway); }
  // "route: reason" of each that is not programmed, and of the listener.
  std::vector<std::string> not_programmed() {
    std::vector<std::string> list;
    translation.statuses.table.for_each([&](const ObjectRef& ref, const status::ObjectStatus& any) {
      const auto add = [&](const Condition& condition) {
        if (condition.status == "True") return;
        list.push_back(ref.name().str() + ": " + condition.reason.str());
      };
      if (const auto* route = std::get_if<status::RouteStatus>(&any)) {
        add(*status::find(route->parents.at(0).conditions, status::kRouteProgrammed));
      } else if (const auto* gateway = std::get_if<status::GatewayStatus>(&any)) {
        add(*status::find(gateway->listeners.at(0).conditions, "Programmed"));
      }
    });
    return list;
  }
  std::optional<envoy::Version> version() {
    return hub.delivery(kGateway, {ResourceType::kRoute, kTable}).current;
  }

  Translation translation{offline_settings()};
  status::Feedback feedback{
      translation.delivery,
      [this](ResourceType type, const Name& piece, const status::Held* held) {
        translation.hold(type, piece, held);
      },
      [this](const status::GatewayResource& resource) { translation.accepted(resource); }};
  status::Replicas replicas{feedback};
  xds::Hub hub{{}, *this, replicas, {}};

 private:
  // As Core::publish().
  void publish(Outcome outcome) {
    feedback.withdrawn(outcome.withdrawn);
    while (feedback.published(outcome.pieces)) {
      Outcome later = translation.commit();
      feedback.withdrawn(later.withdrawn);
      outcome.pieces = std::move(later.pieces);
      outcome.append(std::move(later));
    }
    for (const auto& resource : outcome.removed) feedback.removed(resource);
    for (const auto& route : outcome.removed_routes) feedback.route_removed(route);
    for (const auto& [route, version] : outcome.unchanged_routes) {
      feedback.same_on_the_wire(route, version);
    }
    for (const auto& [gateway, edit] : outcome.edits) feedback.sent(gateway, edit);
    for (auto& [gateway, edit] : outcome.edits) {
      const auto changed = replicas.interesting(gateway, edit);
      hub.publish(gateway, std::move(edit));
      replicas.published(gateway, changed);
    }
    for (const ObjectKey& gateway : outcome.gateways_added) {
      hub.publish(gateway, {});
      replicas.appeared(gateway);
    }
  }

  std::size_t send(xds::StreamId id, xds::Protocol, const xds::Response& response) override {
    sent_.emplace_back(id, response);
    return 0;
  }
  void read_next(xds::StreamId) override {}
  void close(xds::StreamId, const std::string&) override {}

  const std::vector<std::string> bad_;
  xds::StreamId last_id_ = 0;
  std::vector<xds::StreamId> proxies_;
  std::deque<std::pair<xds::StreamId, xds::Response>> sent_;
};

std::string route(int i, const std::string& path) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
         std::to_string(i) + "}\nspec:\n  parentRefs: [{name: gw}]\n  hostnames: [h" +
         std::to_string(i) +
         ".example.com]\n  rules:\n  - matches: [{path: {type: Exact, value: " + path +
         "}}]\n    filters: [{type: RequestRedirect, requestRedirect: {hostname: a.invalid}}]\n";
}

class ReplicasTest : public testing::TestWithParam<unsigned> {
 protected:
  void load(const std::string& text) {
    leader.load(text);
    follower.load(text);
  }
  void load_all() {
    load(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw, "
        "annotations: {kgateway.dev/route-sharding: Never}}\nspec: {gatewayClassName: kgateway, "
        "listeners: [{name: http, port: 80, protocol: HTTP}]}\n");
    for (int i = 0; i < 20; ++i) load(route(i, "/path-" + std::to_string(i) + "-"));
  }
  // Everything that can happen happens, in any order, until nothing is left to do.
  void settle() {
    for (int idle = 0, guard = 0; idle < 3; ++guard) {
      ASSERT_LT(guard, 2'000) << "does not settle";
      for (int i = 0; i < 20; ++i) step(static_cast<int>(random() % kSteps));
      bool busy = false;
      for (int i = 0; i < kSteps; ++i) busy |= step(i);
      idle = busy ? 0 : idle + 1;
    }
  }
  static constexpr int kSteps = 5;
  // True if it has changed something that others see.
  bool step(int which) {
    switch (which) {
      case 0:
        leader.settle();
        return false;
      case 1:
        follower.settle();
        return false;
      case 2:
        return leader.answer(random);
      case 3:
        return follower.answer(random);
      default:
        const bool other = follower.report() != reported;
        reported = follower.report();
        const auto read = status::decode_report(status::encode_report(kGateway, reported));
        leader.replicas.report("follower", kGateway, read->report);
        return other;
    }
  }

  std::mt19937 random{GetParam()};
  Replica leader{{"/path-7-", "/path-13-"}};
  Replica follower{{"/path-7-", "/path-13-"}};
  status::GatewayReport reported;
};

const std::vector<std::string> kBad{"r13: RouteRuleReplaced", "r7: RouteRuleReplaced"};

TEST_P(ReplicasTest, TheLeaderTellsWhatProxiesOfTheFollowerTakeOver) {
  load_all();
  follower.connect();
  settle();
  EXPECT_EQ(leader.not_programmed(), kBad);
  EXPECT_EQ(leader.version(), follower.version());
  load(route(7, "/mended") + "---\n" + route(13, "/mended") + "---\n" + route(20, "/fresh"));
  settle();
  EXPECT_THAT(leader.not_programmed(), IsEmpty());
  EXPECT_EQ(leader.version(), follower.version());
}

TEST_P(ReplicasTest, OfProxiesOfBothToo) {
  load_all();
  follower.connect();
  leader.connect();
  leader.connect();
  settle();
  EXPECT_EQ(leader.not_programmed(), kBad);
  EXPECT_EQ(leader.version(), follower.version());
  EXPECT_EQ(leader.translation.delivery.proxies.find(kGateway)->connected, 3);
  load(route(7, "/mended") + "---\n" + route(13, "/mended") + "---\n" + route(20, "/fresh"));
  settle();
  EXPECT_THAT(leader.not_programmed(), IsEmpty());
}

TEST_P(ReplicasTest, ProxiesMayComeAndGo) {
  load_all();
  follower.connect();
  settle();
  follower.disconnect();
  leader.connect();
  settle();
  EXPECT_EQ(leader.not_programmed(), kBad);
  follower.connect();
  leader.disconnect();
  settle();
  EXPECT_EQ(leader.not_programmed(), kBad);
  EXPECT_EQ(leader.version(), follower.version());
  load(route(7, "/mended") + "---\n" + route(13, "/mended"));
  settle();
  EXPECT_THAT(leader.not_programmed(), IsEmpty());
}

TEST_P(ReplicasTest, ProxiesMayLeaveAmidASearch) {
  load_all();
  follower.connect();
  leader.connect();
  for (int i = static_cast<int>(random() % 200); i > 0; --i)
    step(static_cast<int>(random() % kSteps));
  Replica& left = random() % 2 == 0 ? leader : follower;
  Replica& other = &left == &leader ? follower : leader;
  left.disconnect();
  settle();
  EXPECT_EQ(leader.not_programmed(), kBad);
  other.disconnect();
  left.connect();
  settle();
  EXPECT_EQ(leader.not_programmed(), kBad);
  load(route(7, "/mended") + "---\n" + route(13, "/mended"));
  settle();
  EXPECT_THAT(leader.not_programmed(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Orders, ReplicasTest, testing::Range(1u, 21u));

}  // namespace
}  // namespace kgw::app
