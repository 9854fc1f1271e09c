#include "app/proxy_accounts.h"

#include <gtest/gtest.h>

namespace kgw::app {
namespace {

TEST(ProxyAccountsTest, AreNamedAsTheGatewayUnlessItsParametersSayOtherwise) {
  const ObjectKey gateway{"shop", "edge"};
  ProxyAccounts accounts;
  EXPECT_EQ(accounts.of(gateway), "edge");
  accounts.set(gateway, "other");
  EXPECT_EQ(accounts.of(gateway), "other");
  EXPECT_EQ(accounts.of({"elsewhere", "edge"}), "edge");
  accounts.set(gateway, "edge");
  EXPECT_EQ(accounts.of(gateway), "edge");
  accounts.set(gateway, "other");
  accounts.set(gateway, "");
  EXPECT_EQ(accounts.of(gateway), "edge");
}

}  // namespace
}  // namespace kgw::app
