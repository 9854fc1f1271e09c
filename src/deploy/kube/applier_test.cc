#include "deploy/kube/applier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "attach/model.h"
#include "deploy/kube/live.h"
#include "deploy/kube/names.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const ObjectKey kGateway{"shop", "edge"};

Json object(const std::string& api_version, const std::string& kind, Json spec = {{"a", 1}}) {
  Json owner = {{"apiVersion", "gateway.networking.k8s.io/v1"},
                {"kind", "Gateway"},
                {"name", "edge"},
                {"uid", "u-1"}};
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata",
           {{"name", "edge"}, {"namespace", "shop"}, {"ownerReferences", Json::array({owner})}}},
          {"spec", std::move(spec)}};
}

const OwnedRef kService{"v1", "Service", kGateway};

RenderedProxy proxy(std::vector<Json> objects) { return {std::move(objects), false, {}}; }

// An API server that holds objects as they are applied, and adds a default to each.
class Cluster : public ObjectApi {
 public:
  explicit Cluster(ApplierOptions options = {}) : applier(*this, reporting(std::move(options))) {}

  std::vector<ObjectReport> reports;
  Applier applier;
  std::map<OwnedRef, Json> objects;
  std::optional<Error> failure;          // of every call
  std::function<void(Json&)> admission;  // what the server makes of an applied object
  Json handed_over;
  std::function<void(const std::string& call)> on_the_way;  // while an answer is under way

  void get(const OwnedRef& ref, Done done) override {
    call("get", ref, done, [this, ref] { return objects.contains(ref) ? found(ref) : missing(); });
  }
  void apply(const OwnedRef& ref, const Json& object, Done done) override {
    call("apply", ref, done, [this, ref, object] { return put(ref, object); });
  }
  void hand_over(const OwnedRef& ref, const Json& fields, Done done) override {
    call("hand over", ref, done, [this, ref, fields] {
      handed_over = fields["spec"];
      return found(ref);
    });
  }
  void remove(const OwnedRef& ref, const std::string& uid, Done done) override {
    call("delete", ref, done, [this, ref, uid]() -> Answer {
      if (!objects.contains(ref)) return missing();
      EXPECT_EQ(uid, metadata_text(objects[ref], "uid"));
      objects.erase(ref);
      applier.vanished(ref);
      return Json::object();
    });
  }

  // Answers calls until there are none; "verb Kind" of each.
  std::vector<std::string> run() {
    std::vector<std::string> seen;
    while (!calls_.empty() && seen.size() < 20) {
      const Call next = std::move(calls_.front());
      calls_.pop_front();
      seen.push_back(next.name);
      Answer answer = failure ? Answer(std::unexpected(*failure)) : next.answer();
      if (on_the_way) on_the_way(next.name);
      next.done(std::move(answer));
    }
    return seen;
  }

  // Somebody else changes the Service.
  void change(const std::function<void(Json&)>& edit) {
    Json& object = objects.at(kService);
    edit(object);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    applier.observe(object);
  }

 private:
  using Answer = std::expected<Json, Error>;
  struct Call {
    std::string name;
    Done done;
    std::function<Answer()> answer;
  };

  ApplierOptions reporting(ApplierOptions options) {
    options.report = [this](const ObjectReport& r) { reports.push_back(r); };
    return options;
  }
  void call(const std::string& verb, const OwnedRef& ref, Done done,
            std::function<Answer()> answer) {
    calls_.push_back({verb + " " + ref.kind, std::move(done), std::move(answer)});
  }
  Answer found(const OwnedRef& ref) { return objects[ref]; }
  static Answer missing() { return std::unexpected(Error{404, "NotFound (404)"}); }

  Answer put(const OwnedRef& ref, Json live) {
    live["metadata"]["uid"] = "uid of " + ref.kind;
    live["spec"]["defaulted"] = true;
    if (admission) admission(live);
    // As a server does: nothing new, no new version.
    if (objects.contains(ref) && content_of(objects[ref]) == content_of(live)) return found(ref);
    live["metadata"]["resourceVersion"] = std::to_string(++version_);
    objects[ref] = live;
    applier.observe(live);
    return live;
  }

