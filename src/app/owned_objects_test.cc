#include "app/owned_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "source/kube/fake_api_testing.h"

namespace kgw::app {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const kube::Resource kAutoscalers{"autoscaling.k8s.io", "v1", "verticalpodautoscalers", true};

class OwnedObjectsTest : public ::testing::Test {
 protected:
  ~OwnedObjectsTest() override {
    loop_.stop();
    thread_.join();
  }

  // The role says nothing of this resource, and the API server so even if there is none.
  void forbid(const std::string& plural) {
    api_.intercept([plural](
                       const kube::testing::Seen& seen) -> std::optional<kube::testing::Reply> {
      if (!seen.path.ends_with("/" + plural)) return std::nullopt;
      return kube::testing::Reply{403, R"({"kind":"Status","reason":"Forbidden","message":"no"})"};
    });
  }
  void permit() { api_.intercept(nullptr); }

  template <typename F>
  bool await(F condition) {
    for (int i = 0; i < 2000; ++i) {
      if (*loop_.ask(condition)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  bool await_listed() {
    return await([this] { return times_listed_ == 1 && owned_->listed(); });
  }
  // "place: message" of what is wrong now.
  bool await_problems(const std::vector<std::string>& expected) {
    return await([&] {
      std::vector<std::string> now;
      for (const auto& [place, problem] : problems_) now.push_back(place + ": " + problem);
      return now == expected;
    });
  }

  void note(const source::Batch& batch) {
    for (const source::Problems& problems : batch.problems) {
      problems_.erase(problems.place);
      for (const Diagnostic& problem : problems.diagnostics) {
        EXPECT_EQ(problem.severity, Severity::kWarning);
        problems_[problems.place] = problem.reason + ", " + problem.message;
      }
    }
  }

  kube::testing::FakeApi api_;
  std::unique_ptr<kube::Client> client_ = *kube::Client::open(api_.config());
  EventLoop loop_;
  int times_listed_ = 0;
  std::vector<std::string> objects_;
  std::map<std::string, std::string> problems_;
  std::unique_ptr<OwnedObjects> owned_ = std::make_unique<OwnedObjects>(
      *client_, loop_, [this](const source::Batch& batch) { note(batch); },
      OwnedObjects::Events{
          .changed =
              [this](const json& object) { objects_.push_back(object["kind"].get<std::string>()); },
          .vanished = [](const deploy::kube::OwnedRef&) {},
          .listed = [this] { ++times_listed_; }});
  std::thread thread_{[this] { loop_.run([] {}, std::chrono::seconds(1), [] {}); }};
};

TEST_F(OwnedObjectsTest, AnOptionalKindThatIsForbiddenHoldsNothingBack) {
  api_.serve(kAutoscalers, "VerticalPodAutoscaler");
  api_.put(kAutoscalers, {{"metadata", {{"name", "a"}, {"namespace", "ns"}}}});
  forbid("verticalpodautoscalers");
  owned_->start();
  EXPECT_TRUE(await_listed());
  EXPECT_TRUE(await_problems(
      {"verticalpodautoscalers.autoscaling.k8s.io: Forbidden, "
       "verticalpodautoscalers.autoscaling.k8s.io cannot be read from the API server: no; "
       "what others change of them goes unnoticed"}));
  EXPECT_THAT(objects_, IsEmpty());
  permit();
  EXPECT_TRUE(await_problems({}));
  EXPECT_TRUE(await([this] { return !objects_.empty(); }));
  EXPECT_THAT(objects_, ElementsAre("VerticalPodAutoscaler"));
}

TEST_F(OwnedObjectsTest, ForAKindThatProxiesNeedIsWaitedAndThatIsTold) {
  forbid("services");
  owned_->start();
  EXPECT_TRUE(
      await_problems({"services: Forbidden, services cannot be read from the API server: no; "
                      "until they can, no proxy is deployed and no status written"}));
  EXPECT_FALSE(*loop_.ask([this] { return owned_->listed(); }));
  permit();
  EXPECT_TRUE(await_listed());
  EXPECT_TRUE(await_problems({}));
}

}  // namespace
}  // namespace kgw::app
