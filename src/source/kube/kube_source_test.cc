// The source against a fake API server: what the core gets to see while kinds come and go,
// connections break, versions expire and objects are broken.
#include "source/kube/kube_source.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "api/core.h"
#include "api/route.h"
#include "source/kube/fake_api_testing.h"

namespace kgw::kube {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::FakeApi;
using ::testing::IsEmpty;
using testing::Reply;
using testing::Seen;

const Resource kServices{"", "v1", "services", true};
const Resource kRoutes{"gateway.networking.k8s.io", "v1", "httproutes", true};
const Resource kOldRoutes{"gateway.networking.k8s.io", "v1beta1", "httproutes", true};

json service(const std::string& name, int port) {
  return {{"metadata", {{"name", name}, {"namespace", "ns"}, {"managedFields", {{{"x", 1}}}}}},
          {"spec", {{"ports", {{{"port", port}}}}}}};
}

json route(const std::string& name, const std::string& hostname) {
  return {{"metadata", {{"name", name}, {"namespace", "ns"}, {"generation", 1}}},
          {"spec", {{"hostnames", {hostname}}}}};
}

// Plays the core: applies batches.
class World {
 public:
  source::Sink sink() {
    return [this](source::Batch batch) { apply(std::move(batch)); };
  }

  bool await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), condition);
  }
  bool await_synced() {
    return await([this] { return synced_; });
  }
  // "Service ns/a 80", "HTTPRoute ns/r host"; as soon as they are as expected.
  std::set<std::string> await_objects(const std::set<std::string>& expected) {
    await([&] { return describe() == expected; });
    const std::lock_guard lock(mutex_);
    return describe();
  }
  // The reason of the first problem of the place; "" when all is well.
  std::string await_problem(const std::string& place, const std::string& expected) {
    await([&] { return reason(place) == expected; });
    const std::lock_guard lock(mutex_);
    return reason(place);
  }
  std::string message(const std::string& place) {
    const std::lock_guard lock(mutex_);
    return problems_[place].at(0).message;
  }
  std::string await_status(const ObjectRef& ref, const std::string& expected) {
    await([&] { return statuses_[ref].json == expected; });
    const std::lock_guard lock(mutex_);
    return statuses_[ref].json;
  }
  // Of all problems that there ever were.
  std::set<std::string> reasons() {
    const std::lock_guard lock(mutex_);
    return reasons_;
  }
  bool synced() {
    const std::lock_guard lock(mutex_);
    return synced_;
  }
  std::size_t events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  // Objects that were reported as deleted, as soon as there are so many.
  std::set<std::string> await_deleted(std::size_t count) {
    await([&] { return deleted_.size() >= count; });
    return deleted();
  }
  std::set<std::string> deleted() {
    const std::lock_guard lock(mutex_);
    return deleted_;
  }
  std::set<std::string> at_sync() {
    const std::lock_guard lock(mutex_);
    return at_sync_;
  }

 private:
  void apply(source::Batch batch) {
    const std::lock_guard lock(mutex_);
    for (source::ObjectEvent& event : batch.events) {
      ++events_;
      if (event.object == nullptr) {
        objects_.erase(event.ref);
        if (event.absence == source::Absence::kDeleted) deleted_.insert(to_string(event.ref));
      } else {
        objects_[event.ref] = std::move(event.object);
      }
    }
    for (source::StatusEvent& status : batch.statuses) statuses_[status.ref] = std::move(status);
    for (source::Problems& problems : batch.problems) {
      for (const Diagnostic& problem : problems.diagnostics) reasons_.insert(problem.reason);
      problems_[problems.place] = std::move(problems.diagnostics);
    }
    if (batch.synced) {
      synced_ = true;
      at_sync_ = describe();
    }
    changed_.notify_all();
  }
  std::set<std::string> describe() const {
    std::set<std::string> all;
    for (const auto& [ref, object] : objects_) {
      std::string text = to_string(ref);
      if (ref.kind == Kind::kService) {
        text += " " + std::to_string(static_cast<const Service&>(*object).ports[0].port);
      } else if (ref.kind == Kind::kHttpRoute) {
        text += " " + static_cast<const HttpRoute&>(*object).hostnames[0];
      }
      all.insert(std::move(text));
    }
    return all;
  }
  std::string reason(const std::string& place) {
    const Diagnostics& problems = problems_[place];
    return problems.empty() ? "" : problems[0].reason;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ObjectRef, std::shared_ptr<const Object>> objects_;
  std::map<ObjectRef, source::StatusEvent> statuses_;
  std::map<std::string, Diagnostics> problems_;
  std::set<std::string> reasons_;
  std::set<std::string> at_sync_;
  std::set<std::string> deleted_;
  std::size_t events_ = 0;
  bool synced_ = false;
};

