#include "app/held_gateways.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/registry.h"

namespace kgw::app {
namespace {

using source::Absence;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const ObjectKey kGateway{"ns", "gw"};

source::ObjectEvent event(const std::string& manifest) {
  auto decoded = decode_text(manifest, "", DecodeMode::kStrict).at(0);
  EXPECT_NE(decoded.object, nullptr) << manifest;
  return {decoded.ref, decoded.object};
}

source::ObjectEvent gateway_class(const std::string& name,
                                  const std::string& controller = "kgateway.dev/kgateway") {
  return event("{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: " +
               name + "}, spec: {controllerName: " + controller + "}}");
}

source::ObjectEvent gateway(const std::string& class_name, int generation = 1) {
  return event("{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw, " +
               ("namespace: ns, generation: " + std::to_string(generation)) +
               "}, spec: {gatewayClassName: " + class_name +
               ", listeners: [{name: http, port: 80, protocol: HTTP}]}}");
}

source::ObjectEvent gone(const source::ObjectEvent& event, Absence why = Absence::kDeleted) {
  return {event.ref, nullptr, why};
}

class Held : public ::testing::Test {
 protected:
  // What the tables hear: "Gateway ns/gw of a" with its generation, "-GatewayClass a".
  std::vector<std::string> amend(std::vector<source::ObjectEvent> events) {
    std::vector<std::string> out;
    for (const auto& e : held_.amend(std::move(events))) {
      const auto* gateway = e.ref.kind == Kind::kGateway && e.object != nullptr
                                ? static_cast<const Gateway*>(e.object.get())
                                : nullptr;
      out.push_back((e.object == nullptr ? "-" : "") + to_string(e.ref) +
                    (gateway == nullptr ? ""
                                        : " of " + gateway->gateway_class_name + " " +
                                              std::to_string(gateway->metadata.generation)));
    }
    return out;
  }

  std::string why_;  // of the only Gateway; empty: it is not held
  std::int64_t generation_ = 0;
  HeldGateways held_ = holder(false);

  HeldGateways holder(bool others_accept) {
    const auto report = [this](const ObjectKey& key, const status::Hold* hold) {
      EXPECT_EQ(key, kGateway);
      why_ = hold == nullptr ? "" : hold->message;
      generation_ = hold == nullptr ? 0 : hold->generation;
    };
    return HeldGateways(report, others_accept);
  }
};

class HeldBesideOthers : public Held {
 protected:
  HeldBesideOthers() { held_ = holder(true); }

