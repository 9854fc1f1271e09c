#include "deploy/kube/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string problem(const char* spec, const char* status) {
  return deployment_problem({{"metadata", {{"namespace", "shop"}, {"name", "edge"}}},
                             {"spec", Json::parse(spec)},
                             {"status", Json::parse(status)}});
}

TEST(Health, ADeploymentThatIsReadyHasNoProblem) {
  EXPECT_EQ(problem(R"({"replicas": 2})", R"({"readyReplicas": 2})"), "");
  EXPECT_EQ(problem(R"({})", R"({"readyReplicas": 1, "conditions": [
      {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]})"),
            "");
  EXPECT_EQ(deployment_problem(nullptr), "");
}

TEST(Health, ADeploymentSaysWhyItsPodsAreMissing) {
  EXPECT_EQ(problem(R"({"replicas": 0})", "{}"), "Deployment shop/edge is scaled to 0 replicas");
  EXPECT_EQ(problem(R"({})", "{}"), "Deployment shop/edge has 0 of 1 pods ready");
  EXPECT_EQ(problem(R"({"replicas": 3})", R"({"readyReplicas": 1, "conditions": [
      {"type": "Available", "status": "False", "message": "too few"},
      {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
       "message": "ReplicaSet has timed out."},
      {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
       "message": "exceeded quota: pods"}]})"),
            "Deployment shop/edge has 1 of 3 pods ready: ProgressDeadlineExceeded: ReplicaSet has "
            "timed out.: FailedCreate: exceeded quota: pods");
}

TEST(Health, AnythingMayStandInALiveObject) {
  for (const char* odd : {"5", "[]", R"({"replicas": "x"})", "null"}) {
    EXPECT_EQ(problem(odd, R"({"readyReplicas": 1, "conditions": [5, {"type": 5}]})"), "") << odd;
  }
}

std::string of_pod(const char* status) {
  return pods_problem({{"items", Json::array({{{"metadata", {{"name", "edge-1"}}},
                                               {"status", Json::parse(status)}}})}});
}

TEST(Health, APodSaysWhyItDoesNotRun) {
  EXPECT_EQ(of_pod(R"({"conditions": [{"type": "PodScheduled", "status": "False",
      "reason": "Unschedulable", "message": "0/1 nodes are available"}]})"),
            "pod edge-1: Unschedulable: 0/1 nodes are available");
  EXPECT_EQ(of_pod(R"({"containerStatuses": [{"state": {"waiting": {
      "reason": "ImagePullBackOff", "message": "Back-off pulling image x"}}}]})"),
            "pod edge-1: ImagePullBackOff: Back-off pulling image x");
  EXPECT_EQ(of_pod(R"({"containerStatuses": [{"state": {"waiting": {
      "reason": "CrashLoopBackOff", "message": "back-off 10s"}},
      "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]})"),
            "pod edge-1: CrashLoopBackOff: back-off 10s (exit code 1, Error)");
  EXPECT_EQ(of_pod(R"({"containerStatuses": [{"state": {"waiting": {
      "reason": "ContainerCreating"}}}]})"),
            "");
  for (const char* odd : {"5", "[]", R"({"conditions": 5, "containerStatuses": [5]})"}) {
    EXPECT_EQ(of_pod(odd), "") << odd;
  }
  EXPECT_EQ(pods_problem(nullptr), "");
}

std::set<PortKey> missing(const char* rendered, const char* live) {
  const auto service = [](const char* ports) {
    return Json{{"spec", {{"ports", Json::parse(ports)}}}};
  };
  return missing_ports(service(rendered), *live == '\0' ? Json() : service(live));
}

TEST(Health, APortIsMissingUntilTheServiceHasIt) {
  const char* two = R"([{"port": 80, "protocol": "TCP", "targetPort": 80},
                        {"port": 53, "protocol": "UDP", "targetPort": 53}])";
  EXPECT_THAT(missing(two, two), IsEmpty());
  EXPECT_THAT(missing(two, ""), ElementsAre(Pair(53, true), Pair(80, false)));
  EXPECT_THAT(missing(two, R"([{"port": 80, "targetPort": 80, "nodePort": 30080}])"),
              ElementsAre(Pair(53, true)));
  EXPECT_THAT(missing(two, R"([{"port": 80, "targetPort": 80}, {"port": 53, "targetPort": 53}])"),
              ElementsAre(Pair(53, true)))
      << "of TCP";
}

TEST(Health, AnOverlayMayLeadToAListenersPortFromAnother) {
  const char* moved = R"([{"port": 8443, "targetPort": 443}])";
  EXPECT_THAT(missing(moved, moved), IsEmpty());
  EXPECT_THAT(missing(moved, R"([{"port": 443, "targetPort": 443}])"),
              ElementsAre(Pair(443, false)));
}

}  // namespace
}  // namespace kgw::deploy::kube