  std::deque<Call> calls_;
  int version_ = 0;
};

TEST(Applier, AppliesWhatIsWantedAndThenRests) {
  Cluster cluster;
  cluster.applier.want(kGateway, proxy({object("v1", "Service"), object("apps/v1", "Deployment")}));
  EXPECT_THAT(cluster.run(), IsEmpty()) << "nothing before begin()";
  cluster.applier.begin();
  EXPECT_THAT(cluster.run(), UnorderedElementsAre("get Service", "apply Service", "get Deployment",
                                                  "apply Deployment"));
  cluster.applier.want(kGateway, proxy({object("v1", "Service"), object("apps/v1", "Deployment")}));
  EXPECT_THAT(cluster.run(), IsEmpty());
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
  ASSERT_NE(cluster.applier.live(kService), nullptr);
}

TEST(Applier, LeavesAloneWhatCannotBeJudged) {
  Cluster cluster;
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.applier.begin();
  cluster.run();
  cluster.applier.leave_alone(kGateway);
  cluster.change([](Json& service) { service["spec"]["a"] = 2; });
  EXPECT_THAT(cluster.run(), IsEmpty());
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
}

TEST(Applier, AppliesOnlyWhatChanged) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service"), object("apps/v1", "Deployment")}));
  cluster.run();
  cluster.applier.want(
      kGateway, proxy({object("v1", "Service", {{"a", 2}}), object("apps/v1", "Deployment")}));
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
  EXPECT_EQ(cluster.objects.at(kService)["spec"]["a"], 2);
}

TEST(Applier, DoesNothingWhileSomebodyElseActs) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service"), object("apps/v1", "Deployment")}));
  cluster.run();
  cluster.applier.halt();
  cluster.applier.want(kGateway, proxy({object("v1", "Service", {{"a", 2}})}));
  cluster.change([](Json& o) { o["spec"]["a"] = 7; });
  cluster.applier.retry(Applier::Clock::now());
  EXPECT_THAT(cluster.run(), IsEmpty());
  cluster.applier.begin();
  EXPECT_THAT(cluster.run(), UnorderedElementsAre("apply Service", "delete Deployment"));
}

TEST(Applier, ARestartAppliesNothing) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();

  Cluster next;
  next.objects = cluster.objects;
  for (const auto& [ref, live] : next.objects) next.applier.observe(live);
  next.applier.begin();
  next.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(next.run(), IsEmpty());
  next.applier.want(kGateway, proxy({object("v1", "Service", {{"b", 1}})}));
  EXPECT_THAT(next.run(), ElementsAre("apply Service"));
}

TEST(Applier, CorrectsDriftAndLeavesWhatOthersAdd) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  cluster.change([](Json& o) { o["spec"]["theirs"] = 1; });
  cluster.change([](Json& o) { o["status"]["x"] = 1; });
  EXPECT_THAT(cluster.run(), IsEmpty());
  cluster.change([](Json& o) { o["spec"]["a"] = 7; });
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
  EXPECT_EQ(cluster.objects.at(kService)["spec"]["a"], 1);
  cluster.change([](Json& o) { o["metadata"].erase("annotations"); });
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));

  cluster.objects.erase(kService);
  cluster.applier.vanished(kService);
  EXPECT_THAT(cluster.run(), ElementsAre("get Service", "apply Service"));
}

// "apply Service" for each that was sent within the time, while somebody undoes each at once.
int repairs_within(Cluster& cluster, std::chrono::seconds time,
                   const std::function<void(Json&)>& undo) {
  const auto start = Applier::Clock::now();
  int applied = 0;
  for (auto now = start; now <= start + time; now += std::chrono::seconds(1)) {
    cluster.applier.retry(now);
    for (bool more = true; more;) {
      cluster.change(undo);
      more = !cluster.run().empty();
      applied += more ? 1 : 0;
    }
  }
  return applied;
}

