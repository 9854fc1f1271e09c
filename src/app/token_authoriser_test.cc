#include "app/token_authoriser.h"

#include <gtest/gtest.h>

#include <map>

namespace kgw::app {
namespace {

// Knows one token per ServiceAccount.
void review(const std::string& token,
            const std::function<void(std::expected<std::string, std::string>)>& answer) {
  static const std::map<std::string, std::string> kUsers = {
      {"t1", "system:serviceaccount:ns:gw"},
      {"t2", "system:serviceaccount:ns:other"},
      {"t3", "system:serviceaccount:elsewhere:gw"},
      {"t4", "gw"}};
  const auto found = kUsers.find(token);
  if (found == kUsers.end()) return answer(std::unexpected("token is expired"));
  answer(found->second);
}

xds::Verdict decide(const std::string& token, const std::string& role) {
  const auto authorise =
      token_authoriser(review, [](const ObjectKey& gateway) { return gateway.name.str(); });
  xds::Verdict verdict = std::unexpected("never answered");
  xds::Node node;
  node.role = role;
  authorise({.address = "ipv4:10.0.0.1:1", .bearer_token = token, .identities = {}}, node,
            [&](xds::Verdict given) { verdict = std::move(given); });
  return verdict;
}

TEST(TokenAuthoriserTest, AGatewaysOwnAccountGetsItsResources) {
  const auto verdict = decide("t1", "kgateway-kube-gateway-api~ns~gw");
  ASSERT_TRUE(verdict) << verdict.error();
  EXPECT_EQ(*verdict, (ObjectKey{"ns", "gw"}));
}

TEST(TokenAuthoriserTest, OthersGetNothingAndHearWhy) {
  const char* role = "kgateway-kube-gateway-api~ns~gw";
  EXPECT_EQ(decide("t2", role).error(),
            "system:serviceaccount:ns:other may not serve Gateway ns/gw; its proxies are "
            "system:serviceaccount:ns:gw");
  EXPECT_FALSE(decide("t3", role));
  EXPECT_FALSE(decide("t4", role));
  EXPECT_EQ(decide("forged", role).error(), "the API server refuses the token: token is expired");
  EXPECT_FALSE(decide("", role));
  EXPECT_FALSE(decide("t1", "kgateway-kube-gateway-api~ns~another"));
  EXPECT_FALSE(decide("t1", "nonsense"));
}

TEST(TokenAuthoriserTest, WhoIsRefusedIsReported) {
  std::vector<std::string> refused;
  const auto authorise = reporting(
      token_authoriser(review, [](const ObjectKey& gateway) { return gateway.name.str(); }),
      [&](const ObjectKey& gateway, const std::string& why) {
        refused.push_back(to_string(gateway) + ": " + why);
      });
  int answers = 0;
  const auto ask = [&](const char* token, const char* role) {
    xds::Node node;
    node.role = role;
    authorise({.address = "", .bearer_token = token, .identities = {}}, node,
              [&](const xds::Verdict&) { ++answers; });
  };
  ask("t1", "kgateway-kube-gateway-api~ns~gw");
  ask("t1", "nonsense");
  ask("forged", "kgateway-kube-gateway-api~ns~gw");
  EXPECT_EQ(answers, 3);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0], "ns/gw: the API server refuses the token: token is expired");
}

TEST(TokenAdmissionTest, WhoHasAValidTokenMaySpeak) {
  const auto admit = [](const std::string& token) {
    std::string refusal = "never answered";
    token_admission(review)({.address = "", .bearer_token = token, .identities = {}},
                            [&](std::expected<void, std::string> admitted) {
                              refusal = admitted ? "" : admitted.error();
                            });
    return refusal;
  };
  EXPECT_EQ(admit("t2"), "");
  EXPECT_EQ(admit("forged"), "the API server refuses the token: token is expired");
  EXPECT_TRUE(admit("").starts_with("no ServiceAccount token")) << admit("");
}

