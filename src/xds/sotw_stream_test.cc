#include "xds/sotw_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class SotwStreamTest : public testing::Test, public Conversation<SotwStream> {
 protected:
  struct Spoken {
    std::vector<Name> names;
    std::string nonce, version;
  };

  void subscribe(ResourceType type, std::vector<Name> names = {}) {
    spoken_[type].names = names;
    request({.type = type,
             .nonce = spoken_[type].nonce,
             .names = std::move(names),
             .version_info = spoken_[type].version});
  }
  void ack(ResourceType type) {
    const Response response = take(type);
    spoken_[type].nonce = response.nonce;
    spoken_[type].version = response.version_info;
    subscribe(type, spoken_[type].names);
  }
  void nack(ResourceType type, std::string error) {
    spoken_[type].nonce = take(type).nonce;
    request({.type = type,
             .nonce = spoken_[type].nonce,
             .error = std::move(error),
             .names = spoken_[type].names,
             .version_info = spoken_[type].version});
  }
  void reconnect() {
    connect();
    for (auto& [type, spoken] : spoken_) spoken.nonce.clear();
  }

  std::map<ResourceType, Spoken> spoken_;
};

TEST_F(SotwStreamTest, WildcardResponseCarriesEverything) {
  publish(EditOf().put(kCds, "a").put(kCds, "b"));
  subscribe(kCds);
  EXPECT_EQ(news(kCds), "+a +b");
  ack(kCds);
  publish(EditOf().put(kCds, "b", "2"));
  EXPECT_EQ(news(kCds), "+a +b");
  EXPECT_EQ(body(kCds, "b"), "2");
  ack(kCds);
  publish(EditOf().remove(kCds, "a"));
  EXPECT_EQ(news(kCds), "+b");
}

TEST_F(SotwStreamTest, NamedResponseCarriesTheNews) {
  publish(EditOf().put(kEds, "a").put(kEds, "b"));
  subscribe(kEds, {"a"});
  EXPECT_EQ(news(kEds), "+a");
  ack(kEds);
  subscribe(kEds, {"a", "b"});
  EXPECT_EQ(news(kEds), "+b");
  ack(kEds);
  publish(EditOf().put(kEds, "a", "2"));
  EXPECT_EQ(news(kEds), "+a");
  ack(kEds);
  subscribe(kEds, {"b"});
  publish(EditOf().put(kEds, "a", "3"));
  EXPECT_FALSE(is_pending(kEds));
  EXPECT_THAT(recorder.owing(), IsEmpty());
}

TEST_F(SotwStreamTest, OneMissingNameHoldsNothingBack) {
  publish(EditOf().put(kEds, "a"));
  subscribe(kEds, {"a", "missing"});
  EXPECT_EQ(news(kEds), "+a");
  ack(kEds);
  publish(EditOf().put(kEds, "missing"));
  EXPECT_EQ(news(kEds), "+missing");
}

TEST_F(SotwStreamTest, EmptyWildcardIsAnswered) {
  subscribe(kLds);
  EXPECT_TRUE(is_pending(kLds));
}

TEST_F(SotwStreamTest, StaleRequestIsIgnored) {
  publish(EditOf().put(kEds, "a", "1").put(kEds, "b"));
  subscribe(kEds, {"a"});
  ack(kEds);
  const std::string old = spoken_[kEds].nonce;
  publish(EditOf().put(kEds, "a", "2"));
  request({.type = kEds, .nonce = old, .names = {"a", "b"}});
  EXPECT_EQ(body(kEds, "a"), "2");
  ack(kEds);
  EXPECT_FALSE(is_pending(kEds));
}

TEST_F(SotwStreamTest, ReconnectWithCurrentVersionIsSentNothing) {
  publish(EditOf().put(kCds, "a").put(kEds, "a").put(kLds, "l"));
  subscribe(kCds);
  ack(kCds);
  subscribe(kEds, {"a"});
  ack(kEds);
  subscribe(kLds);
  ack(kLds);
  reconnect();
  subscribe(kCds);
  subscribe(kEds, {"a"});
  subscribe(kLds);
  EXPECT_TRUE(sent.empty());
  publish(EditOf().put(kCds, "b"));
  EXPECT_EQ(news(kCds), "+a +b");
}

