#include "xds/authorise.h"

#include <gtest/gtest.h>

namespace kgw::xds {
namespace {

TEST(GroupOfTest, RoleNamesTheGateway) {
  EXPECT_EQ(group_of({"", "x.y", "kgateway-kube-gateway-api~ns~gw"}), (ObjectKey{"ns", "gw"}));
}

TEST(GroupOfTest, MalformedRoleIsNotReplacedByTheCluster) {
  for (const char* role : {"kgateway-kube-gateway-api~ns", "kgateway-kube-gateway-api~~gw",
                           "kgateway-kube-gateway-api~ns~", "kgateway-kube-gateway-api~a~b~c"}) {
    EXPECT_FALSE(group_of({"", "gw.ns", role})) << role;
  }
}

TEST(GroupOfTest, ClusterNamesTheGatewayElse) {
  EXPECT_EQ(group_of({"", "gw.ns", ""}), (ObjectKey{"ns", "gw"}));
  EXPECT_EQ(group_of({"", "my.gw.ns", ""}), (ObjectKey{"ns", "my.gw"}));
  for (const char* cluster : {"", "gw", ".ns", "gw."}) {
    EXPECT_FALSE(group_of({"", cluster, ""})) << cluster;
  }
}

}  // namespace
}  // namespace kgw::xds
