#include "deploy/kube/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/registry.h"

namespace kgw::deploy::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

GatewayParameters parameters(const std::string& spec) {
  const Decoded decoded = decode_text(
                              "{apiVersion: gateway.kgateway.dev/v1alpha1, kind: "
                              "GatewayParameters, metadata: {name: x}, "
                              "spec: {" +
                                  spec + "}}",
                              "", DecodeMode::kStrict)
                              .at(0);
  if (decoded.object == nullptr) {
    ADD_FAILURE() << to_string(decoded.diagnostics.at(0));
    return {};
  }
  return static_cast<const GatewayParameters&>(*decoded.object);
}

nlohmann::json spec_of(const GatewayParameters& p) { return encode_object(p)["spec"]; }

struct Case {
  const char* what;
  std::string of_class;
  std::string own;
  std::string merged;
};

TEST(MergeParameters, TheGatewayWinsFieldByField) {
  const std::vector<Case> cases = {
      {"members", "deployment: {replicas: 1}, service: {type: NodePort}",
       "deployment: {replicas: 2}", "deployment: {replicas: 2}, service: {type: NodePort}"},
      {"maps", "podTemplate: {extraLabels: {a: '1', b: '2'}}",
       "podTemplate: {extraLabels: {b: '3', c: '4'}}",
       "podTemplate: {extraLabels: {a: '1', b: '3', c: '4'}}"},
      {"Kubernetes' objects", "envoyContainer: {resources: {limits: {cpu: 1}}}",
       "envoyContainer: {resources: {limits: {memory: 1Gi}}}",
       "envoyContainer: {resources: {limits: {cpu: 1, memory: 1Gi}}}"},
      {"env by name", "envoyContainer: {env: [{name: A, value: '1'}, {name: B, value: '2'}]}",
       "envoyContainer: {env: [{name: C}, {name: A, value: '3'}]}",
       "envoyContainer: {env: [{name: A, value: '3'}, {name: B, value: '2'}, {name: C}]}"},
      {"ports by port", "service: {ports: [{port: 80, nodePort: 1}]}",
       "service: {ports: [{port: 80, nodePort: 2}, {port: 81}]}",
       "service: {ports: [{port: 80, nodePort: 2}, {port: 81}]}"},
      {"tolerations are added", "podTemplate: {tolerations: [{key: a}]}",
       "podTemplate: {tolerations: [{key: b}]}",
       "podTemplate: {tolerations: [{key: a}, {key: b}]}"},
      {"an empty list is one", "stats: {matcher: {inclusionList: []}}", "deployment: {replicas: 1}",
       "stats: {matcher: {inclusionList: []}}, deployment: {replicas: 1}"},
      {"ranges are replaced", "service: {loadBalancerSourceRanges: [10.0.0.0/8]}",
       "service: {loadBalancerSourceRanges: [192.0.2.0/24]}",
       "service: {loadBalancerSourceRanges: [192.0.2.0/24]}"},
      {"probes are replaced", "podTemplate: {livenessProbe: {exec: {}}}",
       "podTemplate: {livenessProbe: {grpc: {}}}", "podTemplate: {livenessProbe: {grpc: {}}}"},
      {"a strategy is replaced", "deployment: {strategy: {rollingUpdate: {}}}",
       "deployment: {strategy: {type: Recreate}}", "deployment: {strategy: {type: Recreate}}"},
      {"a log format is replaced", "envoyContainer: {bootstrap: {logFormat: {text: a}}}",
       "envoyContainer: {bootstrap: {logFormat: {json: {b: c}}}}",
       "envoyContainer: {bootstrap: {logFormat: {json: {b: c}}}}"},
      {"a tag discards a digest", "envoyContainer: {image: {repository: r, digest: d}}",
       "envoyContainer: {image: {tag: t}}", "envoyContainer: {image: {repository: r, tag: t}}"},
      {"a digest discards a tag", "envoyContainer: {image: {tag: t}}",
       "envoyContainer: {image: {digest: d}}", "envoyContainer: {image: {digest: d}}"},
      {"overlays are not merged", "deploymentOverlay: {spec: {a: 1}}, podDisruptionBudget: {}",
       "serviceOverlay: {spec: {}}", ""}};
  for (const Case& c : cases) {
    const auto of_class = parameters("kube: {" + c.of_class + "}");
    const auto own = parameters("kube: {" + c.own + "}");
    const auto merged = merge_parameters(&of_class, &own);
    ASSERT_TRUE(merged) << c.what << ": " << merged.error();
    EXPECT_EQ(spec_of(*merged), spec_of(parameters("kube: {" + c.merged + "}"))) << c.what;
    EXPECT_EQ(spec_of(*merge_parameters(&own, nullptr)), spec_of(*merge_parameters(nullptr, &own)));
  }
}

TEST(MergeParameters, SelfManagedIsAllOrNothing) {
  const auto managed = parameters("kube: {deployment: {replicas: 1}}");
  const auto self = parameters("selfManaged: {}");
  EXPECT_FALSE(merge_parameters(&managed, &self)->kube);
  EXPECT_TRUE(merge_parameters(&self, &managed)->kube);
  EXPECT_TRUE(merge_parameters(nullptr, nullptr)->kube);
  EXPECT_FALSE(merge_parameters(&self, nullptr)->kube);
}

TEST(MergeParameters, SaysWhatIsTooMuchTogether) {
  std::string many;
  for (int i = 0; i < 20; ++i) many += "--x,";
  const auto p = parameters("kube: {envoyContainer: {extraArgs: [" + many + "]}}");
  const auto merged = merge_parameters(&p, &p);
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error(), HasSubstr("spec.kube.envoyContainer.extraArgs"));
}

TEST(IneffectiveFields, AreTold) {
  const auto told = [](const std::string& kube, bool istio_auto_mtls = false) {
    std::vector<std::string> fields;
    for (const Diagnostic& d :
         ineffective_fields(parameters("kube: {" + kube + "}"), istio_auto_mtls)) {
      EXPECT_EQ(d.severity, Severity::kWarning);
      fields.push_back(d.field);
    }
    return fields;
  };
  EXPECT_THAT(told("stats: {matcher: {inclusionList: []}}"),
              ElementsAre("spec.kube.stats.matcher"));
  EXPECT_THAT(told("sdsContainer: {}, istio: {istioProxyContainer: {}, customSidecars: [{}]}"),
              ElementsAre("spec.kube.sdsContainer", "spec.kube.istio.istioProxyContainer",
                          "spec.kube.istio.customSidecars"));
  EXPECT_THAT(
      told("sdsContainer: {}, istio: {istioProxyContainer: {}, customSidecars: [{}]}", true),
      ElementsAre("spec.kube.sdsContainer", "spec.kube.istio.customSidecars"));
  EXPECT_THAT(told("serviceAccountOverlay: {spec: {a: 1}}"),
              ElementsAre("spec.kube.serviceAccountOverlay.spec"));
  EXPECT_THAT(told("deployment: {replicas: 2}, horizontalPodAutoscaler: {}"),
              ElementsAre("spec.kube.deployment.replicas"));
  EXPECT_THAT(told("deployment: {replicas: 2}, istio: {}"), ElementsAre());
}

}  // namespace
}  // namespace kgw::deploy::kube
