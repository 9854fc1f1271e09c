#include "app/namespace_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/registry.h"

namespace kgw::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Events = std::vector<source::ObjectEvent>;

source::ObjectEvent event(const std::string& manifest) {
  auto decoded = decode_text(manifest, "", DecodeMode::kStrict).at(0);
  EXPECT_NE(decoded.object, nullptr) << manifest;
  return {decoded.ref, decoded.object};
}

source::ObjectEvent ns(const std::string& name, const std::string& labels) {
  return event("{apiVersion: v1, kind: Namespace, metadata: {name: " + name + ", labels: {" +
               labels + "}}}");
}

source::ObjectEvent secret(const std::string& ns, const std::string& name) {
  return event("{apiVersion: v1, kind: Secret, metadata: {name: " + name + ", namespace: " + ns +
               "}}");
}

source::ObjectEvent gone(source::ObjectEvent event) { return {event.ref, nullptr}; }

// "Secret a/b", or "-Secret a/b" for one that goes.
std::vector<std::string> text(const Events& events) {
  std::vector<std::string> out;
  for (const auto& e : events) out.push_back((e.object == nullptr ? "-" : "") + to_string(e.ref));
  return out;
}

std::vector<LabelSelector> selectors() {
  LabelSelector a, b;
  a.match_labels = {{"team", "a"}};
  b.match_expressions = {{"public", "Exists", {}}};
  return {a, b};
}

TEST(NamespaceFilter, PassesEverythingWithoutSelectors) {
  NamespaceFilter filter({});
  EXPECT_THAT(text(filter.amend({secret("x", "s")})), ElementsAre("Secret x/s"));
}

TEST(NamespaceFilter, PassesWhatAnySelectorSelects) {
  NamespaceFilter filter(selectors());
  EXPECT_THAT(text(filter.amend({ns("a", "team: a"), ns("p", "public: ''"), ns("x", "team: x")})),
              ElementsAre("Namespace a", "Namespace p", "Namespace x"));
  EXPECT_THAT(text(filter.amend({secret("a", "s"), secret("p", "s"), secret("x", "s")})),
              ElementsAre("Secret a/s", "Secret p/s"));
  EXPECT_THAT(text(filter.amend({gone(secret("a", "s")), gone(secret("x", "s"))})),
              ElementsAre("-Secret a/s"));
}

TEST(NamespaceFilter, FollowsTheLabels) {
  NamespaceFilter filter(selectors());
  EXPECT_THAT(text(filter.amend({secret("a", "early"), secret("a", "gone")})), IsEmpty());
  filter.amend({gone(secret("a", "gone"))});
  EXPECT_THAT(text(filter.amend({ns("a", "team: a")})),
              ElementsAre("Secret a/early", "Namespace a"));
  EXPECT_THAT(text(filter.amend({ns("a", "team: a, more: x")})), ElementsAre("Namespace a"));
  EXPECT_THAT(text(filter.amend({ns("a", "team: b")})),
              ElementsAre("-Secret a/early", "Namespace a"));
  EXPECT_THAT(text(filter.amend({ns("a", "public: x")})),
              ElementsAre("Secret a/early", "Namespace a"));
  EXPECT_THAT(text(filter.amend({gone(ns("a", ""))})),
              ElementsAre("-Secret a/early", "-Namespace a"));
}

TEST(NamespaceFilter, TellsWhatIsHiddenFromWhatIsDeleted) {
  NamespaceFilter filter(selectors());
  filter.amend({ns("a", "team: a"), secret("a", "s")});
  const Events hidden = filter.amend({ns("a", "")});
  ASSERT_THAT(text(hidden), ElementsAre("-Secret a/s", "Namespace a"));
  EXPECT_EQ(hidden[0].absence, source::Absence::kUnselected);
  EXPECT_THAT(text(filter.amend({secret("a", "s")})), IsEmpty());
  const Events deleted = filter.amend({gone(secret("a", "s"))});
  ASSERT_THAT(text(deleted), ElementsAre("-Secret a/s"));
  EXPECT_EQ(deleted[0].absence, source::Absence::kDeleted);
}

}  // namespace
}  // namespace kgw::app
