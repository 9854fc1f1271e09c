#include "status/replica_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::status {
namespace {

using envoy::ResourceKey;
using envoy::ResourceType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = ReportedResource::State;

const ObjectKey kGateway{"ns", "gw"};
const ResourceKey kListener{ResourceType::kListener, "listener~80"};
const ResourceKey kTable{ResourceType::kRoute, "listener~80"};
const ResourceKey kCluster{ResourceType::kCluster, "c"};

TEST(ReplicaReport, IsReadAsItWasWritten) {
  GatewayReport report{.proxies = 7, .resources = {}, .held = {}};
  report.resources[kListener] = {State::kAccepted, {0x00ff}, {}};
  report.resources[kTable] = {};
  report.resources[kCluster] = {State::kRefused, {~0ull}, "no such thing"};
  report.held[kTable] = {{"a/drop", "a bad one"}, {"b", "a worse one"}};
  const auto read = decode_report(encode_report(kGateway, report));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->gateway, kGateway);
  EXPECT_EQ(read->report, report);
  EXPECT_THAT(read->unknown, IsEmpty());
  EXPECT_EQ(decode_report(encode_report(kGateway, {}))->report, GatewayReport());
}

// A replica of an earlier version passes on what Envoy said.
TEST(ReplicaReport, ReasonsLoseTheirValues) {
  GatewayReport report{.proxies = 1, .resources = {}, .held = {}};
  report.resources[kCluster] = {State::kRefused, {1}, "malformed IP address: SECRET"};
  report.held[kTable] = {{"a", "missing ): (SECRET"}};
  const auto read = decode_report(encode_report(kGateway, report));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->report.resources.at(kCluster).message, "malformed IP address");
  EXPECT_EQ(read->report.held.at(kTable).at("a"), "missing )");
}

TEST(ReplicaReport, WordsNeedNotBeText) {
  GatewayReport report{.proxies = 1, .resources = {}, .held = {}};
  report.resources[kListener] = {State::kRefused, {1}, "\xff"};
  EXPECT_TRUE(decode_report(encode_report(kGateway, report)));
}

TEST(ReplicaReport, WhatIsNotKnownIsNamedAndLeftOut) {
  const auto read =
      decode_report(R"({"gateway": {"namespace": "ns", "name": "gw"}, "proxies": 1, "mood": 3})");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->report.proxies, 1u);
  EXPECT_THAT(read->unknown, ElementsAre("mood"));
}

TEST(ReplicaReport, WhatIsWrongIsNamed) {
  const auto problem = [](const std::string& fields) {
    const auto read =
        decode_report(R"({"gateway": {"namespace": "ns", "name": "gw"})" + fields + "}");
    return read ? "none" : read.error();
  };
  EXPECT_EQ(problem(""), "none");
  EXPECT_THAT(problem("x"), HasSubstr("no JSON object"));
  EXPECT_THAT(decode_report("{}").error(), HasSubstr("names no Gateway"));
  EXPECT_THAT(decode_report("[]").error(), HasSubstr("no JSON object"));
  EXPECT_THAT(decode_report(R"({"gateway": 1})").error(), HasSubstr("at()"));
  EXPECT_THAT(problem(R"(, "proxies": -1)"), HasSubstr("-1 is no number of proxies"));
  EXPECT_THAT(problem(R"(, "proxies": 99999999999)"), HasSubstr("is no number of proxies"));
  EXPECT_THAT(problem(R"(, "accepted": {"Thing": {}})"), HasSubstr("\"Thing\" is no type"));
  EXPECT_THAT(problem(R"(, "accepted": {"Listener": {"a": "zz"}})"),
              HasSubstr("\"zz\" is no version"));
  EXPECT_THAT(problem(R"(, "accepted": {"Listener": {"a": 1}})"), HasSubstr("\"1\" is no version"));
  EXPECT_THAT(problem(R"(, "accepted": [1])"), HasSubstr("object by type"));
  EXPECT_THAT(problem(R"(, "pending": {"Listener": []})"), HasSubstr("object by name"));
  EXPECT_THAT(problem(R"(, "refused": {"Listener": {"a": {}}})"), HasSubstr("version"));
  EXPECT_THAT(problem(R"(, "held": {"Listener": {"a": {"b": 1}}})"), HasSubstr("string"));
}

}  // namespace
}  // namespace kgw::status
