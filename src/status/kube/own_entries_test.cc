#include "status/kube/own_entries.h"

#include <gtest/gtest.h>

namespace kgw::status {
namespace {

using nlohmann::json;

constexpr std::int64_t kNow = 1'000'000'000;  // 2001-09-09T01:46:40Z

json condition(const char* type, const char* status, const char* time = nullptr) {
  json value = {{"type", type}, {"status", status}, {"reason", "R"}, {"message", "m"}};
  if (time != nullptr) value["lastTransitionTime"] = time;
  return value;
}

json parent(const char* controller, const char* gateway, json conditions) {
  return {{"parentRef",
           {{"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", gateway}}},
          {"controllerName", controller},
          {"conditions", std::move(conditions)}};
}

TEST(OwnEntriesTest, ParentsOfOthersAreKeptAsTheyAre) {
  const json foreign =
      parent("example.com/other", "gw", json::array({condition("Accepted", "False", "old")}));
  const json current = {
      {"parents", json::array({foreign, parent("kgateway.dev/kgateway", "gone", json::array())})}};
  const json own = {
      {"parents", json::array({parent("kgateway.dev/kgateway", "gw",
                                      json::array({condition("Accepted", "True")}))})}};
  const json merged = with_own_entries(Kind::kHttpRoute, current, &own, kNow);
  ASSERT_EQ(merged["parents"].size(), 2u);
  EXPECT_EQ(merged["parents"][0], foreign);
  EXPECT_EQ(merged["parents"][1]["parentRef"]["name"], "gw");
  EXPECT_EQ(merged["parents"][1]["conditions"][0]["lastTransitionTime"], "2001-09-09T01:46:40Z");
}

TEST(OwnEntriesTest, NothingWantedRemovesOnlyOurEntries) {
  const json foreign = parent("example.com/other", "gw", json::array());
  const json current = {
      {"parents", json::array({parent("kgateway.dev/kgateway", "gw", json::array()), foreign})}};
  const json merged = with_own_entries(Kind::kTcpRoute, current, nullptr, kNow);
  EXPECT_EQ(merged["parents"], json::array({foreign}));
  EXPECT_EQ(own_digest(Kind::kTcpRoute, merged), 0u);
}

TEST(OwnEntriesTest, TimesStayUntilAConditionFlips) {
  const json current = {{"conditions", json::array({condition("Accepted", "True", "t1"),
                                                    condition("Programmed", "False", "t2")})}};
  const json own = {{"conditions", json::array({condition("Accepted", "True"),
                                                condition("Programmed", "True")})}};
  const json merged = with_own_entries(Kind::kGateway, current, &own, kNow);
  EXPECT_EQ(merged["conditions"][0]["lastTransitionTime"], "t1");
  EXPECT_EQ(merged["conditions"][1]["lastTransitionTime"], "2001-09-09T01:46:40Z");
}

TEST(OwnEntriesTest, TheTimeOfAConditionThatNobodyHasJudgedIsNotKept) {
  const json current = {
      {"conditions", json::array({condition("Programmed", "Unknown", "1970-01-01T00:00:00Z")})}};
  const json own = {{"conditions", json::array({condition("Programmed", "Unknown")})}};
  const json merged = with_own_entries(Kind::kGateway, current, &own, kNow);
  EXPECT_EQ(merged["conditions"][0]["lastTransitionTime"], "2001-09-09T01:46:40Z");
}

TEST(OwnEntriesTest, ForeignConditionsOfAGatewayAndItsListenersStay) {
  const json mesh = condition("example.com/Meshed", "True", "t");
  const json current = {
      {"conditions", json::array({mesh, condition("ResolvedRefs", "False", "t")})},
      {"listeners", json::array({{{"name", "a"}, {"conditions", json::array({mesh})}},
                                 {{"name", "gone"}, {"conditions", json::array()}}})}};
  const json own = {
      {"conditions", json::array({condition("Accepted", "True")})},
      {"listeners", json::array({{{"name", "a"},
                                  {"conditions", json::array({condition("Accepted", "True")})}}})},
      {"addresses", json::array({"x"})}};
  const json merged = with_own_entries(Kind::kGateway, current, &own, kNow);
  ASSERT_EQ(merged["conditions"].size(), 2u) << merged;
  EXPECT_EQ(merged["conditions"][0], mesh);
  EXPECT_EQ(merged["conditions"][1]["type"], "Accepted");
  ASSERT_EQ(merged["listeners"].size(), 1u);
  EXPECT_EQ(merged["listeners"][0]["conditions"][0], mesh);
  EXPECT_EQ(merged["addresses"], json::array({"x"}));
}

TEST(OwnEntriesTest, TheDigestSeesContentAndNeitherTimesNorOrderNorOthers) {
  const json a = parent(
      "kgateway.dev/kgateway", "a",
      json::array({condition("Accepted", "True", "t1"), condition("ResolvedRefs", "True", "t1")}));
  const json b = parent("kgateway.dev/kgateway", "b", json::array());
  json a_later = a;
  std::swap(a_later["conditions"][0], a_later["conditions"][1]);
  a_later["conditions"][0]["lastTransitionTime"] = "t9";
  const json foreign = parent("example.com/other", "gw", json::array());
  const auto digest = [](json parents) {
    return own_digest(Kind::kHttpRoute, {{"parents", std::move(parents)}});
  };
  EXPECT_EQ(digest(json::array({a, b})), digest(json::array({foreign, b, a_later})));
  EXPECT_NE(digest(json::array({a, b})), digest(json::array({a})));
  EXPECT_EQ(digest(json::array({foreign})), 0u);
  EXPECT_EQ(own_digest(Kind::kHttpRoute, nullptr), 0u);
}

TEST(OwnEntriesTest, TheDigestOfWhatIsWrittenIsThatOfWhatIsWanted) {
  const json own = {
      {"parents", json::array({parent("kgateway.dev/kgateway", "gw",
                                      json::array({condition("Accepted", "True")}))})}};
  const json current = {
      {"parents", json::array({parent("example.com/other", "gw", json::array())})}};
  EXPECT_EQ(own_digest(Kind::kHttpRoute, with_own_entries(Kind::kHttpRoute, current, &own, kNow)),
            own_digest(Kind::kHttpRoute, own));
}

TEST(OwnEntriesTest, RubbishInTheCurrentStatusIsReplaced) {
  const json own = {
      {"parents", json::array({parent("kgateway.dev/kgateway", "gw",
                                      json::array({condition("Accepted", "True")}))})}};
  for (const json& current :
       {json(7), json("x"), json{{"parents", 3}}, json{{"parents", json::array({1, "y"})}}}) {
    const json merged = with_own_entries(Kind::kHttpRoute, current, &own, kNow);
    EXPECT_EQ(merged["parents"].back()["parentRef"]["name"], "gw") << current;
    own_digest(Kind::kHttpRoute, current);
    own_digest(Kind::kGateway, current);
  }
}

}  // namespace
}  // namespace kgw::status
