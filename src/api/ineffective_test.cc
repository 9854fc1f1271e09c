#include "api/ineffective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/registry.h"

namespace kgw {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The warnings as lines, of an object that is decoded as from a file.
std::vector<std::string> warnings(const std::string& kind, const std::string& metadata,
                                  bool weighted = false) {
  const std::string api =
      kind == "Service" || kind == "Namespace" ? "v1" : "gateway.networking.k8s.io/v1";
  const std::string spec =
      kind == "Gateway" ? "{gatewayClassName: c, listeners: [{name: l, port: 80, protocol: HTTP}]}"
                        : "{}";
  std::vector<std::string> lines;
  for (const Decoded& decoded :
       decode_text("apiVersion: " + api + "\nkind: " + kind + "\nmetadata: {name: x, " + metadata +
                       "}\nspec: " + spec + "\n",
                   "", DecodeMode::kStrict)) {
    EXPECT_NE(decoded.object, nullptr);
    if (decoded.object == nullptr) continue;
    for (const Diagnostic& d : ineffective_metadata(*decoded.object, weighted)) {
      EXPECT_EQ(d.severity, Severity::kWarning);
      lines.push_back(d.field + ": " + d.message);
    }
  }
  return lines;
}

TEST(IneffectiveMetadata, WhatIsFollowedOrBelongsToOthersIsNotReported) {
  EXPECT_THAT(warnings("Gateway", "annotations: {kgateway.dev/route-sharding: Auto, a.dev/b: c}"),
              IsEmpty());
  EXPECT_THAT(warnings("HTTPRoute",
                       "annotations: {kgateway.dev/http-redirect-status-code: '301', "
                       "kgateway.dev/route-weight: '1'}, labels: {app: x}",
                       true),
              IsEmpty());
  EXPECT_THAT(warnings("Service", "annotations: {kgateway.dev/disable-istio-auto-mtls: 'true'}"),
              IsEmpty());
  EXPECT_THAT(warnings("Namespace", "labels: {kgateway.dev/team: a}"), IsEmpty());
}

TEST(IneffectiveMetadata, WhatIsNotFollowedIsReportedWithItsKey) {
  EXPECT_THAT(
      warnings("Gateway",
               "annotations: {kgateway.dev/route-shardin: Auto, "
               "kgateway.dev/http-redirect-status-code: '301', kgateway.dev/policy-weight: '1'}"),
      ElementsAre("metadata.annotations[kgateway.dev/http-redirect-status-code]: this annotation "
                  "has no effect on a Gateway",
                  "metadata.annotations[kgateway.dev/policy-weight]: this annotation is not "
                  "supported by this version of kgateway and has no effect",
                  "metadata.annotations[kgateway.dev/route-shardin]: kgateway knows no such "
                  "annotation, and it has no effect; did you mean kgateway.dev/route-sharding?"));
  EXPECT_THAT(
      warnings("HTTPRoute",
               "annotations: {kgateway.dev/route-weight: '1'}, "
               "labels: {delegation.kgateway.dev/label: a, gateway.kgateway.dev/zzzzzzzz: b}"),
      ElementsAre("metadata.annotations[kgateway.dev/route-weight]: it has no effect without "
                  "--weighted-routes or KGW_WEIGHTED_ROUTE_PRECEDENCE=true",
                  "metadata.labels[delegation.kgateway.dev/label]: this label is not supported by "
                  "this version of kgateway and has no effect",
                  "metadata.labels[gateway.kgateway.dev/zzzzzzzz]: kgateway knows no such label, "
                  "and it has no effect"));
}

}  // namespace
}  // namespace kgw