TEST(Applier, WhatIsUndoneAgainAndAgainIsAppliedAFewTimesAMinute) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  int round = 0;
  const auto undo = [&](Json& o) { o["spec"]["a"] = ++round + 100; };
  const int first = repairs_within(cluster, std::chrono::seconds(600), undo);
  EXPECT_GE(first, 10) << "it is not given up";
  EXPECT_LE(first, 16);
  EXPECT_EQ(cluster.applier.rival(kGateway),
            "Service shop/edge is changed again and again by somebody else");
  // What is wanted anew does not wait.
  cluster.applier.want(kGateway, proxy({object("v1", "Service", {{"a", 2}})}));
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
}

TEST(Applier, NamesTheOtherInstallationThatAppliesToo) {
  ApplierOptions options;
  options.installation = "one";
  Cluster cluster(options);
  cluster.admission = [](Json& o) {
    o["metadata"]["managedFields"] =
        Json::parse(R"([{"manager": "kgateway.dev/kgateway", "operation": "Apply"}])");
  };
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  EXPECT_EQ(cluster.applier.rival(kGateway), "");
  cluster.change([](Json& o) { o["metadata"]["annotations"][kAppliedBy] = "two"; });
  EXPECT_THAT(cluster.run(), IsEmpty()) << "both want the same";
  EXPECT_EQ(cluster.applier.rival(kGateway),
            "Service shop/edge is also applied by the kgateway of namespace two");
  cluster.change([](Json& o) { o["metadata"].erase("annotations"); });
  EXPECT_EQ(cluster.applier.rival(kGateway),
            "Service shop/edge is also applied by another controller named kgateway.dev/kgateway");
}

TEST(Applier, WhatAnotherInstallationLeftIsNoRivalry) {
  Cluster cluster;
  Json left = object("v1", "Service", {{"a", 7}});
  left["metadata"]["annotations"] = {{kAppliedBy, "old"}, {kAppliedHash, "x"}};
  left["metadata"]["managedFields"] =
      Json::parse(R"([{"manager": "kgateway.dev/kgateway", "operation": "Apply"}])");
  cluster.objects[kService] = left;
  cluster.applier.observe(left);
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
  EXPECT_EQ(cluster.applier.rival(kGateway), "");
}

// kubectl delete gateway --cascade=orphan; a restored backup.
TEST(Applier, AdoptsWhatADeletedGatewayLeft) {
  const auto labelled = [](const char* gateway) {
    Json service = object("v1", "Service");
    service["metadata"]["labels"] = {{kManagedByLabel, kManagedBy}, {kGatewayNameLabel, gateway}};
    return service;
  };
  Json orphan = labelled("edge");
  orphan["metadata"].erase("ownerReferences");
  {
    Cluster cluster;
    cluster.objects[kService] = orphan;
    cluster.applier.begin();
    cluster.applier.want(kGateway, proxy({labelled("edge")}));
    EXPECT_THAT(cluster.run(), ElementsAre("get Service", "apply Service"));
    EXPECT_TRUE(owner_of(cluster.objects[kService]));
    // Nor does it stay without an owner.
    cluster.change([](Json& o) { o["metadata"].erase("ownerReferences"); });
    EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
  }
  Json others = orphan;
  others["metadata"]["labels"][kGatewayNameLabel] = "other";
  Json owned = orphan;
  owned["metadata"]["ownerReferences"] =
      Json::parse(R"([{"kind": "Thing", "name": "t", "uid": "u", "controller": true}])");
  for (const Json& theirs : {others, owned}) {
    Cluster cluster;
    cluster.objects[kService] = theirs;
    cluster.applier.begin();
    cluster.applier.want(kGateway, proxy({labelled("edge")}));
    EXPECT_THAT(cluster.run(), ElementsAre("get Service"));
  }
}

TEST(Applier, PutsBackWhatVanishesWhileTheAnswerIsOnItsWay) {
  Cluster cluster;
  bool deleted = false;
  cluster.on_the_way = [&](const std::string& call) {
    if (call != "apply Service" || std::exchange(deleted, true)) return;
    cluster.objects.erase(kService);
    cluster.applier.vanished(kService);
  };
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(),
              ElementsAre("get Service", "apply Service", "get Service", "apply Service"));
  EXPECT_TRUE(cluster.objects.contains(kService));
}

