#include "xds/delta_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class DeltaStreamTest : public testing::Test, public DeltaConversation {
 protected:
  Version version(ResourceType type, const char* name) {
    return snapshot.find(type, name)->version();
  }
};

TEST_F(DeltaStreamTest, EmptyFirstSubscriptionOfClustersMeansAll) {
  publish(EditOf().put(kCds, "a").put(kCds, "b"));
  subscribe(kCds);
  EXPECT_EQ(news(kCds), "+a +b");
}

TEST_F(DeltaStreamTest, EmptyFirstSubscriptionOfEndpointsMeansNone) {
  publish(EditOf().put(kEds, "a"));
  subscribe(kEds);
  EXPECT_FALSE(is_pending(kEds));
}

TEST_F(DeltaStreamTest, AsteriskMeansAll) {
  publish(EditOf().put(kCds, "a"));
  subscribe(kCds, {"*"});
  EXPECT_EQ(news(kCds), "+a");
  ack(kCds);
  publish(EditOf().put(kCds, "b"));
  EXPECT_EQ(news(kCds), "+b");
  ack(kCds);
  unsubscribe(kCds, {"*"});
  publish(EditOf().put(kCds, "c"));
  EXPECT_FALSE(is_pending(kCds));
}

TEST_F(DeltaStreamTest, WildcardIsAnsweredEvenWithNothing) {
  subscribe(kLds);
  ASSERT_TRUE(is_pending(kLds));
  EXPECT_EQ(news(kLds), "");
}

TEST_F(DeltaStreamTest, NothingIsSentForTypesNotAskedFor) {
  publish(EditOf().cluster("a").put(kLds, "l").put(kRds, "r").put(kSds, "s"));
  EXPECT_TRUE(sent.empty());
}

TEST_F(DeltaStreamTest, OnlyNamedEndpointsAreSent) {
  publish(EditOf().cluster("a").cluster("b"));
  subscribe(kEds, {"a"});
  EXPECT_EQ(news(kEds), "+a");
  ack(kEds);
  publish(EditOf().put(kEds, "b", "2"));
  EXPECT_FALSE(is_pending(kEds));
  publish(EditOf().put(kEds, "a", "2"));
  EXPECT_EQ(news(kEds), "+a");
}