// The claims are {"sub":"system:serviceaccount:shop:edge"}.
TEST(TokenAdmissionTest, WhoIsRefusedIsReportedByItsAccount) {
  const std::string token = "e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcDplZGdlIn0.x";
  std::vector<std::string> refused;
  const auto admit =
      reporting(token_admission(review), [&](const ObjectKey& account, const std::string& why) {
        refused.push_back(to_string(account) + ": " + why);
      });
  bool admitted = true;
  const auto ask = [&](const std::string& text) {
    admit({.address = "", .bearer_token = text, .identities = {}},
          [&](const std::expected<void, std::string>& answer) { admitted = answer.has_value(); });
  };
  ask(token);
  EXPECT_FALSE(admitted);
  ask("t1");
  EXPECT_TRUE(admitted);
  ask("forged");
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_TRUE(refused[0].starts_with("shop/edge: the API server refuses the token")) << refused[0];
}

TEST(TokenAdmissionTest, OddTokensNameNobody) {
  for (const char* token : {"", ".", "..", "a.b", "a.!.c", "a.e30.c", "a.W10.c", "a.eyJzdWIiOjV9.c",
                            "a.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcCJ9.c"}) {
    EXPECT_EQ(claimed_account(token), std::nullopt) << token;
  }
}

TEST(ReviewedUserTest, AnyAnswerIsAUserOrAReason) {
  const auto user = [](const char* review) { return reviewed_user(review, "kgateway"); };
  EXPECT_EQ(*user(R"({"status": {"authenticated": true, "audiences": ["kgateway"],
                      "user": {"username": "system:serviceaccount:ns:gw"}}})"),
            "system:serviceaccount:ns:gw");
  EXPECT_EQ(user(R"({"status": {"authenticated": true, "audiences": ["other"]}})").error(),
            "it is for another audience");
  EXPECT_EQ(user(R"({"status": {"error": "expired"}})").error(), "expired");
  for (const char* odd :
       {"", "[]", "5", "{\"status\": 5}", "{\"status\": {\"authenticated\": \"yes\"}}",
        "{\"status\": {\"authenticated\": true, \"audiences\": 5}}",
        "{\"status\": {\"error\": 5}}"}) {
    EXPECT_FALSE(user(odd)) << odd;
  }
  EXPECT_EQ(*user(R"({"status": {"authenticated": true, "audiences": ["kgateway"], "user": 5}})"),
            "");
}

std::string refusal(const ReplicaCheck& check, const std::string& token) {
  std::string refusal = "never answered";
  check(token, [&](std::expected<void, std::string> allowed) {
    refusal = allowed ? "" : allowed.error();
  });
  return refusal;
}

TEST(ReplicaCheckTest, WhoHasTheAccountOfThisReplicaIsOne) {
  const auto check = replica_check(review, [] { return std::string("t1"); });
  EXPECT_EQ(refusal(check, "t1"), "");
  EXPECT_EQ(refusal(check, "t3"),
            "system:serviceaccount:elsewhere:gw is no replica of this controller, which is "
            "system:serviceaccount:ns:gw");
  EXPECT_EQ(refusal(check, "forged"), "the API server refuses the token: token is expired");
  EXPECT_EQ(refusal(check, ""), "no ServiceAccount token");
}

TEST(ReplicaCheckTest, TheOwnTokenIsReadUntilItIsValid) {
  std::string own;
  int reads = 0;
  const auto check = replica_check(review, [&] {
    ++reads;
    return own;
  });
  EXPECT_EQ(refusal(check, "t1"), "who the controller is could not be found out: token is expired");
  own = "t1";
  EXPECT_EQ(refusal(check, "t1"), "");
  own = "";
  EXPECT_EQ(refusal(check, "t1"), "");
  EXPECT_EQ(reads, 2);
}

}  // namespace
}  // namespace kgw::app