TEST(Applier, ReplicasThatAnAutoscalerTakesOverStayAsTheyAre) {
  Cluster cluster;
  const Json ours = Json::parse(R"([{"manager": "kgateway.dev/kgateway", "operation": "Apply",
      "fieldsV1": {"f:spec": {"f:replicas": {}}}}])");
  cluster.admission = [&](Json& o) {
    if (o["spec"].contains("replicas")) o["metadata"]["managedFields"] = ours;
  };
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("apps/v1", "Deployment", {{"replicas", 3}})}));
  EXPECT_THAT(cluster.run(), ElementsAre("get Deployment", "apply Deployment"));
  cluster.applier.want(kGateway, proxy({object("apps/v1", "Deployment")}));
  EXPECT_THAT(cluster.run(), ElementsAre("hand over Deployment", "apply Deployment"));
  EXPECT_EQ(cluster.handed_over, Json({{"replicas", 3}}));
  // They are nobody's now, and need no further care.
  cluster.applier.want(kGateway, proxy({object("apps/v1", "Deployment", {{"a", 2}})}));
  EXPECT_THAT(cluster.run(), ElementsAre("apply Deployment"));
}

TEST(Live, KnowsWhoseReplicasTheyAre) {
  const auto owns = [](std::string_view manager, const char* operation, const char* fields) {
    return owns_replicas(
        {{"metadata",
          {{"managedFields", Json::array({{{"manager", manager},
                                           {"operation", operation},
                                           {"fieldsV1", Json::parse(fields)}}})}}}});
  };
  const char* replicas = R"({"f:spec": {"f:replicas": {}}})";
  EXPECT_TRUE(owns(attach::kControllerName, "Apply", replicas));
  EXPECT_FALSE(owns(attach::kControllerName, "Update", replicas));
  EXPECT_FALSE(owns("kubectl", "Apply", replicas));
  EXPECT_FALSE(owns(attach::kControllerName, "Apply", R"({"f:spec": {"f:template": {}}})"));
  EXPECT_FALSE(owns_replicas({{"metadata", Json::object()}}));
}

TEST(Applier, DoesNotQuarrelOverHowAValueIsWritten) {
  Cluster cluster;
  cluster.admission = [](Json& o) { o["spec"]["a"] = "1000m"; };
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), ElementsAre("get Service", "apply Service"));
  cluster.change([](Json& o) { o["status"]["x"] = 1; });
  EXPECT_THAT(cluster.run(), IsEmpty());
  cluster.change([](Json& o) { o["spec"]["a"] = "7"; });
  EXPECT_THAT(cluster.run(), ElementsAre("apply Service"));
}

TEST(Applier, DeletesWhatIsNoLongerWanted) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(
      kGateway, proxy({object("v1", "Service"), object("policy/v1", "PodDisruptionBudget")}));
  cluster.run();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), ElementsAre("delete PodDisruptionBudget"));
  EXPECT_THAT(cluster.run(), IsEmpty());
  cluster.applier.forget(kGateway, Applier::Leave::kDelete);
  EXPECT_THAT(cluster.run(), ElementsAre("delete Service"));
  EXPECT_THAT(cluster.objects, IsEmpty());
}

TEST(Applier, DeletesWhatARunBeforeLeftBehind) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("policy/v1", "PodDisruptionBudget")}));
  cluster.run();
  Cluster next;
  next.objects = cluster.objects;
  for (const auto& [ref, live] : next.objects) next.applier.observe(live);
  next.applier.begin();
  EXPECT_THAT(next.run(), IsEmpty()) << "the Gateway is not known yet";
  next.applier.want(kGateway, proxy({}));
  EXPECT_THAT(next.run(), ElementsAre("delete PodDisruptionBudget"));
}

TEST(Applier, KeepsTheServiceWhileThereIsNoPort) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  cluster.applier.want(kGateway, {{}, true, {}});
  EXPECT_THAT(cluster.run(), IsEmpty());
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), IsEmpty()) << "as it was";
}

