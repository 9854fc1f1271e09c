#include "source/kube/object_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "source/kube/fake_api_testing.h"

namespace kgw::kube {
namespace {

using nlohmann::json;
using testing::FakeApi;

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

  FakeApi server_;
  std::unique_ptr<Client> client_ = *Client::open(server_.config());
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> objects_;
  int listed_ = 0;
  ObjectWatch watch_{*client_,
                     {.resource = kDeployments,
                      .kind = "Deployment",
                      .first_pause = std::chrono::milliseconds(10),
                      .longest_pause = std::chrono::milliseconds(50)},
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
                          }}};
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
}

}  // namespace
}  // namespace kgw::kube
