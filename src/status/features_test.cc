#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "status/gateway_status.h"

namespace kgw::status {
namespace {

using testing::Contains;
using testing::Each;
using testing::Not;
using testing::StartsWith;

TEST(Features, AreSortedWhereverWeRun) {
  for (const bool deploys : {false, true}) {
    const auto features = supported_features({.deploys = deploys, .missing_kinds = {}});
    EXPECT_TRUE(std::ranges::is_sorted(features));
  }
}

TEST(Features, ThoseOfAServiceNeedOne) {
  EXPECT_THAT(supported_features({}), Not(Contains("GatewayStaticAddresses")));
  EXPECT_THAT(supported_features({.deploys = true, .missing_kinds = {}}),
              Contains("GatewayStaticAddresses"));
}

TEST(Features, ThoseOfAKindNeedItsCrd) {
  const auto features =
      supported_features({.deploys = true, .missing_kinds = {Kind::kTlsRoute, Kind::kListenerSet}});
  EXPECT_THAT(features, Each(Not(StartsWith("TLSRoute"))));
  EXPECT_THAT(features, Not(Contains("ListenerSet")));
  EXPECT_THAT(features, Contains("TCPRoute"));
}

TEST(Features, AClassSaysWhichKindsAreMissing) {
  const Platform platform{.deploys = true, .missing_kinds = {Kind::kTlsRoute}};
  GatewayClass gateway_class;
  EXPECT_THAT(gateway_class_status(gateway_class, &platform, {}).conditions[0].message,
              testing::HasSubstr("does not serve their CRDs: TLSRoute."));
}

}  // namespace
}  // namespace kgw::status