TEST_F(SotwStreamTest, ReconnectWithAnotherVersionIsSentAll) {
  publish(EditOf().put(kCds, "a"));
  subscribe(kCds);
  ack(kCds);
  publish(EditOf().put(kCds, "b"));
  reconnect();
  subscribe(kCds);
  EXPECT_EQ(news(kCds), "+a +b");
}

TEST_F(SotwStreamTest, OldClusterStaysInTheResponseUntilTheRouteIsAccepted) {
  publish(EditOf().put(kCds, "a").put(kRds, "r", "a"));
  subscribe(kCds);
  ack(kCds);
  subscribe(kRds, {"r"});
  ack(kRds);
  publish(EditOf().remove(kCds, "a").put(kCds, "b").put(kRds, "r", "b"));
  EXPECT_EQ(news(kCds), "+a +b");
  EXPECT_FALSE(is_pending(kRds));
  ack(kCds);
  EXPECT_EQ(body(kRds, "r"), "b");
  ack(kRds);
  EXPECT_EQ(news(kCds), "+b");
}

TEST_F(SotwStreamTest, RefusedListenerKeepsItsLastGoodContentInLaterResponses) {
  publish(EditOf().put(kLds, "l", "good").put(kLds, "m"));
  subscribe(kLds);
  ack(kLds);
  publish(EditOf().put(kLds, "l", "bad"));
  nack(kLds, "Error adding/updating listener(s) l: no chain\n");
  EXPECT_FALSE(is_pending(kLds));
  publish(EditOf().put(kLds, "m", "2"));
  EXPECT_EQ(body(kLds, "l"), "good");
  EXPECT_EQ(body(kLds, "m"), "2");
  ack(kLds);
  publish(EditOf().put(kLds, "l", "mended"));
  EXPECT_EQ(body(kLds, "l"), "mended");
  EXPECT_THAT(recorder.rejections, ElementsAre("Listener l: no chain"));
}

TEST_F(SotwStreamTest, UnnamedCulpritIsFoundByHalving) {
  EditOf edit;
  for (const char* name : {"a", "b", "c", "d"}) put(edit.edit, kCds, name, name);
  publish(std::move(edit));
  subscribe(kCds);
  for (int round = 0; is_pending(kCds); ++round) {
    ASSERT_LT(round, 8);
    if (body(kCds, "c") == "c") {
      nack(kCds, "Proto constraint validation failed");
    } else {
      ack(kCds);
    }
  }
  EXPECT_EQ(stream->state({kCds, "a"}), ProxyState::kAccepted);
  EXPECT_EQ(stream->state({kCds, "c"}), ProxyState::kRejected);
}

TEST_F(SotwStreamTest, NamesAddedBeforeTheFirstResponseCount) {
  subscribe(kEds, {"a"});
  subscribe(kEds, {"a", "b"});
  publish(EditOf().put(kEds, "b"));
  EXPECT_EQ(news(kEds), "+b");
}

TEST_F(SotwStreamTest, WildcardByName) {
  publish(EditOf().put(kCds, "a"));
  subscribe(kCds, {"*"});
  EXPECT_EQ(news(kCds), "+a");
  ack(kCds);
  subscribe(kCds, {"b"});
  publish(EditOf().put(kCds, "a", "2").put(kCds, "b"));
  EXPECT_EQ(news(kCds), "+b");
}

// The protocol does not tell what a returning proxy holds, only that it is not this.
TEST_F(SotwStreamTest, WhatAReturningProxyRefusedIsTakenAwayAllTheSame) {
  publish(EditOf().put(kLds, "a", "bad").put(kLds, "b"));
  spoken_[kLds].version = "0123456789abcdef";
  subscribe(kLds);
  EXPECT_EQ(news(kLds), "+a +b");
  nack(kLds, "Error adding/updating listener(s) a: no");
  ASSERT_FALSE(is_pending(kLds));
  publish(EditOf().remove(kLds, "a"));
  EXPECT_EQ(news(kLds), "+b");
}

}  // namespace
}  // namespace kgw::xds::test
