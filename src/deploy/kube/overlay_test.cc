#include "deploy/kube/overlay.h"

#include <gtest/gtest.h>

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* what;
  const char* base;
  const char* patch;
  const char* result;
};

void expect_all(const char* kind, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Json object = {{"kind", kind}, {"spec", Json::parse(c.base)}};
    strategic_merge(object, {{"spec", Json::parse(c.patch)}});
    EXPECT_EQ(object["spec"], Json::parse(c.result)) << c.what;
  }
}

TEST(StrategicMerge, FollowsTheMergeKeysOfADeployment) {
  expect_all(
      "Deployment",
      {{"members are merged", R"({"a": {"x": 1}})", R"({"a": {"y": 2}})",
        R"({"a": {"x": 1, "y": 2}})"},
       {"null removes", R"({"a": 1, "b": 2})", R"({"a": null, "c": {"d": null, "e": 1}})",
        R"({"b": 2, "c": {"e": 1}})"},
       {"entries by name",
        R"({"containers": [{"name": "a", "image": "i", "env": [{"name": "E", "value": "1"}]}]})",
        R"({"containers": [{"name": "a", "env": [{"name": "F", "value": "2"}]}, {"name": "b"}]})",
        R"({"containers": [{"name": "a", "image": "i", "env": [{"name": "E", "value": "1"}, {"name": "F", "value": "2"}]}, {"name": "b"}]})"},
       {"container ports by containerPort", R"({"ports": [{"containerPort": 1, "name": "a"}]})",
        R"({"ports": [{"containerPort": 1, "hostPort": 2}, {"containerPort": 3}]})",
        R"({"ports": [{"containerPort": 1, "name": "a", "hostPort": 2}, {"containerPort": 3}]})"},
       {"mounts by path", R"({"volumeMounts": [{"name": "a", "mountPath": "/a"}]})",
        R"({"volumeMounts": [{"name": "b", "mountPath": "/a"}]})",
        R"({"volumeMounts": [{"name": "b", "mountPath": "/a"}]})"},
       {"other lists are replaced", R"({"args": ["a", "b"], "tolerations": [{"key": "k"}]})",
        R"({"args": ["c"], "tolerations": [{"operator": "Exists"}]})",
        R"({"args": ["c"], "tolerations": [{"operator": "Exists"}]})"},
       {"an entry is deleted", R"({"containers": [{"name": "a"}, {"name": "b"}]})",
        R"({"containers": [{"name": "a", "$patch": "delete"}, {"name": "c", "$patch": "delete"}]})",
        R"({"containers": [{"name": "b"}]})"},
       {"a member is deleted", R"({"securityContext": {"runAsUser": 1}, "b": 1})",
        R"({"securityContext": {"$patch": "delete"}})", R"({"b": 1})"},
       {"an object is replaced", R"({"strategy": {"type": "a", "rollingUpdate": {}}})",
        R"({"strategy": {"$patch": "replace", "type": "Recreate"}})",
        R"({"strategy": {"type": "Recreate"}})"},
       {"a list is replaced", R"({"volumes": [{"name": "a"}, {"name": "b"}]})",
        R"({"volumes": [{"$patch": "replace"}, {"name": "c"}]})",
        R"({"volumes": [{"name": "c"}]})"},
       {"keys are retained", R"({"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}})",
        R"({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}})",
        R"({"strategy": {"type": "Recreate"}})"},
       {"values are deleted", R"({"args": ["a", "b", "a"]})",
        R"({"$deleteFromPrimitiveList/args": ["a"], "$setElementOrder/args": ["b"]})",
        R"({"args": ["b"]})"},
       {"directives are not left over", R"({})",
        R"({"volumes": [{"name": "a", "$patch": "merge", "emptyDir": {"$retainKeys": []}}]})",
        R"({"volumes": [{"name": "a", "emptyDir": {}}]})"},
       {"a wrong type is taken as it is", R"({"containers": [{"name": "a"}]})",
        R"({"containers": {"x": 1}})", R"({"containers": {"x": 1}})"}});
}

TEST(StrategicMerge, DependsOnTheKind) {
  expect_all("Service",
             {{"by port", R"({"ports": [{"port": 80, "name": "a"}]})",
               R"({"ports": [{"port": 80, "nodePort": 1}, {"port": 81}]})",
               R"({"ports": [{"port": 80, "name": "a", "nodePort": 1}, {"port": 81}]})"}});
  expect_all("HorizontalPodAutoscaler",
             {{"nothing to merge by", R"({"metrics": [{"type": "a"}], "env": [{"name": "x"}]})",
               R"({"metrics": [{"type": "b"}], "env": [{"name": "y"}]})",
               R"({"metrics": [{"type": "b"}], "env": [{"name": "y"}]})"}});
}

TEST(Overlay, AddsMetadata) {
  Json object = {{"kind", "Service"}, {"metadata", {{"name", "a"}, {"labels", {{"x", "1"}}}}}};
  ObjectOverlay overlay;
  overlay.labels = {{"x", "2"}, {"y", "3"}};
  overlay.annotations = {{"z", "4"}};
  apply_overlay(object, overlay);
  EXPECT_EQ(
      object["metadata"],
      Json::parse(R"({"name": "a", "labels": {"x": "2", "y": "3"}, "annotations": {"z": "4"}})"));
}

}  // namespace
}  // namespace kgw::deploy::kube
