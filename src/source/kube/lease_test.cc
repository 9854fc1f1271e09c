// Several candidates, one server: exactly one leads, and a successor takes over.
#include "source/kube/lease.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "source/kube/fake_api_testing.h"

namespace kgw::kube {
namespace {

using std::chrono_literals::operator""ms;
using testing::FakeApi;
using testing::Reply;
using testing::Seen;

const Resource kLeases{"coordination.k8s.io", "v1", "leases", true};
const ObjectKey kKey{"system", "kgateway-envoy"};

class Replica {
 public:
  Replica(const FakeApi& api, const std::string& name, std::chrono::milliseconds duration,
          const std::string& address = "")
      : client_(*Client::open(api.config())) {
    LeaseOptions options{.ns = "system", .identity = name, .address = address};
    options.duration = duration;
    options.renew_deadline = duration / 2;
    options.retry = duration / 10;
    options.on_problem = [this](const std::optional<Error>& problem) {
      const std::lock_guard lock(mutex_);
      problems_.push_back(problem ? problem->reason : "");
      changed_.notify_all();
    };
    lease_ = std::make_unique<Lease>(*client_, options);
    lease_->start([this](Leadership now) {
      const std::lock_guard lock(mutex_);
      now_ = std::move(now);
      changed_.notify_all();
    });
  }
  ~Replica() { lease_.reset(); }

  bool await_leading(bool leading) {
    return await([&] { return now_.leading == leading; });
  }
  bool await_holder(const std::string& holder) {
    return await([&] { return now_.holder == holder; });
  }
  bool await_address(const std::string& address) {
    return await([&] { return now_.address == address; });
  }
  // In the order in which they were told; an empty one: it is over.
  bool await_problems(const std::vector<std::string>& problems) {
    return await([&] { return problems_ == problems; });
  }
  void stop() { lease_->stop(); }

 private:
  bool await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Leadership now_;
  std::vector<std::string> problems_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Lease> lease_;
};

class LeaseTest : public ::testing::Test {
 protected:
  LeaseTest() { api_.serve(kLeases, "Lease"); }
  std::string holder() { return (*api_.find(kLeases, kKey))["spec"].value("holderIdentity", ""); }
  FakeApi api_;
};

TEST_F(LeaseTest, OneLeadsAndTheNextTakesOverAtOnce) {
  Replica first(api_, "one", 60'000ms);
  ASSERT_TRUE(first.await_leading(true));
  EXPECT_EQ(holder(), "one");
  Replica second(api_, "two", 2'000ms);
  ASSERT_TRUE(second.await_holder("one"));
  first.stop();
  EXPECT_EQ(holder(), "");
  ASSERT_TRUE(second.await_leading(true));
  const auto spec = (*api_.find(kLeases, kKey))["spec"];
  EXPECT_EQ(spec["holderIdentity"], "two");
  EXPECT_EQ(spec["leaseTransitions"], 1);
}

TEST_F(LeaseTest, OthersLearnWhereTheLeaderIs) {
  Replica first(api_, "one", 60'000ms, "10.1.2.3:9977");
  ASSERT_TRUE(first.await_leading(true));
  Replica second(api_, "two", 2'000ms, "[fd00::2]:9977");
  EXPECT_TRUE(second.await_address("10.1.2.3:9977"));
  first.stop();
  ASSERT_TRUE(second.await_leading(true));
  EXPECT_TRUE(second.await_address("[fd00::2]:9977"));
  const auto annotations = (*api_.find(kLeases, kKey))["metadata"]["annotations"];
  EXPECT_EQ(annotations[kAddressAnnotation], "[fd00::2]:9977");
}

TEST_F(LeaseTest, TheAddressOfAnEarlierLeaderIsNotLeftToOneWithout) {
  api_.put(kLeases, {{"metadata",
                      {{"name", "kgateway-envoy"},
                       {"namespace", "system"},
                       {"annotations", {{kAddressAnnotation, "10.9.9.9:9977"}, {"kept", "yes"}}}}},
                     {"spec", {{"holderIdentity", "dead"}}}});
  Replica leader(api_, "one", 2'000ms);
  Replica follower(api_, "two", 60'000ms);
  ASSERT_TRUE(leader.await_leading(true));
  EXPECT_TRUE(follower.await_holder("one"));
  EXPECT_TRUE(follower.await_address(""));
  const auto annotations = (*api_.find(kLeases, kKey))["metadata"]["annotations"];
  EXPECT_FALSE(annotations.contains(kAddressAnnotation));
  EXPECT_EQ(annotations["kept"], "yes");
}

TEST_F(LeaseTest, AnAbandonedLeaseIsTakenOver) {
  api_.put(kLeases, {{"metadata", {{"name", "kgateway-envoy"}, {"namespace", "system"}}},
                     {"spec", {{"holderIdentity", "dead"}, {"leaseTransitions", 4}}}});
  Replica replica(api_, "one", 500ms);
  ASSERT_TRUE(replica.await_leading(true));
  EXPECT_EQ((*api_.find(kLeases, kKey))["spec"]["leaseTransitions"], 5);
}

TEST_F(LeaseTest, WhoCannotRenewStopsLeading) {
  Replica replica(api_, "one", 500ms);
  ASSERT_TRUE(replica.await_leading(true));
  api_.intercept([](const Seen&) { return Reply{500, "", "", false}; });
  ASSERT_TRUE(replica.await_leading(false));
  api_.intercept({});
  EXPECT_TRUE(replica.await_leading(true));
}

TEST_F(LeaseTest, WhoseLeaseWasTakenStopsLeading) {
  Replica replica(api_, "one", 500ms);
  ASSERT_TRUE(replica.await_leading(true));
  auto lease = *api_.find(kLeases, kKey);
  lease["spec"]["holderIdentity"] = "two";
  api_.put(kLeases, lease);
  EXPECT_TRUE(replica.await_leading(false));
  EXPECT_TRUE(replica.await_leading(true));  // nobody renews it
}

TEST_F(LeaseTest, ForeignContentIsReplaced) {
  api_.put(kLeases,
           {{"metadata", {{"name", "kgateway-envoy"}, {"namespace", "system"}}}, {"spec", 7}});
  Replica replica(api_, "one", 500ms);
  EXPECT_TRUE(replica.await_leading(true));
}

TEST_F(LeaseTest, ALeaseThatMayNotBeWrittenIsReportedOnce) {
  api_.intercept([](const Seen& seen) -> std::optional<Reply> {
    if (seen.method == "GET") return std::nullopt;
    return Reply{403, R"({"kind":"Status","reason":"Forbidden","message":"no"})"};
  });
  Replica replica(api_, "one", 2'000ms);
  ASSERT_TRUE(replica.await_problems({"Forbidden"}));
  const auto attempts = api_.requests().size();
  while (api_.requests().size() < attempts + 4) std::this_thread::sleep_for(10ms);
  api_.intercept(nullptr);
  EXPECT_TRUE(replica.await_leading(true));
  EXPECT_TRUE(replica.await_problems({"Forbidden", ""}));
}

}  // namespace
}  // namespace kgw::kube