class KubeSourceTest : public ::testing::Test {
 protected:
  KubeSourceTest() {
    options_.kinds = {Kind::kService, Kind::kHttpRoute};
    options_.page_size = 2;
    options_.first_pause = std::chrono::milliseconds(10);
    options_.longest_pause = std::chrono::milliseconds(50);
    options_.missing_for = std::chrono::milliseconds(100);
    client_ = *Client::open(api_.config());
  }
  ~KubeSourceTest() override {
    source_.reset();
    client_.reset();
  }
  void start() {
    source_ = std::make_unique<KubeSource>(*client_, options_);
    source_->start(world_.sink());
  }
  int count(const Resource& resource, const std::string& query_part) {
    int found = 0;
    for (const Seen& seen : api_.requests()) {
      const bool is_watch = seen.query.find("watch=1") != std::string::npos;
      if (seen.path != path_of(resource, {})) continue;
      if (query_part == "list" ? !is_watch : seen.query.find(query_part) != std::string::npos) {
        ++found;
      }
    }
    return found;
  }

  std::atomic<int> counted_ = 0;  // by an interceptor, which may be called until api_ ends
  FakeApi api_;
  KubeOptions options_;
  World world_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<KubeSource> source_;
};

TEST_F(KubeSourceTest, ListsInPagesThenFollows) {
  api_.serve(kRoutes, "HTTPRoute");
  std::set<std::string> expected;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    api_.put(kServices, service(name, 80));
    expected.insert(std::string("Service ns/") + name + " 80");
  }
  api_.put(kRoutes, route("r", "one"));
  expected.insert("HTTPRoute ns/r one");
  start();
  ASSERT_TRUE(world_.await_synced());
  EXPECT_EQ(world_.at_sync(), expected);
  EXPECT_EQ(count(kServices, "list"), 3);
  EXPECT_EQ(count(kServices, "limit=2"), 3);

  api_.put(kServices, service("a", 81));
  api_.erase(kServices, {"ns", "b"});
  api_.put(kRoutes, route("s", "two"));
  expected.erase("Service ns/a 80");
  expected.erase("Service ns/b 80");
  expected.insert({"Service ns/a 81", "HTTPRoute ns/s two"});
  EXPECT_EQ(world_.await_objects(expected), expected);
}

TEST_F(KubeSourceTest, StatusesAreToldApartFromObjects) {
  api_.serve(kRoutes, "HTTPRoute");
  json object = route("r", "one");
  object["status"] = {{"parents", json::array()}};
  api_.put(kRoutes, object);
  start();
  ASSERT_TRUE(world_.await_synced());
  const ObjectRef ref{Kind::kHttpRoute, {"ns", "r"}};
  EXPECT_EQ(world_.await_status(ref, R"({"parents":[]})"), R"({"parents":[]})");
  const std::size_t before = world_.events();

  object["status"]["parents"].push_back({{"controllerName", "other"}});
  api_.put(kRoutes, object);
  EXPECT_EQ(world_.await_status(ref, R"({"parents":[{"controllerName":"other"}]})"),
            R"({"parents":[{"controllerName":"other"}]})");
  EXPECT_EQ(world_.events(), before);
}

