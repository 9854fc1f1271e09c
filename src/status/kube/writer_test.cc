#include "status/kube/writer.h"

#include <gtest/gtest.h>

#include <map>

#include "status/conditions.h"
#include "status/json.h"
#include "status/kube/own_entries.h"

namespace kgw::status {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const ObjectRef kRoute{Kind::kHttpRoute, {"ns", "route"}};

// Answers when told to, with optimistic concurrency as the API server has it.
class FakeApi : public StatusApi {
 public:
  void read(const ObjectRef& object, Answer answer) override {
    waiting.push_back([this, object, answer] {
      ++reads;
      if (fail_next) return fail(answer);
      const auto found = objects.find(object);
      if (found == objects.end()) {
        return answer(std::unexpected(RemoteError{RemoteError::Kind::kGone, "not found"}));
      }
      answer(found->second);
    });
  }
  void write(const ObjectRef& object, const RemoteStatus& status, Answer answer) override {
    waiting.push_back([this, object, status, answer] {
      RemoteStatus& current = objects.at(object);
      if (current.resource_version != status.resource_version) {
        return answer(std::unexpected(RemoteError{RemoteError::Kind::kConflict, "conflict"}));
      }
      ++writes;
      touch(object, status.status);
      answer(current);
    });
  }
  void touch(const ObjectRef& object, json status) {
    objects[object] = {std::to_string(++version), std::move(status)};
  }
  void answer_one() {
    auto answer = std::move(waiting.front());
    waiting.pop_front();
    answer();
  }

  std::map<ObjectRef, RemoteStatus> objects;
  std::deque<std::function<void()>> waiting;
  int reads = 0, writes = 0, version = 0;
  bool fail_next = false;

 private:
  void fail(const Answer& answer) {
    fail_next = false;
    answer(std::unexpected(RemoteError{RemoteError::Kind::kOther, "the API server is away"}));
  }
};

class StatusWriterTest : public testing::Test {
 protected:
  StatusWriterTest() {
    api.touch(kRoute, nullptr);
    writer.observed(kRoute, 0);
    writer.set_active(true);
  }

  void want(const char* message) {
    RouteStatus status;
    status.parents.push_back({{.name = "gw"}, {holds("Accepted", "Accepted", message, 1)}});
    store.update(kRoute, std::make_shared<ObjectStatus>(status), 5);
    writer.wanted(kRoute);
  }
  void settle() {
    for (int i = 0; i < 100; ++i) {
      writer.advance(now);
      if (api.waiting.empty()) return;
      api.answer_one();
    }
    FAIL() << "never quiet";
  }
  std::string message() {
    return api.objects[kRoute].status["parents"][0]["conditions"][0]["message"];
  }

  FakeApi api;
  StatusStore store;
  StatusWriter writer{store, api, [] { return 5; }};
  StatusWriter::Time now{};
};

TEST_F(StatusWriterTest, WritesADifferenceOnceAndThenRests) {
  want("a");
  settle();
  EXPECT_EQ(message(), "a");
  EXPECT_EQ(api.writes, 1);
  writer.wanted(kRoute);
  writer.observed(kRoute, own_digest(Kind::kHttpRoute, api.objects[kRoute].status));
  settle();
  EXPECT_EQ(api.writes, 1);
  EXPECT_EQ(api.reads, 1);
}

TEST_F(StatusWriterTest, WhatSomebodyReplacesAgainAndAgainIsWrittenAFewTimesAMinute) {
  want("ours");
  settle();
  const auto replace = [&] {
    json status = api.objects[kRoute].status;
    status["parents"][0]["conditions"][0]["message"] = "theirs";
    api.touch(kRoute, status);
    writer.observed(kRoute, own_digest(Kind::kHttpRoute, status));
  };
  const int before = api.writes;
  for (int second = 0; second < 600; ++second) {
    now += 1s;
    if (message() == "ours") replace();
    settle();
  }
  EXPECT_GE(api.writes - before, 10) << "it is not given up";
  EXPECT_LE(api.writes - before, 15);
  EXPECT_LE(api.reads, 2 * api.writes + 2) << "nor read all the time";

  // Left alone, it is written at once again.
  now += 600s;
  settle();
  ASSERT_EQ(message(), "ours");
  now += 600s;
  want("changed");
  settle();
  EXPECT_EQ(message(), "changed");
}

TEST_F(StatusWriterTest, ARestartWritesNothing) {
  want("a");
  settle();
  StatusWriter restarted{store, api, [] { return 9; }};
  restarted.observed(kRoute, own_digest(Kind::kHttpRoute, api.objects[kRoute].status));
  restarted.wanted(kRoute);
  restarted.set_active(true);
  restarted.advance(now);
  EXPECT_TRUE(api.waiting.empty());
}

TEST_F(StatusWriterTest, TheNewestContentWins) {
  want("a");
  writer.advance(now);
  want("b");
  want("c");
  settle();
  EXPECT_EQ(message(), "c");
  EXPECT_EQ(api.writes, 1);  // what was read late is merged with the newest
}

TEST_F(StatusWriterTest, AConflictIsReadAndMergedAgain) {
  want("a");
  writer.advance(now);
  api.answer_one();  // the read
  const json foreign = {{"controllerName", "example.com/other"}};
  api.touch(kRoute, {{"parents", json::array({foreign})}});
  settle();
  EXPECT_EQ(api.objects[kRoute].status["parents"].size(), 2u);
  EXPECT_EQ(writer.stats().conflicts, 1u);
}

TEST_F(StatusWriterTest, WhatSomebodyRemovedComesBack) {
  want("a");
  settle();
  api.touch(kRoute, nullptr);
  writer.observed(kRoute, 0);
  settle();
  EXPECT_EQ(message(), "a");
}

TEST_F(StatusWriterTest, OurEntriesGoWhenNobodyWantsThem) {
  want("a");
  settle();
  store.erase(kRoute);
  writer.wanted(kRoute);
  settle();
  EXPECT_EQ(api.objects[kRoute].status["parents"], json::array());
}

TEST_F(StatusWriterTest, AFailureWaitsAndIsTriedAgain) {
  api.fail_next = true;
  want("a");
  settle();
  EXPECT_EQ(api.writes, 0);
  settle();
  EXPECT_EQ(api.reads, 1) << "not before its time";
  now += 2s;
  settle();
  EXPECT_EQ(message(), "a");
}

TEST_F(StatusWriterTest, WritesOnlyWhileActive) {
  writer.set_active(false);
  want("a");
  settle();
  EXPECT_EQ(api.reads, 0);
  writer.set_active(true);
  settle();
  EXPECT_EQ(message(), "a");
}

TEST_F(StatusWriterTest, AnObjectThatIsGoneIsForgotten) {
  want("a");
  api.objects.clear();
  settle();
  EXPECT_EQ(writer.pending(), 0u);
}

TEST_F(StatusWriterTest, OneRefusedObjectHoldsNobodyUp) {
  const ObjectRef other{Kind::kHttpRoute, {"ns", "other"}};
  api.touch(other, nullptr);
  writer.observed(other, 0);
  api.fail_next = true;
  want("a");
  settle();
  RouteStatus status;
  status.parents.push_back({{.name = "gw"}, {holds("Accepted", "Accepted", "fine", 1)}});
  store.update(other, std::make_shared<ObjectStatus>(status), 5);
  writer.wanted(other);
  settle();
  EXPECT_EQ(api.objects[other].status["parents"].size(), 1u);
}

}  // namespace
}  // namespace kgw::status