TEST(Applier, LeavesADeletedGatewaysObjectsToTheCluster) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  cluster.applier.forget(kGateway, Applier::Leave::kToTheCluster);
  cluster.objects.erase(kService);
  cluster.applier.vanished(kService);
  EXPECT_THAT(cluster.run(), IsEmpty());
}

TEST(Applier, NeverTouchesWhatBelongsToOthers) {
  Cluster cluster;
  Json theirs = object("v1", "Service");
  theirs["metadata"].erase("ownerReferences");
  cluster.objects[kService] = theirs;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), ElementsAre("get Service"));
  EXPECT_EQ(cluster.applier.problem(kGateway),
            "Service shop/edge exists and is not owned by the Gateway; it is left alone");
  EXPECT_EQ(cluster.objects.at(kService), theirs);
  // Once it is gone, the way is free.
  cluster.objects.erase(kService);
  cluster.applier.retry(Applier::Clock::now() + std::chrono::hours(1));
  EXPECT_THAT(cluster.run(), ElementsAre("get Service", "apply Service"));
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
}

TEST(Applier, TellsAndRepeatsWhatFails) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.failure = ObjectApi::Error{422, "Invalid (422): spec.a: bad"};
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  EXPECT_THAT(cluster.run(), ElementsAre("get Service"));
  EXPECT_THAT(cluster.applier.problem(kGateway), HasSubstr("Invalid (422): spec.a: bad"));
  ASSERT_TRUE(cluster.applier.next_retry());
  cluster.applier.retry(Applier::Clock::now() - std::chrono::seconds(1));
  EXPECT_THAT(cluster.run(), IsEmpty()) << "not due yet";
  // Another wish is tried at once.
  cluster.failure.reset();
  cluster.applier.want(kGateway, proxy({object("v1", "Service", {{"a", 2}})}));
  EXPECT_THAT(cluster.run(), ElementsAre("get Service", "apply Service"));
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
  EXPECT_FALSE(cluster.applier.next_retry());
}

// "verb: problem" of each, "!" before what is news.
std::vector<std::string> told(Cluster& cluster) {
  std::vector<std::string> all;
  for (const ObjectReport& report : std::exchange(cluster.reports, {})) {
    EXPECT_EQ(report.gateway, kGateway);
    all.push_back((report.news ? "!" : "") + std::string(report.verb) + ": " + report.problem);
  }
  return all;
}

TEST(Applier, ReportsEveryFailureAndItsEnd) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  EXPECT_THAT(told(cluster), ElementsAre("apply: "));
  EXPECT_EQ(cluster.applier.problems(), 0u);

  cluster.failure = ObjectApi::Error{403, "Forbidden (403): no"};
  cluster.applier.want(kGateway, proxy({object("v1", "Service", {{"a", 2}})}));
  cluster.run();
  const std::string refused = "Service shop/edge cannot be applied: Forbidden (403): no";
  EXPECT_THAT(told(cluster), ElementsAre("!apply: " + refused));
  EXPECT_EQ(cluster.applier.problems(), 1u);
  EXPECT_EQ(cluster.applier.problem(kGateway, kService), refused);
  cluster.applier.retry(Applier::Clock::now() + std::chrono::hours(1));
  cluster.run();
  EXPECT_THAT(told(cluster), ElementsAre("apply: " + refused));

  // Somebody else puts it right.
  cluster.change([](Json& o) {
    o["spec"]["a"] = 2;
    o["metadata"]["annotations"][kAppliedHash] = hash_json(object("v1", "Service", {{"a", 2}}));
  });
  cluster.applier.retry(Applier::Clock::now() + std::chrono::hours(1));
  EXPECT_THAT(told(cluster), ElementsAre("!: "));
  EXPECT_EQ(cluster.applier.problems(), 0u);

  cluster.applier.want(kGateway, proxy({}));
  cluster.run();
  EXPECT_THAT(told(cluster),
              ElementsAre("!delete: Service shop/edge cannot be deleted: Forbidden (403): no"));
  cluster.failure.reset();
  cluster.applier.retry(Applier::Clock::now() + std::chrono::hours(1));
  cluster.run();
  EXPECT_THAT(told(cluster), ElementsAre("!delete: "));
}