TEST_F(KubeSourceTest, ResumesWhereTheConnectionBroke) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kServices, service("a", 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  for (int port = 2; port < 6; ++port) {
    api_.disconnect();
    api_.put(kServices, service("a", port));
    const std::set<std::string> expected = {"Service ns/a " + std::to_string(port)};
    ASSERT_EQ(world_.await_objects(expected), expected);
  }
  EXPECT_EQ(count(kServices, "list"), 1);
}

TEST_F(KubeSourceTest, ABookmarkMovesThePlaceToResumeAt) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kServices, service("a", 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  api_.compact();
  api_.bookmark();
  // Seen by the same watch after the bookmark, and without a resource version of its own.
  api_.inject(kServices, json{{"type", "ADDED"}, {"object", service("z", 1)}}.dump() + "\n");
  ASSERT_THAT(world_.await_objects({"Service ns/a 1", "Service ns/z 1"}), ::testing::SizeIs(2));
  api_.disconnect();
  api_.erase(kServices, {"ns", "a"});
  EXPECT_THAT(world_.await_objects({"Service ns/z 1"}), ElementsAre("Service ns/z 1"));
  EXPECT_EQ(count(kServices, "list"), 1);
}

TEST_F(KubeSourceTest, AfterAGoneVersionOnlyDifferencesArePosted) {
  api_.serve(kRoutes, "HTTPRoute");
  for (const char* name : {"a", "b", "c", "d"}) api_.put(kServices, service(name, 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  api_.intercept([](const Seen&) { return Reply{503, "", "", false}; });
  api_.disconnect();
  api_.put(kServices, service("a", 2));
  api_.erase(kServices, {"ns", "b"});
  api_.put(kServices, service("e", 1));
  api_.compact();
  const std::size_t before = world_.events();
  api_.intercept({});
  const std::set<std::string> expected = {"Service ns/a 2", "Service ns/c 1", "Service ns/d 1",
                                          "Service ns/e 1"};
  EXPECT_EQ(world_.await_objects(expected), expected);
  EXPECT_EQ(world_.events(), before + 3);
  EXPECT_EQ(count(kServices, "list"), 2 + 2);  // 2 pages each
}

// The pauses that an absent server earned do not go on once it answers, whatever it answers: with
// what it would be after these failures, the list would come after half a minute or more.
TEST_F(KubeSourceTest, AGoneVersionAfterAnAbsenceIsNeitherAProblemNorWaitedFor) {
  options_.kinds = {Kind::kService};
  options_.first_pause = std::chrono::milliseconds(1);
  options_.longest_pause = std::chrono::minutes(10);
  api_.put(kServices, service("a", 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  auto& failures = counted_;
  api_.intercept([&](const Seen& seen) -> std::optional<Reply> {
    if (seen.path != path_of(kServices, {}) || failures == 12) return std::nullopt;
    if (++failures == 12) api_.compact();
    return Reply{503, "", "", false};
  });
  api_.disconnect();
  api_.put(kServices, service("a", 2));
  EXPECT_THAT(world_.await_objects({"Service ns/a 2"}), ElementsAre("Service ns/a 2"));
  EXPECT_EQ(world_.await_problem("Service", ""), "");
  EXPECT_THAT(world_.reasons(), ElementsAre("ServiceUnavailable"));
}

TEST_F(KubeSourceTest, AContinueTokenThatExpiresStartsTheListAgain) {
  api_.serve(kRoutes, "HTTPRoute");
  for (const char* name : {"a", "b", "c"}) api_.put(kServices, service(name, 1));
  auto& done = counted_;
  api_.intercept([&](const Seen& seen) -> std::optional<Reply> {
    if (seen.query.find("continue=") != std::string::npos && done.exchange(1) == 0) api_.compact();
    return std::nullopt;
  });
  start();
  ASSERT_TRUE(world_.await_synced());
  EXPECT_EQ(world_.at_sync().size(), 3);
  EXPECT_EQ(world_.events(), 3);
}

TEST_F(KubeSourceTest, KindsComeAndGo) {
  start();
  ASSERT_TRUE(world_.await_synced());
  EXPECT_EQ(world_.await_problem("HTTPRoute", "KindNotServed"), "KindNotServed");

  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kRoutes, route("r", "one"));
  EXPECT_THAT(world_.await_objects({"HTTPRoute ns/r one"}), ElementsAre("HTTPRoute ns/r one"));
  EXPECT_EQ(world_.await_problem("HTTPRoute", ""), "");

  api_.unserve(kRoutes);
  EXPECT_THAT(world_.await_objects({}), IsEmpty());
  EXPECT_EQ(world_.await_problem("HTTPRoute", "KindNotServed"), "KindNotServed");

  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kRoutes, route("r", "two"));
  EXPECT_THAT(world_.await_objects({"HTTPRoute ns/r two"}), ElementsAre("HTTPRoute ns/r two"));
}

TEST_F(KubeSourceTest, WhatIsMissingWhenItsKindIsBackIsDeleted) {
  api_.serve(kRoutes, "HTTPRoute");
  for (const char* name : {"r", "s"}) api_.put(kRoutes, route(name, "one"));
  start();
  ASSERT_TRUE(world_.await_synced());
  api_.intercept([](const Seen& seen) -> std::optional<Reply> {
    if (!seen.path.starts_with("/apis/gateway")) return std::nullopt;
    return Reply{404, "404 page not found", "", false};
  });
  api_.disconnect();
  EXPECT_THAT(world_.await_objects({}), IsEmpty());
  EXPECT_THAT(world_.deleted(), IsEmpty()) << "they cannot be read, that is all";

  api_.erase(kRoutes, {"ns", "s"});
  api_.intercept({});
  api_.serve(kRoutes, "HTTPRoute");
  EXPECT_THAT(world_.await_objects({"HTTPRoute ns/r one"}), ElementsAre("HTTPRoute ns/r one"));
  EXPECT_THAT(world_.await_deleted(1), ElementsAre("HTTPRoute ns/s"));
}

TEST_F(KubeSourceTest, FindsAKindThatCameBeforeCrdsWereFollowed) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kRoutes, route("r", "one"));
  api_.intercept([&](const Seen& seen) -> std::optional<Reply> {
    if (seen.path != "/apis/gateway.networking.k8s.io/v1" || counted_++ > 0) return std::nullopt;
    return Reply{404, "404 page not found", "", false};
  });
  start();
  EXPECT_THAT(world_.await_objects({"HTTPRoute ns/r one"}), ElementsAre("HTTPRoute ns/r one"));
}

