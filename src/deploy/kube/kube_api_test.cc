// The applier, its API and the watch of what it keeps, against an API server.
#include "deploy/kube/kube_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "deploy/kube/live.h"
#include "source/kube/fake_api_testing.h"
#include "source/kube/object_watch.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;
using kgw::kube::Client;
using kgw::kube::ObjectWatch;
using kgw::kube::testing::FakeApi;

const ObjectKey kGateway{"shop", "edge"};
const OwnedRef kDeployment{"apps/v1", "Deployment", kGateway};
const kgw::kube::Resource kDeployments{"apps", "v1", "deployments", true};

RenderedProxy proxy(int replicas) {
  const Json owner = {{"apiVersion", "gateway.networking.k8s.io/v1"},
                      {"kind", "Gateway"},
                      {"name", "edge"},
                      {"uid", "u-1"}};
  RenderedProxy out;
  out.objects.push_back(
      {{"apiVersion", "apps/v1"},
       {"kind", "Deployment"},
       {"metadata",
        {{"name", "edge"}, {"namespace", "shop"}, {"ownerReferences", Json::array({owner})}}},
       {"spec", {{"replicas", replicas}}}});
  return out;
}

// Runs what was posted on the test's thread, which plays the core's.
class Core {
 public:
  void post(std::function<void()> run) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(run));
    changed_.notify_all();
  }
  bool run_until(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_until(lock, limit, [&] { return !posted_.empty(); })) return false;
      const auto next = std::move(posted_.front());
      posted_.pop_front();
      lock.unlock();
      next();
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
};

class KubeApiTest : public testing::Test {
 protected:
  KubeApiTest() {
    server_.serve(kDeployments, "Deployment");
    watch_.start();
  }
  ~KubeApiTest() override { watch_.stop(); }

  std::optional<int> replicas() const {
    const auto object = server_.find(kDeployments, kGateway);
    return object ? std::optional((*object)["spec"]["replicas"].get<int>()) : std::nullopt;
  }
  int writes() const {
    return static_cast<int>(std::ranges::count_if(
        server_.requests(), [](const auto& seen) { return seen.method != "GET"; }));
  }

  FakeApi server_;
  Core core_;
  std::unique_ptr<Client> client_ = *Client::open(server_.config());
  KubeApi api_{client_->sender(), [this](auto run) { core_.post(std::move(run)); }};
  Applier applier_{api_};
  ObjectWatch watch_{
      *client_,
      {.resource = kDeployments,
       .kind = "Deployment",
       .label_selector = "app.kubernetes.io/managed-by=kgateway",
       .first_pause = std::chrono::milliseconds(10)},
      {.changed =
           [this](Json object) {
             core_.post([this, object = std::move(object)] { applier_.observe(object); });
           },
       .removed =
           [this](const ObjectKey& key) {
             core_.post([this, key] { applier_.vanished({"apps/v1", "Deployment", key}); });
           },
       .listed = [this] { core_.post([this] { applier_.begin(); }); }}};
};

TEST_F(KubeApiTest, CreatesCorrectsAndDeletes) {
  applier_.want(kGateway, proxy(2));
  ASSERT_TRUE(core_.run_until([&] { return replicas() == 2; }));
  ASSERT_TRUE(core_.run_until([&] { return applier_.live(kDeployment) != nullptr; }));

  // Somebody changes a field, then deletes the object.
  Json changed = *server_.find(kDeployments, kGateway);
  changed["spec"]["replicas"] = 7;
  server_.put(kDeployments, changed);
  EXPECT_TRUE(core_.run_until([&] { return replicas() == 2; }));
  server_.erase(kDeployments, kGateway);
  EXPECT_TRUE(core_.run_until([&] { return replicas() == 2; }));

  // Changes are seen after a break and after versions that are too old.
  server_.compact();
  server_.disconnect();
  changed["spec"]["replicas"] = 8;
  server_.put(kDeployments, changed);
  EXPECT_TRUE(core_.run_until([&] { return replicas() == 2; }));

  applier_.forget(kGateway, Applier::Leave::kDelete);
  EXPECT_TRUE(core_.run_until([&] { return !replicas(); }));
}

TEST_F(KubeApiTest, WritesNothingAtRest) {
  applier_.want(kGateway, proxy(2));
  ASSERT_TRUE(core_.run_until([&] { return applier_.live(kDeployment) != nullptr; }));
  const int before = writes();
  Json touched = *server_.find(kDeployments, kGateway);
  touched["status"]["replicas"] = 2;
  server_.put(kDeployments, touched);
  ASSERT_TRUE(core_.run_until([&] {
    const Json* live = applier_.live(kDeployment);
    return live != nullptr && live->contains("status");
  }));
  EXPECT_EQ(writes(), before);
}

TEST_F(KubeApiTest, SaysWhatTheServerSays) {
  server_.intercept(
      [](const kgw::kube::testing::Seen& seen) -> std::optional<kgw::kube::testing::Reply> {
        if (seen.method != "PATCH") return std::nullopt;
        return kgw::kube::testing::Reply{
            422,
            R"({"kind": "Status", "reason": "Invalid", "message": "spec.replicas: too many"})"};
      });
  applier_.want(kGateway, proxy(2));
  EXPECT_TRUE(core_.run_until([&] { return !applier_.problem(kGateway).empty(); }));
  EXPECT_EQ(applier_.problem(kGateway),
            "Deployment shop/edge cannot be applied: Invalid (422): spec.replicas: too many");
}

}  // namespace
}  // namespace kgw::deploy::kube