TEST(Applier, ReportsWhatBelongsToAnotherGatewayOnce) {
  Cluster cluster;
  const ObjectKey second{"shop", "second"};
  cluster.applier.begin();
  cluster.applier.want(second, proxy({object("v1", "Service")}));
  cluster.run();
  cluster.reports.clear();
  for (int i = 1; i < 4; ++i) {
    cluster.applier.want(kGateway, proxy({object("v1", "Service", {{"a", i}})}));
  }
  EXPECT_THAT(told(cluster), ElementsAre("!: Service shop/edge belongs to Gateway shop/second, "
                                         "whose objects have the same name"));
  EXPECT_NE(cluster.applier.live(second, kService), nullptr);
  EXPECT_EQ(cluster.applier.live(kGateway, kService), nullptr);
}

TEST(Applier, WaitsForWhatIsBeingDeleted) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.run();
  cluster.change([](Json& o) {
    o["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    o["spec"]["a"] = 9;
  });
  EXPECT_THAT(cluster.run(), IsEmpty());
  EXPECT_EQ(cluster.applier.problem(kGateway),
            "Service shop/edge is being deleted; it is made again when it is gone");
  cluster.objects.erase(kService);
  cluster.applier.vanished(kService);
  EXPECT_THAT(cluster.run(), ElementsAre("get Service", "apply Service"));
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
}

const OwnedRef kAccount{"v1", "ServiceAccount", kGateway};
const OwnedRef kDeployment{"apps/v1", "Deployment", kGateway};

RenderedProxy with_account() {
  const Json pods = {{"spec", {{"serviceAccountName", "edge"}}}};
  return proxy(
      {object("v1", "ServiceAccount"), object("apps/v1", "Deployment", {{"template", pods}})});
}

std::string pods_account(const Cluster& cluster) {
  const Json& pods = cluster.objects.at(kDeployment)["spec"]["template"];
  return pods.value(Json::json_pointer("/metadata/annotations/kgateway.dev~1service-account-uid"),
                    "");
}

TEST(Applier, ADeploymentComesAfterItsServiceAccountAndIsRolledForAnotherOne) {
  Cluster cluster;
  cluster.applier.begin();
  cluster.applier.want(kGateway, with_account());
  EXPECT_THAT(cluster.run(), ElementsAre("get ServiceAccount", "apply ServiceAccount",
                                         "get Deployment", "apply Deployment"));
  EXPECT_EQ(pods_account(cluster), "");
  cluster.applier.want(kGateway, with_account());
  EXPECT_THAT(cluster.run(), IsEmpty());

  // Somebody deletes it, and it is made again.
  cluster.admission = [](Json& o) {
    if (o["kind"] == "ServiceAccount") o["metadata"]["uid"] = "another";
  };
  cluster.objects.erase(kAccount);
  cluster.applier.vanished(kAccount);
  EXPECT_THAT(cluster.run(),
              ElementsAre("get ServiceAccount", "apply ServiceAccount", "apply Deployment"));
  EXPECT_EQ(pods_account(cluster), "another");

  Cluster next;
  next.objects = cluster.objects;
  for (const auto& [ref, live] : next.objects) next.applier.observe(live);
  next.applier.begin();
  next.applier.want(kGateway, with_account());
  EXPECT_THAT(next.run(), IsEmpty()) << "a restart rolls nothing";
}

TEST(Applier, ADeploymentDoesNotWaitForAServiceAccountThatIsRefused) {
  Cluster cluster;
  Json theirs = object("v1", "ServiceAccount");
  theirs["metadata"].erase("ownerReferences");
  cluster.objects[kAccount] = theirs;
  cluster.applier.begin();
  cluster.applier.want(kGateway, with_account());
  EXPECT_THAT(cluster.run(),
              ElementsAre("get ServiceAccount", "get Deployment", "apply Deployment"));
}