TEST_F(KubeSourceTest, ReadsTheBestVersionThatIsServed) {
  api_.serve(kOldRoutes, "HTTPRoute");
  api_.put(kOldRoutes, route("r", "old"));
  start();
  ASSERT_TRUE(world_.await_synced());
  EXPECT_THAT(world_.at_sync(), ElementsAre("HTTPRoute ns/r old"));

  api_.put(kRoutes, route("s", "new"));
  api_.serve(kRoutes, "HTTPRoute");
  EXPECT_THAT(world_.await_objects({"HTTPRoute ns/s new"}), ElementsAre("HTTPRoute ns/s new"));
}

TEST_F(KubeSourceTest, TellsWhichResourceOfAKindIsNotRead) {
  const Resource sets{"gateway.networking.k8s.io", "v1", "listenersets", true};
  const Resource old_sets{"gateway.networking.x-k8s.io", "v1alpha1", "xlistenersets", true};
  options_.kinds = {Kind::kListenerSet, Kind::kHttpRoute};
  api_.serve(old_sets, "XListenerSet");
  api_.serve(kOldRoutes, "HTTPRoute");
  api_.serve(kRoutes, "HTTPRoute");
  start();
  ASSERT_TRUE(world_.await_synced());
  EXPECT_THAT(world_.reasons(), IsEmpty()) << "versions of one resource have the same objects";

  const std::string place = "ListenerSet ignored";
  api_.serve(sets, "ListenerSet");
  ASSERT_EQ(world_.await_problem(place, "ResourceIgnored"), "ResourceIgnored");
  EXPECT_EQ(world_.message(place),
            "xlistenersets.gateway.networking.x-k8s.io are not read, because "
            "listenersets.gateway.networking.k8s.io are installed");
  api_.unserve(old_sets);
  EXPECT_EQ(world_.await_problem(place, ""), "");
}