  void accept(const std::string& name, const std::string& status) {
    held_.note({{Kind::kGatewayClass, {{}, name}},
                "1",
                "{\"conditions\": [{\"type\": \"Accepted\", \"status\": \"" + status + "\"}]}"});
  }
};

TEST_F(HeldBesideOthers, AClassEndsAGatewayWhenItsControllerHasAcceptedIt) {
  amend({gateway("a"), gateway_class("a"), gateway_class("x", "example.com/other")});
  EXPECT_THAT(amend({gateway("x", 2)}), IsEmpty());
  EXPECT_THAT(why_,
              HasSubstr("Controller \"example.com/other\" of GatewayClass \"x\" has not accep"));
  accept("x", "Unknown");
  EXPECT_THAT(amend({}), IsEmpty());
  accept("x", "True");
  EXPECT_THAT(amend({}), UnorderedElementsAre("GatewayClass x", "Gateway ns/gw of x 2"));
  EXPECT_EQ(why_, "");
}

TEST_F(HeldBesideOthers, AClassThatChangesHandsIsInForceUntilItIsAccepted) {
  amend({gateway("a"), gateway_class("a")});
  EXPECT_THAT(amend({gone(gateway_class("a"))}), IsEmpty());
  EXPECT_THAT(amend({gateway_class("a", "example.com/other")}), IsEmpty());
  EXPECT_THAT(why_, HasSubstr("has not accepted it"));
  accept("a", "True");
  EXPECT_THAT(amend({}), ElementsAre("GatewayClass a"));
  EXPECT_EQ(why_, "");
}

TEST_F(HeldBesideOthers, OddStatusesAcceptNothing) {
  for (const char* json : {"", "5", "{", "{\"conditions\": 5}", "{\"conditions\": [5]}",
                           "{\"conditions\": [{\"type\": 5, \"status\": []}]}"}) {
    held_.note({{Kind::kGatewayClass, {{}, "a"}}, "1", json});
  }
  amend({gateway("a"), gateway_class("a")});
  EXPECT_THAT(amend({gone(gateway_class("a")), gateway_class("a", "example.com/other")}),
              IsEmpty());
}

TEST_F(Held, ObjectsOfAKindThatIsNotServedStay) {
  const auto route = event(
      "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, "
      "metadata: {name: r, namespace: ns}, spec: {}}");
  EXPECT_THAT(amend({route}), ElementsAre("HTTPRoute ns/r"));
  EXPECT_THAT(amend({gone(route, Absence::kUnserved)}), IsEmpty());
  EXPECT_THAT(amend({gone(route)}), ElementsAre("-HTTPRoute ns/r"));
}

TEST_F(Held, ADeletedClassStaysInForce) {
  EXPECT_THAT(amend({gateway("a"), gateway_class("a")}),
              UnorderedElementsAre("GatewayClass a", "Gateway ns/gw of a 1"));
  EXPECT_THAT(amend({gone(gateway_class("a"))}), IsEmpty());
  EXPECT_FALSE(held_.class_exists("a"));
  EXPECT_THAT(why_, HasSubstr("GatewayClass \"a\" does not exist"));
  // What is changed meanwhile cannot be judged.
  EXPECT_THAT(amend({gateway("a", 2)}), IsEmpty());
  EXPECT_EQ(generation_, 2);
  EXPECT_THAT(amend({gateway_class("a")}), ElementsAre("GatewayClass a", "Gateway ns/gw of a 2"));
  EXPECT_EQ(why_, "");
}

TEST_F(Held, AClassThatNobodyNeedsGoes) {
  amend({gateway("a"), gateway_class("a"), gateway_class("b")});
  EXPECT_THAT(amend({gone(gateway_class("b"))}), ElementsAre("-GatewayClass b"));
  amend({gone(gateway_class("a"))});
  EXPECT_THAT(amend({gone(gateway("a"))}),
              UnorderedElementsAre("-Gateway ns/gw", "-GatewayClass a"));
  EXPECT_EQ(why_, "");
  EXPECT_THAT(held_.take_ended(), IsEmpty()) << "the tables say so";
}

TEST_F(Held, AMisspeltClassChangesNothing) {
  amend({gateway("a"), gateway_class("a")});
  EXPECT_THAT(amend({gateway("typo", 2)}), IsEmpty());
  EXPECT_THAT(why_, AllOf(HasSubstr("\"typo\" does not exist"), HasSubstr("generation 1")));
  EXPECT_EQ(generation_, 2);
  EXPECT_THAT(amend({gateway("a", 3)}), ElementsAre("Gateway ns/gw of a 3"));
  EXPECT_EQ(why_, "");
}

TEST_F(Held, AClassOfAnotherControllerTakesOver) {
  amend({gateway("a"), gateway_class("a")});
  amend({gateway("typo", 2)});
  EXPECT_THAT(amend({gateway_class("typo", "example.com/other")}),
              UnorderedElementsAre("GatewayClass typo", "Gateway ns/gw of typo 2"));
  EXPECT_EQ(why_, "");
  // It is theirs now.
  EXPECT_THAT(amend({gone(gateway_class("typo"))}), ElementsAre("-GatewayClass typo"));
  EXPECT_EQ(why_, "");
}

TEST_F(Held, AClassThatIsGoneIsNotThereForNewGateways) {
  amend({gateway("a"), gateway_class("a"), gone(gateway_class("a"))});
  EXPECT_EQ(why_, "") << "it never was in force";
  amend({gateway_class("a")});
  amend({gone(gateway_class("a"))});
  const auto other = event(
      "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: new, namespace: "
      "ns}, spec: {gatewayClassName: a, listeners: [{name: http, port: 80, protocol: HTTP}]}}");
  EXPECT_THAT(amend({other}), IsEmpty());
  EXPECT_THAT(amend({gateway_class("a")}),
              UnorderedElementsAre("GatewayClass a", "Gateway ns/new of a 0"));
}

TEST_F(Held, AKindThatIsNotServedDeletesNothing) {
  amend({gateway("a"), gateway_class("a")});
  EXPECT_THAT(
      amend({gone(gateway("a"), Absence::kUnserved), gone(gateway_class("a"), Absence::kUnserved)}),
      IsEmpty());
  EXPECT_THAT(why_, HasSubstr("does not serve Gateways"));
  EXPECT_THAT(amend({gateway_class("a"), gateway("a", 2)}),
              ElementsAre("GatewayClass a", "Gateway ns/gw of a 2"));
  amend({gone(gateway("a"), Absence::kUnserved)});
  EXPECT_THAT(amend({gone(gateway("a"))}), ElementsAre("-Gateway ns/gw"));
  EXPECT_EQ(why_, "");
}

TEST_F(Held, WhatMayNotBeReadIsWithdrawn) {
  amend({gateway("a"), gateway_class("a")});
  EXPECT_THAT(amend({gone(gateway("a"), Absence::kUnselected)}), ElementsAre("-Gateway ns/gw"));
  EXPECT_TRUE(held_.is_withdrawn(kGateway));
  EXPECT_EQ(why_, "") << "nor may its status be written";
  amend({gone(gateway_class("a"))});
  EXPECT_THAT(amend({gateway("a", 2)}), ElementsAre("Gateway ns/gw of a 1"));
  EXPECT_FALSE(held_.is_withdrawn(kGateway));
  EXPECT_THAT(why_, HasSubstr("does not exist"));
}

TEST_F(Held, AWithdrawnGatewayEnds) {
  amend({gateway("a"), gateway_class("a"), gateway_class("other", "example.com/other")});
  amend({gone(gateway("a"), Absence::kUnselected)});
  EXPECT_THAT(held_.take_ended(), IsEmpty());
  amend({gone(gateway("a"))});
  EXPECT_THAT(held_.take_ended(), ElementsAre(kGateway));
  EXPECT_FALSE(held_.is_withdrawn(kGateway));

  amend({gateway("a")});
  amend({gone(gateway("a"), Absence::kUnselected)});
  amend({gateway("other", 2)});
  EXPECT_THAT(held_.take_ended(), ElementsAre(kGateway));
}

TEST_F(Held, AGatewayOfOthersIsNoneOfOurs) {
  amend({gateway("x"), gateway_class("x", "example.com/other")});
  EXPECT_THAT(amend({gone(gateway("x"), Absence::kUnselected)}), ElementsAre("-Gateway ns/gw"));
  EXPECT_FALSE(held_.is_withdrawn(kGateway));
  amend({gateway("x")});
  EXPECT_THAT(amend({gateway("none")}), ElementsAre("Gateway ns/gw of none 1"));
  EXPECT_EQ(why_, "");
}

}  // namespace
}  // namespace kgw::app