// Names of objects are shortened by a hash, so that two can be made to be the same.
TEST(Applier, OfTwoGatewaysWithObjectsOfOneNameTheFirstHasThem) {
  Cluster cluster;
  const ObjectKey second{"shop", "second"};
  cluster.applier.begin();
  cluster.applier.want(kGateway, proxy({object("v1", "Service")}));
  cluster.applier.want(second, proxy({object("v1", "Service", {{"a", 2}})}));
  cluster.run();
  EXPECT_EQ(cluster.objects.at(kService)["spec"]["a"], 1);
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
  EXPECT_THAT(cluster.applier.problem(second), HasSubstr("belongs to Gateway shop/edge"));

  cluster.applier.forget(second, Applier::Leave::kDelete);
  cluster.applier.forget(second, Applier::Leave::kToTheCluster);
  cluster.run();
  EXPECT_EQ(cluster.applier.problem(second), "");
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
  EXPECT_TRUE(cluster.objects.contains(kService));

  cluster.applier.want(second, proxy({object("v1", "Service", {{"a", 2}})}));
  cluster.objects.clear();  // as the cluster does when the first is deleted
  cluster.applier.forget(kGateway, Applier::Leave::kToTheCluster);
  cluster.run();
  EXPECT_EQ(cluster.applier.problem(second), "");
  EXPECT_EQ(cluster.objects.at(kService)["spec"]["a"], 2);
}

// Whoever may create objects may name any Gateway of the namespace as their owner.
TEST(Applier, AnObjectWithAnotherOwnerMayBecomeAGatewaysOwn) {
  Cluster cluster;
  const ObjectKey second{"shop", "second"};
  cluster.applier.observe(object("v1", "Service"));
  cluster.applier.want(second, proxy({object("v1", "Service")}));
  cluster.applier.begin();
  cluster.run();
  cluster.applier.want(kGateway, proxy({}));
  cluster.applier.forget(second, Applier::Leave::kToTheCluster);
  cluster.run();
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
  cluster.applier.forget(kGateway, Applier::Leave::kToTheCluster);
  EXPECT_EQ(cluster.applier.problem(kGateway), "");
}

TEST(Live, SatisfiesWhatItSays) {
  const auto satisfied = [](const char* live, const char* wanted) {
    return satisfies(Json::parse(live), Json::parse(wanted));
  };
  EXPECT_TRUE(satisfied(R"({"a": 1, "b": 2})", R"({"a": 1})"));
  EXPECT_FALSE(satisfied(R"({"b": 2})", R"({"a": 1})"));
  EXPECT_TRUE(satisfied(R"({})", R"({"a": {}, "b": [], "c": "", "d": null})"));
  EXPECT_FALSE(satisfied(R"({})", R"({"a": false})"));
  EXPECT_TRUE(satisfied(R"([{"n": 2}, {"n": 1, "x": 1}])", R"([{"n": 1}])"));
  EXPECT_FALSE(satisfied(R"([{"n": 2}])", R"([{"n": 1}])"));
  EXPECT_FALSE(satisfied(R"({"a": [1]})", R"({"a": {"b": 1}})"));
  // What is one value must not have more in it.
  EXPECT_TRUE(satisfied(R"({"args": ["a", "b"]})", R"({"args": ["a", "b"]})"));
  EXPECT_FALSE(satisfied(R"({"args": ["a", "b", "c"]})", R"({"args": ["a", "b"]})"));
  EXPECT_FALSE(satisfied(R"({"args": ["b", "a"]})", R"({"args": ["a", "b"]})"));
  EXPECT_FALSE(satisfied(R"({"spec": {"selector": {"a": "1", "b": "2"}}})",
                         R"({"spec": {"selector": {"a": "1"}}})"));
  EXPECT_FALSE(
      satisfied(R"({"nodeSelector": {"a": "1", "b": "2"}})", R"({"nodeSelector": {"a": "1"}})"));
}

TEST(Live, AnOlderVersionIsNotCurrent) {
  const auto version = [](const char* v) { return Json{{"metadata", {{"resourceVersion", v}}}}; };
  EXPECT_TRUE(is_current(version("10"), version("9")));
  EXPECT_FALSE(is_current(version("9"), version("10")));
  EXPECT_TRUE(is_current(version("x"), version("10")));
}

}  // namespace
}  // namespace kgw::deploy::kube