TEST_F(KubeSourceTest, AKindThatLooksGoneForAMomentStays) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kRoutes, route("r", "one"));
  options_.missing_for = std::chrono::seconds(60);
  start();
  ASSERT_TRUE(world_.await_synced());
  api_.intercept([](const Seen& seen) -> std::optional<Reply> {
    if (!seen.path.starts_with("/apis/gateway")) return std::nullopt;
    return Reply{404, "404 page not found", "", false};
  });
  api_.disconnect();
  ASSERT_EQ(world_.await_problem("HTTPRoute", "NotFound"), "NotFound");
  api_.intercept({});
  api_.put(kRoutes, route("s", "two"));
  EXPECT_THAT(world_.await_objects({"HTTPRoute ns/r one", "HTTPRoute ns/s two"}),
              ElementsAre("HTTPRoute ns/r one", "HTTPRoute ns/s two"));
  EXPECT_EQ(world_.events(), 2);
  EXPECT_EQ(world_.await_problem("HTTPRoute", ""), "");
}

TEST_F(KubeSourceTest, ABrokenObjectKeepsItsLastGoodVersion) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kServices, service("a", 1));
  api_.put(kServices, service("bad", 70000));
  start();
  ASSERT_TRUE(world_.await_synced());
  EXPECT_THAT(world_.at_sync(), ElementsAre("Service ns/a 1"));
  EXPECT_EQ(world_.await_problem("Service ns/bad", "InvalidValue"), "InvalidValue");

  api_.put(kServices, service("a", 0));
  EXPECT_EQ(world_.await_problem("Service ns/a", "InvalidValue"), "InvalidValue");
  api_.put(kServices, service("bad", 2));
  EXPECT_THAT(world_.await_objects({"Service ns/a 1", "Service ns/bad 2"}),
              ElementsAre("Service ns/a 1", "Service ns/bad 2"));
  EXPECT_EQ(world_.await_problem("Service ns/bad", ""), "");
  api_.erase(kServices, {"ns", "a"});
  EXPECT_THAT(world_.await_objects({"Service ns/bad 2"}), ElementsAre("Service ns/bad 2"));
  EXPECT_EQ(world_.await_problem("Service ns/a", ""), "");
}

TEST_F(KubeSourceTest, SurvivesGarbage) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kServices, service("a", 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  int port = 1;
  for (const std::string garbage :
       {"garbage\n", "{\"type\":\"ADDED\",\"object\":7}\n", "{\"type\":\"ADDED\",\"object\":{}}\n",
        "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n", "\xff\xfe\n", "{\"type\":\n"}) {
    api_.inject(kServices, garbage);
    api_.put(kServices, service("a", ++port));
    const std::set<std::string> expected = {"Service ns/a " + std::to_string(port)};
    EXPECT_EQ(world_.await_objects(expected), expected) << garbage;
  }
}

TEST_F(KubeSourceTest, AnObjectThatIsNestedTooDeeplyDelaysNoOther) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kServices, service("a", 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  api_.inject(kServices, R"({"type":"MODIFIED","object":{"metadata":{"name":"deep"},"spec":)" +
                             std::string(200, '[') + std::string(200, ']') + "}}\n");
  api_.put(kServices, service("a", 2));
  const std::set<std::string> expected = {"Service ns/a 2"};
  EXPECT_EQ(world_.await_objects(expected), expected);
  EXPECT_EQ(world_.await_problem("Service list", "InvalidAnswer"), "InvalidAnswer");
  EXPECT_THAT(world_.message("Service list"), ::testing::HasSubstr("\"deep\""));
  EXPECT_EQ(count(kServices, "list"), 1);
}