TEST_F(DeltaStreamTest, AbsentNameIsAnsweredAsRemovedAndSentWhenItAppears) {
  subscribe(kRds, {"r"});
  EXPECT_EQ(news(kRds), "-r");
  ack(kRds);
  publish(EditOf().put(kRds, "r"));
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, ChangesCoalesceWhileAResponseIsOutstanding) {
  publish(EditOf().put(kCds, "a", "1"));
  subscribe(kCds);
  publish(EditOf().put(kCds, "a", "2").put(kCds, "b"));
  publish(EditOf().put(kCds, "a", "3"));
  publish(EditOf().remove(kCds, "b"));
  EXPECT_EQ(body(kCds, "a"), "1");
  ack(kCds);
  EXPECT_EQ(news(kCds), "+a");
  EXPECT_EQ(body(kCds, "a"), "3");
  ack(kCds);
  EXPECT_TRUE(sent.empty());
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(DeltaStreamTest, ChangeThatIsTakenBackIsNotSent) {
  publish(EditOf().put(kCds, "a", "1").put(kCds, "b"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().put(kCds, "b", "2"));
  publish(EditOf().put(kCds, "a", "2"));
  publish(EditOf().put(kCds, "a", "1"));
  ack(kCds);
  EXPECT_TRUE(sent.empty());
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(DeltaStreamTest, StaleNonceAcknowledgesNothing) {
  publish(EditOf().put(kCds, "a", "1"));
  subscribe(kCds);
  const std::string first = pending(kCds).nonce;
  ack(kCds);
  publish(EditOf().put(kCds, "a", "2"));
  request({.type = kCds, .nonce = first, .error = "late"});
  EXPECT_EQ(recorder.nacks, 0);
  EXPECT_EQ(body(kCds, "a"), "2");
  ack(kCds);
  EXPECT_TRUE(stream->holds({kCds, "a"}, version(kCds, "a")));
}

TEST_F(DeltaStreamTest, ReconnectWithCurrentVersionsIsSentNothing) {
  publish(EditOf().cluster("a").put(kLds, "l").put(kRds, "r").put(kSds, "s"));
  start({"a"}, {"r"});
  connect();
  request({.type = kCds, .held = {{"a", version(kCds, "a")}}});
  request({.type = kEds, .subscribe = {"a"}, .held = {{"a", version(kEds, "a")}}});
  request({.type = kLds, .held = {{"l", version(kLds, "l")}}});
  request({.type = kRds, .subscribe = {"r"}, .held = {{"r", version(kRds, "r")}}});
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(stream->state({kRds, "r"}), ProxyState::kAccepted);
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(DeltaStreamTest, ReconnectSendsWhatChangedAndRemovesWhatIsGone) {
  publish(EditOf().put(kCds, "a").put(kCds, "b").put(kCds, "c"));
  const Version a = version(kCds, "a"), b = version(kCds, "b");
  request({.type = kCds, .held = {{"a", a}, {"b", Version{7}}, {"gone", b}}});
  EXPECT_EQ(news(kCds), "+b +c");
  ack(kCds);
  EXPECT_FALSE(is_pending(kCds));  // its routes may still refer to the old cluster
  pass(options.reconnect_grace);
  EXPECT_EQ(news(kCds), "-gone");
  ack(kCds);
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

// After a reconnect the proxy claims the secret; it then drops it and asks again.
TEST_F(DeltaStreamTest, NameSubscribedAgainIsAnswered) {
  publish(EditOf().put(kSds, "s"));
  request({.type = kSds, .subscribe = {"s"}, .held = {{"s", version(kSds, "s")}}});
  EXPECT_TRUE(sent.empty());
  unsubscribe(kSds, {"s"});
  subscribe(kSds, {"s"});
  EXPECT_EQ(news(kSds), "+s");
  ack(kSds);
  // Even without having unsubscribed.
  subscribe(kSds, {"s"});
  EXPECT_EQ(news(kSds), "+s");
}

TEST_F(DeltaStreamTest, NameSubscribedAgainWhileInFlightIsAnsweredAgain) {
  publish(EditOf().put(kEds, "a"));
  subscribe(kEds, {"a"});
  unsubscribe(kEds, {"a"});
  subscribe(kEds, {"a"});
  ack(kEds);
  EXPECT_EQ(news(kEds), "+a");
}

TEST_F(DeltaStreamTest, UnsubscribedNameIsNotSentAndNotOwed) {
  publish(EditOf().put(kEds, "a"));
  subscribe(kEds, {"a"});
  unsubscribe(kEds, {"a"});
  ack(kEds);
  publish(EditOf().put(kEds, "a", "2"));
  EXPECT_TRUE(sent.empty());
  EXPECT_THAT(recorder.owing(), IsEmpty());
  EXPECT_EQ(stream->state({kEds, "a"}), ProxyState::kNotSubscribed);
}

TEST_F(DeltaStreamTest, UpdatedClusterIsFollowedByItsEndpoints) {
  publish(EditOf().cluster("a").cluster("b"));
  start({"a", "b"}, {});
  publish(EditOf().put(kCds, "a", "2"));
  EXPECT_EQ(news(kCds), "+a");
  EXPECT_EQ(news(kEds), "+a");
}

// --- Order -------------------------------------------------------------------------------------

TEST_F(DeltaStreamTest, RouteWaitsForItsNewClusterAndItsEndpoints) {
  publish(EditOf().cluster("a").put(kLds, "l").put(kRds, "r", "a"));
  start({"a"}, {"r"});
  publish(EditOf().cluster("b").put(kRds, "r", "b"));
  EXPECT_EQ(news(kCds), "+b");
  EXPECT_FALSE(is_pending(kRds));
  ack(kCds);
  EXPECT_FALSE(is_pending(kRds));
  subscribe(kEds, {"b"});
  EXPECT_FALSE(is_pending(kRds));
  ack(kEds);
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, ClusterWithoutEndpointsIsReadyOnceAccepted) {
  publish(EditOf().put(kRds, "r", "-"));
  start({}, {"r"});
  publish(EditOf().put(kCds, "dns").put(kRds, "r", "dns"));
  EXPECT_FALSE(is_pending(kRds));
  ack(kCds);
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, EndpointsOfKnownClustersWaitForNothingAndNothingWaitsForThem) {
  publish(EditOf().cluster("a").put(kRds, "r", "a"));
  start({"a"}, {"r"});
  publish(EditOf().cluster("b").put(kRds, "r", "b"));  // the gate is closed
  publish(EditOf().put(kEds, "a", "2"));
  EXPECT_EQ(news(kEds), "+a");
  publish(EditOf().put(kRds, "r2"));
  ack(kCds);
  ack(kEds);
  subscribe(kEds, {"b"});
  ack(kEds);
  ack(kRds);
  publish(EditOf().put(kEds, "a", "3").put(kRds, "r", "bb"));
  EXPECT_EQ(news(kEds), "+a");
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, OldRouteIsNotHeldBackByLaterClusters) {
  publish(EditOf().cluster("a").put(kRds, "r", "a"));
  start({"a"}, {});
  publish(EditOf().cluster("b"));
  subscribe(kRds, {"r"});
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, RefusedClusterHoldsBackNothing) {
  publish(EditOf().put(kRds, "r", "-"));
  start({}, {"r"});
  publish(EditOf().cluster("b").put(kRds, "r", "b"));
  nack(kCds, "Error adding/updating cluster(s) b: bad");
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, RouteIsSentAfterTheTimeoutIfTheProxyNeverAsksForEndpoints) {
  publish(EditOf().put(kRds, "r", "-"));
  start({}, {"r"});
  publish(EditOf().cluster("b").put(kRds, "r", "b"));
  ack(kCds);
  pass(options.gate_timeout - 1s);
  EXPECT_FALSE(is_pending(kRds));
  pass(1s);
  EXPECT_EQ(news(kRds), "+r");
  EXPECT_EQ(stream->gates_released(), 1u);
}

TEST_F(DeltaStreamTest, ClusterThatVanishesBeforeItIsReadyFreesTheRoute) {
  publish(EditOf().put(kRds, "r", "-"));
  start({}, {"r"});
  publish(EditOf().cluster("b").put(kRds, "r", "b"));
  publish(EditOf().remove(kCds, "b").remove(kEds, "b").put(kRds, "r", "c"));
  EXPECT_EQ(body(kRds, "r"), "c");
}

// Each change brings a new cluster; a route that always waited for the newest would never be sent.
TEST_F(DeltaStreamTest, ConstantChangeDoesNotStarveARoute) {
  publish(EditOf().put(kRds, "r", "-"));
  start({}, {"r"});
  publish(EditOf().put(kCds, "1").put(kRds, "r", "1"));
  publish(EditOf().put(kCds, "2").put(kRds, "r", "2"));
  ack(kCds);
  EXPECT_EQ(news(kCds), "+2");
  EXPECT_EQ(body(kRds, "r"), "1");
  publish(EditOf().put(kCds, "3").put(kRds, "r", "3"));
  ack(kRds);
  EXPECT_FALSE(is_pending(kRds));
  ack(kCds);
  EXPECT_EQ(news(kCds), "+3");
  ack(kCds);
  EXPECT_EQ(body(kRds, "r"), "3");
}

TEST_F(DeltaStreamTest, ListenersComeAfterClustersAndEndpointsOnFirstContact) {
  publish(EditOf().cluster("a").put(kLds, "l"));
  subscribe(kCds);
  subscribe(kLds);
  EXPECT_FALSE(is_pending(kLds));
  ack(kCds);
  EXPECT_FALSE(is_pending(kLds));
  subscribe(kEds, {"a"});
  ack(kEds);
  EXPECT_EQ(news(kLds), "+l");
}

TEST_F(DeltaStreamTest, FirstListenersComeTogether) {
  publish(EditOf().put(kLds, "l1"));
  publish(EditOf().put(kCds, "a").put(kLds, "l2"));
  subscribe(kCds);
  subscribe(kLds);
  EXPECT_FALSE(is_pending(kLds));
  ack(kCds);
  EXPECT_EQ(news(kLds), "+l1 +l2");
}

TEST_F(DeltaStreamTest, ClusterLeavesAfterTheRouteIsAccepted) {
  publish(EditOf().cluster("a").cluster("b").put(kLds, "l").put(kRds, "r", "a"));
  start({"a", "b"}, {"r"});
  publish(EditOf().remove(kCds, "a").remove(kEds, "a").put(kRds, "r", "b"));
  EXPECT_EQ(news(kRds), "+r");
  EXPECT_FALSE(is_pending(kCds));
  EXPECT_FALSE(is_pending(kEds));
  ack(kRds);
  EXPECT_EQ(news(kCds), "-a");
  EXPECT_FALSE(is_pending(kEds));
  ack(kCds);
  EXPECT_EQ(news(kEds), "-a");
}

TEST_F(DeltaStreamTest, ClusterLeavesAfterTheRouteEvenIfTheRouteChangesAgain) {
  publish(EditOf().cluster("a").cluster("b").put(kRds, "r", "a").put(kRds, "other", "1"));
  start({"a", "b"}, {"r", "other"});
  publish(EditOf().put(kRds, "other", "2"));  // in flight, so that "r" must wait
  publish(EditOf().remove(kCds, "a").remove(kEds, "a").put(kRds, "r", "b"));
  publish(EditOf().put(kRds, "r", "bb"));
  ack(kRds);
  EXPECT_EQ(body(kRds, "r"), "bb");
  EXPECT_FALSE(is_pending(kCds));
  ack(kRds);
  EXPECT_EQ(news(kCds), "-a");
}

TEST_F(DeltaStreamTest, ClusterLeavesAtOnceIfNobodyAskedForRoutes) {
  publish(EditOf().put(kCds, "a"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().remove(kCds, "a").put(kRds, "r"));
  EXPECT_EQ(news(kCds), "-a");
}

TEST_F(DeltaStreamTest, ClusterLeavesAfterTheTimeoutIfTheProxyIsSilent) {
  publish(EditOf().put(kCds, "a").put(kRds, "r", "a"));
  start({}, {"r"});
  publish(EditOf().remove(kCds, "a").put(kRds, "r", "-"));
  pass(options.gate_timeout);
  EXPECT_EQ(news(kCds), "-a");
}

TEST_F(DeltaStreamTest, ClusterStaysWhileTheRouteThatLeavesItIsRefused) {
  publish(EditOf().put(kCds, "a").put(kRds, "r", "a"));
  start({}, {"r"});
  publish(EditOf().remove(kCds, "a").put(kRds, "r", "bad"));
  nack(kRds, "bad route");
  pass(options.gate_timeout * 2);
  EXPECT_FALSE(is_pending(kCds));
  publish(EditOf().put(kRds, "r", "mended"));
  ack(kRds);
  EXPECT_EQ(news(kCds), "-a");
}

TEST_F(DeltaStreamTest, ClusterThatComesBackWhileItsRemovalIsInFlightIsNewAgain) {
  publish(EditOf().put(kCds, "a").put(kRds, "r", "a"));
  start({}, {"r"});
  publish(EditOf().remove(kCds, "a").put(kRds, "r", "-"));
  ack(kRds);
  EXPECT_EQ(news(kCds), "-a");
  publish(EditOf().put(kCds, "a").put(kRds, "r", "a"));
  EXPECT_FALSE(is_pending(kRds));
  ack(kCds);
  EXPECT_EQ(news(kCds), "+a");
  EXPECT_FALSE(is_pending(kRds));
  ack(kCds);
  EXPECT_EQ(news(kRds), "+r");
}

TEST_F(DeltaStreamTest, ReconnectingProxyKeepsOldClustersUntilItsOldRoutesAreReplaced) {
  publish(EditOf().put(kCds, "new").put(kRds, "r", "new"));
  request({.type = kCds, .held = {{"old", Version{1}}}});
  request({.type = kRds, .subscribe = {"r"}, .held = {{"r", Version{2}}}});
  ack(kCds);
  EXPECT_EQ(news(kRds), "+r");
  pass(options.reconnect_grace);
  EXPECT_FALSE(is_pending(kCds));
  ack(kRds);
  EXPECT_EQ(news(kCds), "-old");
}

// --- Refusals ----------------------------------------------------------------------------------

TEST_F(DeltaStreamTest, RefusedClusterIsNamedAndTheOthersCountAsAccepted) {
  publish(EditOf().put(kCds, "a").put(kCds, "b").put(kCds, "c"));
  subscribe(kCds);
  nack(kCds, "Error adding/updating cluster(s) b: no such thing");
  EXPECT_FALSE(is_pending(kCds));
  EXPECT_THAT(recorder.rejections, ElementsAre("Cluster b: no such thing"));
  EXPECT_EQ(stream->state({kCds, "a"}), ProxyState::kAccepted);
  EXPECT_EQ(stream->state({kCds, "b"}), ProxyState::kRejected);
  EXPECT_THAT(recorder.owing(), ElementsAre("Cluster b"));
}

TEST_F(DeltaStreamTest, RefusedContentIsNotSentAgainUntilItChanges) {
  publish(EditOf().put(kCds, "a", "good"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().put(kCds, "a", "bad"));
  nack(kCds, "no");
  publish(EditOf().put(kCds, "b"));
  EXPECT_EQ(news(kCds), "+b");
  ack(kCds);
  publish(EditOf().put(kCds, "a", "mended"));
  EXPECT_EQ(news(kCds), "+a");
  ack(kCds);
  EXPECT_EQ(stream->state({kCds, "a"}), ProxyState::kAccepted);
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(DeltaStreamTest, RefusedContentThatIsTakenBackNeedsNoMessage) {
  publish(EditOf().put(kCds, "a", "good"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().put(kCds, "a", "bad"));
  nack(kCds, "no");
  publish(EditOf().put(kCds, "a", "good"));
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(stream->state({kCds, "a"}), ProxyState::kAccepted);
}

TEST_F(DeltaStreamTest, UnnamedCulpritIsFoundByHalving) {
  EditOf edit;
  const Names all = {"a", "b", "c", "d", "e", "f", "g", "h"};
  for (const std::string& name : all) put(edit.edit, kRds, name.c_str(), name);
  publish(std::move(edit));
  subscribe(kRds, {all.begin(), all.end()});
  int rounds = 0;
  while (is_pending(kRds)) {
    ASSERT_LT(++rounds, 10);
    if (body(kRds, "e") == "e") {
      nack(kRds, "something is wrong");
    } else {
      ack(kRds);
    }
  }
  EXPECT_EQ(rounds, 7);  // 8 refused, 4 good; 4 refused, 2 refused, 1 refused, 1 good, 2 good
  EXPECT_THAT(recorder.rejections, ElementsAre("RouteConfiguration e: something is wrong"));
  EXPECT_THAT(recorder.owing(), ElementsAre("RouteConfiguration e"));
}

TEST_F(DeltaStreamTest, ChangesAreNotHeldUpByTheSearchForACulprit) {
  publish(EditOf().put(kEds, "a").put(kEds, "b").put(kEds, "c").put(kEds, "d").put(kEds, "x"));
  subscribe(kEds, {"x"});
  ack(kEds);
  subscribe(kEds, {"a", "b", "c", "d"});
  nack(kEds, "one of them");
  publish(EditOf().put(kEds, "x", "2"));
  ack(kEds);
  EXPECT_EQ(news(kEds), "+x");
}

TEST_F(DeltaStreamTest, SuspectThatChangesIsSentAsNew) {
  publish(EditOf().put(kEds, "a", "1").put(kEds, "b", "1"));
  subscribe(kEds, {"a", "b"});
  nack(kEds, "one of them");
  const std::string first = news(kEds) == "+a" ? "a" : "b";
  const char* other = first == "a" ? "b" : "a";
  publish(EditOf().put(kEds, other, "2"));
  ack(kEds);
  EXPECT_EQ(news(kEds), std::string("+") + other);
  EXPECT_EQ(body(kEds, other), "2");
  ack(kEds);
  EXPECT_TRUE(sent.empty());
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(DeltaStreamTest, RefusedRemovalIsNotRepeated) {
  publish(EditOf().put(kCds, "a"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().remove(kCds, "a"));
  nack(kCds, "never");
  EXPECT_TRUE(sent.empty());
}

TEST_F(DeltaStreamTest, RemovalInARefusedResponseIsSentAgain) {
  publish(EditOf().put(kCds, "a"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().remove(kCds, "a").put(kCds, "b", "bad"));
  EXPECT_EQ(news(kCds), "+b -a");
  nack(kCds, "Proto constraint validation failed");
  EXPECT_EQ(news(kCds), "-a");
  ack(kCds);
  EXPECT_TRUE(sent.empty());
}

}  // namespace
}  // namespace kgw::xds::test
