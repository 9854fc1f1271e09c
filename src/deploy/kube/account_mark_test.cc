#include "deploy/kube/account_mark.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

Json account(const char* uid, const char* created = "2026-01-02T03:04:05Z") {
  return {{"metadata", {{"uid", uid}, {"creationTimestamp", created}}}};
}

// As rendered.
Json deployment(const char* account_name = "edge") {
  return {{"metadata", {{"name", "edge"}, {"annotations", {{"own", "x"}}}}},
          {"spec",
           {{"template",
             {{"metadata", {{"annotations", {{"kgateway.dev/config-hash", "h"}}}}},
              {"spec", {{"serviceAccountName", account_name}}}}}}}};
}

std::string mark_of(const Json& object) {
  return object["metadata"]["annotations"].value(kAccountUid, "");
}
std::string pods_mark(const Json& object) { return mark_of(object["spec"]["template"]); }

// The Deployment as the API server has it after it was applied.
Json applied(const Json& live, const Json& account) {
  Json next = deployment();
  mark_account(next, live, account);
  next["metadata"]["creationTimestamp"] = "2026-01-02T03:04:06Z";
  return next;
}

TEST(AccountMark, ANewDeploymentCarriesTheUidAndItsPodsDoNot) {
  const Json live = applied(nullptr, account("a"));
  EXPECT_EQ(mark_of(live), "a");
  EXPECT_EQ(pods_mark(live), "");
  EXPECT_EQ(applied(live, account("a")), live);
}

TEST(AccountMark, AnotherAccountRollsThePodsOnce) {
  Json live = applied(nullptr, account("a"));
  Json next = deployment();
  EXPECT_TRUE(mark_account(next, live, account("b")));
  EXPECT_FALSE(mark_account(next, live, account("b"))) << "until it is applied";
  live = applied(live, account("b"));
  EXPECT_EQ(mark_of(live), "b");
  EXPECT_EQ(pods_mark(live), "b");
  EXPECT_EQ(applied(live, account("b")), live) << "a restart of the controller rolls nothing";
  live = applied(live, account("c"));
  EXPECT_EQ(pods_mark(live), "c");
}

TEST(AccountMark, WhileTheAccountIsGoneNothingChanges) {
  Json live = applied(applied(nullptr, account("a")), account("b"));
  EXPECT_EQ(applied(live, nullptr), live);
}

TEST(AccountMark, ADeploymentWithoutAMarkIsRolledOnlyForAYoungerAccount) {
  Json live = deployment();
  live["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z";
  EXPECT_EQ(pods_mark(applied(live, account("a", "2026-01-02T03:04:04Z"))), "");
  EXPECT_EQ(pods_mark(applied(live, account("a", "2026-01-02T03:04:09Z"))), "")
      << "made together with it";
  EXPECT_EQ(pods_mark(applied(live, account("a", "2026-01-03T03:04:05Z"))), "a");
  EXPECT_EQ(pods_mark(applied(live, account("a", "nonsense"))), "");
}

TEST(AccountMark, PodsWithAnotherAccountAreLeftAlone) {
  Json own = deployment("another");
  EXPECT_FALSE(mark_account(own, nullptr, account("a")));
  EXPECT_EQ(own, deployment("another"));
}

}  // namespace
}  // namespace kgw::deploy::kube