TEST_F(KubeSourceTest, WhatCannotBeIdentifiedDeletesNothing) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.put(kServices, service("a", 1));
  start();
  ASSERT_TRUE(world_.await_synced());
  api_.intercept([](const Seen& seen) -> std::optional<Reply> {
    if (seen.path != "/api/v1/services" || seen.query.find("watch") != std::string::npos) {
      return std::nullopt;
    }
    return Reply{200, R"({"metadata":{"resourceVersion":"9000"},"items":[{"metadata":{}}]})", "",
                 false};
  });
  api_.compact();
  api_.disconnect();
  EXPECT_EQ(world_.await_problem("Service list", "InvalidAnswer"), "InvalidAnswer");
  EXPECT_THAT(world_.await_objects({"Service ns/a 1"}), ElementsAre("Service ns/a 1"));
}

TEST_F(KubeSourceTest, WhatIsForbiddenIsReportedAndHoldsSyncBack) {
  api_.serve(kRoutes, "HTTPRoute");
  api_.intercept([](const Seen& seen) -> std::optional<Reply> {
    if (seen.path != "/api/v1/services") return std::nullopt;
    return Reply{403, R"({"kind":"Status","reason":"Forbidden","message":"not you"})", "", false};
  });
  start();
  EXPECT_EQ(world_.await_problem("Service", "Forbidden"), "Forbidden");
  EXPECT_FALSE(world_.synced());
  api_.intercept({});
  EXPECT_TRUE(world_.await_synced());
  EXPECT_EQ(world_.await_problem("Service", ""), "");
}

TEST_F(KubeSourceTest, NothingIsPostedAfterStop) {
  api_.serve(kRoutes, "HTTPRoute");
  for (int round = 0; round < 20; ++round) {
    start();
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    source_->stop();
    const std::size_t before = world_.events();
    api_.put(kServices, service("a", round + 1));
    EXPECT_EQ(world_.events(), before);
  }
}

TEST_F(KubeSourceTest, AsksOnlyForWhatCanMatter) {
  options_.kinds = {Kind::kSecret, Kind::kEndpointSlice, Kind::kConfigMap};
  const Resource slices{"discovery.k8s.io", "v1", "endpointslices", true};
  api_.serve(slices, "EndpointSlice");
  start();
  ASSERT_TRUE(world_.await_synced());
  const std::map<std::string, std::string> wanted = {
      {path_of({"", "v1", "secrets", true}, {}), "type%21%3Dhelm.sh%2Frelease.v1"},
      {path_of(slices, {}), "labelSelector=kubernetes.io%2Fservice-name"}};
  std::set<std::string> asked;
  for (const Seen& seen : api_.requests()) {
    const auto selector = wanted.find(seen.path);
    if (selector == wanted.end()) continue;
    asked.insert(seen.path);
    EXPECT_THAT(seen.query, ::testing::HasSubstr(selector->second));
  }
  EXPECT_EQ(asked.size(), wanted.size());
}

// Whatever happens, at the end the core has what the server has.
TEST_F(KubeSourceTest, RandomEditsAndFailuresConverge) {
  std::mt19937 dice(std::random_device{}());
  const auto up_to = [&](int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); };
  api_.serve(kRoutes, "HTTPRoute");
  start();
  std::map<std::string, int> services;
  for (int round = 0; round < 30; ++round) {
    for (int edit = up_to(30); edit >= 0; --edit) {
      const std::string name = "s" + std::to_string(up_to(12));
      if (up_to(3) == 0) {
        api_.erase(kServices, {"ns", name});
        services.erase(name);
      } else {
        services[name] = 1 + up_to(9);
        api_.put(kServices, service(name, services[name]));
      }
      switch (up_to(40)) {
        case 0:
          api_.disconnect();
          break;
        case 1:
          api_.compact();
          break;
        case 2:
          api_.bookmark();
          break;
        case 3:
          api_.inject(kServices, "garbage\n");
          break;
        case 4:
          api_.compact();
          api_.disconnect();
          break;
        default:
          break;
      }
    }
    std::set<std::string> expected;
    for (const auto& [name, port] : services) {
      expected.insert("Service ns/" + name + " " + std::to_string(port));
    }
    ASSERT_EQ(world_.await_objects(expected), expected) << "round " << round;
  }
}

}  // namespace
}  // namespace kgw::kube
