// A stream is paced by its proxy's answers, each type for itself, and costs no more memory for a
// proxy that is slow or silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using testing::IsEmpty;

std::string service(int i) { return "service-" + std::to_string(i); }

class PacingTest : public testing::Test, protected DeltaConversation {
 protected:
  // A proxy that has `services` clusters and the route table "r".
  void start_with(int services) {
    std::vector<Name> names;
    for (int i = 0; i < services; ++i) {
      names.emplace_back(service(i));
      publish(EditOf().cluster(service(i).c_str()));
    }
    publish(EditOf().put(kLds, "l").put(kRds, "r"));
    start(names, {"r"});
    EXPECT_THAT(recorder.owing(), IsEmpty());
    responses = 0;
  }
  void change_endpoints(int i, int version) {
    publish(EditOf().put(kEds, service(i).c_str(), std::to_string(version)));
  }
};

TEST_F(PacingTest, BurstOfEndpointsCoalescesAndTheLatestWins) {
  start_with(10);
  for (int version = 2; version <= 100; ++version) {
    for (int i = 0; i < 10; ++i) change_endpoints(i, version);
  }
  EXPECT_EQ(responses, 1);  // the first change; the others wait for its answer
  EXPECT_EQ(news(kEds), "+service-0");
  ack(kEds);
  EXPECT_EQ(responses, 2);
  EXPECT_EQ(pending(kEds).resources.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(body(kEds, service(i).c_str()), "100");
  ack(kEds);
  EXPECT_EQ(responses, 2);
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(PacingTest, UnansweredEndpointsDoNotDelayRoutes) {
  start_with(3);
  change_endpoints(0, 2);
  change_endpoints(1, 2);
  ASSERT_TRUE(is_pending(kEds));
  publish(EditOf().put(kRds, "r", "2"));
  EXPECT_EQ(body(kRds, "r"), "2");
}

TEST_F(PacingTest, UnansweredRoutesDoNotDelayEndpoints) {
  start_with(3);
  publish(EditOf().put(kRds, "r", "2"));
  publish(EditOf().put(kRds, "r", "3"));
  ASSERT_TRUE(is_pending(kRds));
  change_endpoints(0, 2);
  EXPECT_EQ(body(kEds, "service-0"), "2");
}

TEST_F(PacingTest, RouteWithANewClusterIsNotStarvedByEndpointsThatNeverRest) {
  start_with(3);
  publish(EditOf().cluster("new").put(kRds, "r", "new"));
  ack(kCds);
  subscribe(kEds, {"new"});
  for (int version = 2; version < 20 && !is_pending(kRds); ++version) {
    change_endpoints(version % 3, version);
    if (is_pending(kEds)) ack(kEds);
  }
  EXPECT_EQ(body(kRds, "r"), "new");
}

TEST_F(PacingTest, ProxyThatNeverAnswersCostsNoMoreForWhatComesAndGoes) {
  start_with(3);
  change_endpoints(0, 2);
  publish(EditOf().put(kCds, "service-0", "2"));  // never answered, as the endpoints
  std::vector<std::weak_ptr<const Entry>> entries;
  for (int i = 100; i < 1100; ++i) {
    publish(EditOf().cluster(service(i).c_str()));
    entries.push_back(snapshot.find(kCds, service(i)));
    publish(EditOf().remove(kCds, service(i).c_str()).remove(kEds, service(i).c_str()));
    change_endpoints(1, i);
    entries.push_back(snapshot.find(kEds, service(1)));
  }
  EXPECT_LE(recorder.owing().size(), 3u);
  const auto alive = std::ranges::count_if(entries, [](const auto& e) { return !e.expired(); });
  EXPECT_LE(alive, 2);
}

}  // namespace
}  // namespace kgw::xds::test
