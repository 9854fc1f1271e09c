#include "source/kube/object_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "source/kube/fake_api_testing.h"

namespace kgw::kube {
namespace {

using nlohmann::json;
using testing::FakeApi;
using ::testing::IsEmpty;

const Resource kDeployments{"apps", "v1", "deployments", true};

json deployment(const std::string& name, int replicas) {
  return {{"metadata", {{"name", name}, {"namespace", "ns"}}}, {"spec", {{"replicas", replicas}}}};
}

class ObjectWatchTest : public ::testing::Test {
 protected:
  ~ObjectWatchTest() override { watch_.stop(); }

  // True once the objects are these: replicas by name.
  bool await(const std::map<std::string, int>& expected) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return objects_ == expected; });
  }
  bool await_listed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return listed_ > 0; });
  }
  bool await_problems(const std::vector<std::string>& expected) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return problems_ == expected; });
  }
  void forbid(const std::string& why) {
    server_.intercept([why](const testing::Seen&) -> std::optional<testing::Reply> {
      const json status = {{"kind", "Status"}, {"reason", "Forbidden"}, {"message", why}};
      return testing::Reply{403, status.dump()};
    });
  }
  void permit() { server_.intercept(nullptr); }
  std::size_t times_asked() const { return server_.requests().size(); }
  void await_asked(std::size_t times) {
    for (int i = 0; i < 2000 && times_asked() < times; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_GE(times_asked(), times);
  }

  FakeApi server_;
  std::unique_ptr<Client> client_ = *Client::open(server_.config());
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> objects_;
  int listed_ = 0;
  std::vector<std::string> problems_;  // all that were told; "": over
  ObjectWatch watch_ = make_watch({});

  ObjectWatch make_watch(ObjectWatchOptions options) {
    options.resource = kDeployments;
    options.kind = "Deployment";
    options.first_pause = std::chrono::milliseconds(10);
    options.longest_pause = std::chrono::milliseconds(50);
    return {*client_,
            std::move(options),
            {.changed =
                 [this](const json& object) {
                   const std::lock_guard lock(mutex_);
                   EXPECT_EQ(object["kind"], "Deployment");
                   EXPECT_EQ(object["apiVersion"], "apps/v1");
                   objects_[object["metadata"]["name"]] = object["spec"]["replicas"];
                   changed_.notify_all();
                 },
             .removed =
                 [this](const ObjectKey& key) {
                   const std::lock_guard lock(mutex_);
                   objects_.erase(key.name.str());
                   changed_.notify_all();
                 },
             .listed =
                 [this] {
                   const std::lock_guard lock(mutex_);
                   ++listed_;
                   changed_.notify_all();
                 },
             .problem =
                 [this](const std::optional<Error>& problem) {
                   const std::lock_guard lock(mutex_);
                   problems_.push_back(problem ? to_string(*problem) : "");
                   changed_.notify_all();
                 }}};
  }
};

TEST_F(ObjectWatchTest, FollowsObjects) {
  server_.serve(kDeployments, "Deployment");
  server_.put(kDeployments, deployment("a", 1));
  watch_.start();
  ASSERT_TRUE(await_listed());
  EXPECT_TRUE(await({{"a", 1}}));
  server_.put(kDeployments, deployment("a", 2));
  server_.put(kDeployments, deployment("b", 3));
  EXPECT_TRUE(await({{"a", 2}, {"b", 3}}));
  server_.erase(kDeployments, {"ns", "a"});
  EXPECT_TRUE(await({{"b", 3}}));
}

TEST_F(ObjectWatchTest, NoticesInANewListWhatIsGone) {
  server_.serve(kDeployments, "Deployment");
  server_.put(kDeployments, deployment("a", 1));
  server_.put(kDeployments, deployment("b", 2));
  watch_.start();
  ASSERT_TRUE(await({{"a", 1}, {"b", 2}}));
  // No watch gets through before the version to resume at is too old.
  server_.intercept([](const testing::Seen& seen) -> std::optional<testing::Reply> {
    if (seen.query.find("watch") == std::string::npos) return std::nullopt;
    return testing::Reply{410, R"({"kind": "Status", "reason": "Expired", "message": "too old"})"};
  });
  server_.disconnect();
  server_.erase(kDeployments, {"ns", "a"});
  EXPECT_TRUE(await({{"b", 2}}));
}

TEST_F(ObjectWatchTest, AResourceThatIsNotServedHasNoObjects) {
  watch_.start();
  ASSERT_TRUE(await_listed());
  EXPECT_TRUE(await({}));
  server_.serve(kDeployments, "Deployment");
  server_.put(kDeployments, deployment("a", 1));
  EXPECT_TRUE(await({{"a", 1}}));
  server_.unserve(kDeployments);
  EXPECT_TRUE(await({}));
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(listed_, 1);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(ObjectWatchTest, TellsOnceWhyNothingCanBeReadAndWhenItIsOver) {
  server_.serve(kDeployments, "Deployment");
  server_.put(kDeployments, deployment("a", 1));
  forbid("not you");
  watch_.start();
  EXPECT_TRUE(await_problems({"Forbidden (403): not you"}));
  await_asked(4);
  forbid("nobody");
  EXPECT_TRUE(await_problems({"Forbidden (403): not you", "Forbidden (403): nobody"}));
  {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(listed_, 0) << "it may have objects";
  }
  permit();
  EXPECT_TRUE(await({{"a", 1}}));
  EXPECT_TRUE(await_problems({"Forbidden (403): not you", "Forbidden (403): nobody", ""}));
}

TEST_F(ObjectWatchTest, AnOptionalResourceThatIsForbiddenHasNoObjects) {
  server_.serve(kDeployments, "Deployment");
  server_.put(kDeployments, deployment("a", 1));
  forbid("not you");
  ObjectWatch optional = make_watch({.optional = true});
  optional.start();
  EXPECT_TRUE(await_listed());
  EXPECT_TRUE(await_problems({"Forbidden (403): not you"}));
  permit();
  EXPECT_TRUE(await({{"a", 1}}));
  EXPECT_TRUE(await_problems({"Forbidden (403): not you", ""}));
  forbid("not any more");
  server_.disconnect();
  EXPECT_TRUE(await_problems({"Forbidden (403): not you", "", "Forbidden (403): not any more"}));
  EXPECT_TRUE(await({{"a", 1}})) << "what is known stays";
  optional.stop();
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(listed_, 1);
}

TEST_F(ObjectWatchTest, AWatchThatBreaksOnceIsNoProblem) {
  server_.serve(kDeployments, "Deployment");
  watch_.start();
  ASSERT_TRUE(await_listed());
  server_.disconnect();
  server_.put(kDeployments, deployment("a", 1));
  EXPECT_TRUE(await({{"a", 1}}));
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(problems_, IsEmpty());
}

}  // namespace
}  // namespace kgw::kube
