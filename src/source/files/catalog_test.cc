#include "source/files/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/core.h"

namespace kgw::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ObjectRef config_map(const char* name) { return {Kind::kConfigMap, {"default", name}}; }

// A ConfigMap whose content and spec are told by two numbers.
Definition good(const char* name, std::uint64_t spec, std::uint64_t labels = 0, int line = 1) {
  auto object = std::make_shared<ConfigMap>();
  object->metadata.ns = "default";
  object->metadata.name = name;
  object->metadata.labels["spec"] = std::to_string(spec);
  return {.ref = config_map(name),
          .object = std::move(object),
          .content = {spec, labels},
          .spec = {spec, 0},
          .position = {.file = "f", .line = line}};
}

Definition bad(const char* name, int line = 1) {
  return {
      .ref = config_map(name),
      .diagnostics = {{.object = config_map(name), .reason = "Broken", .position = {.line = line}}},
      .position = {.file = "f", .line = line}};
}

// "name=spec@generation", "name gone".
std::vector<std::string> texts(const Batch& batch) {
  std::vector<std::string> result;
  for (const ObjectEvent& event : batch.events) {
    std::string text = event.ref.name().str();
    if (event.object == nullptr) {
      text += " gone";
    } else {
      text += "=" + event.object->metadata.labels.at("spec") + "@" +
              std::to_string(event.object->metadata.generation);
    }
    result.push_back(text);
  }
  return result;
}

// "place: reason reason".
std::vector<std::string> problems(const Batch& batch) {
  std::vector<std::string> result;
  for (const Problems& problem : batch.problems) {
    std::string text = problem.place + ":";
    for (const Diagnostic& diagnostic : problem.diagnostics) text += " " + diagnostic.reason;
    result.push_back(text);
  }
  return result;
}

const FileKey kA{0, "a"}, kB{0, "b"};

TEST(Catalog, PostsNewChangedAndRemovedObjects) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1), good("y", 1)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=1@1", "y=1@1"));
  catalog.set(kA, {.definitions = {good("x", 2), good("y", 1)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=2@2"));
  catalog.set(kA, {.definitions = {good("x", 2)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("y gone"));
  catalog.remove(kA);
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x gone"));
}

TEST(Catalog, GenerationCountsChangesOfTheSpecOnly) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1, 0)}});
  catalog.take();
  catalog.set(kA, {.definitions = {good("x", 1, 7)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=1@1"));
  catalog.set(kA, {.definitions = {good("x", 2, 7)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=2@2"));
}

TEST(Catalog, MovingAnObjectBetweenFilesIsNoEvent) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1), good("y", 1)}});
  catalog.take();
  catalog.set(kA, {.definitions = {good("y", 1)}});
  catalog.set(kB, {.definitions = {good("x", 1)}});
  const Batch batch = catalog.take();
  EXPECT_THAT(texts(batch), IsEmpty());
  EXPECT_THAT(batch.problems, IsEmpty());
}

TEST(Catalog, FirstClaimWinsAndTheOtherTakesOver) {
  Catalog catalog;
  catalog.set(kB, {.definitions = {good("x", 2, 0, 5)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=2@1"));
  catalog.set(kA, {.definitions = {good("x", 1, 0, 3)}});
  Batch batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("x=1@2"));
  ASSERT_THAT(problems(batch), ElementsAre("b: Duplicate"));
  const Diagnostic& duplicate = batch.problems[0].diagnostics[0];
  EXPECT_THAT(duplicate.message, HasSubstr("f:3"));
  EXPECT_THAT(duplicate.message, HasSubstr("f:5"));
  catalog.remove(kA);
  batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("x=2@3"));
  EXPECT_THAT(problems(batch), ElementsAre("b:"));
}

TEST(Catalog, AnEarlierPathWinsOverAnEarlierName) {
  Catalog catalog;
  catalog.set({1, "a"}, {.definitions = {good("x", 1)}});
  catalog.set({0, "b"}, {.definitions = {good("x", 2)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=2@1"));
}

TEST(Catalog, TwiceInOneFile) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1, 0, 1), good("x", 2, 0, 9)}});
  const Batch batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("x=1@1"));
  EXPECT_THAT(problems(batch), ElementsAre("a: Duplicate"));
  catalog.set(kA, {.definitions = {good("x", 2, 0, 9)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=2@2"));
}

// The objects that were posted are shared with other threads: a takeover must not write to them.
TEST(Catalog, PostedObjectsNeverChange) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1)}});
  catalog.set(kB, {.definitions = {good("x", 2)}});
  const auto first = catalog.take().events.at(0).object;
  catalog.set(FileKey{0, "0"}, {.definitions = {good("x", 3)}});
  catalog.take();
  catalog.remove(FileKey{0, "0"});
  const auto third = catalog.take().events.at(0).object;
  EXPECT_EQ(first->metadata.generation, 1);
  EXPECT_EQ(third->metadata.generation, 3);
  EXPECT_NE(first, third);
}

TEST(Catalog, AnInvalidObjectKeepsItsLastGoodVersion) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1), good("y", 1)}});
  catalog.take();
  catalog.set(kA, {.definitions = {bad("x"), good("y", 2)}});
  Batch batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("y=2@2"));
  EXPECT_THAT(problems(batch), ElementsAre("a: Broken"));
  catalog.set(kA, {.definitions = {bad("x"), good("y", 3)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("y=3@3"));
  catalog.set(kA, {.definitions = {good("x", 2), good("y", 3)}});
  batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("x=2@2"));
  EXPECT_THAT(problems(batch), ElementsAre("a:"));
  catalog.set(kA, {.definitions = {good("y", 3)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x gone"));
}

TEST(Catalog, AnInvalidObjectNeverGoodIsNotPosted) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {bad("x")}});
  EXPECT_THAT(texts(catalog.take()), IsEmpty());
  catalog.set(kB, {.definitions = {good("x", 1)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=1@1"));
}

TEST(Catalog, AnInvalidCopyElsewhereKeepsWhatIsInForce) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1)}});
  catalog.take();
  catalog.remove(kA);
  catalog.set(kB, {.definitions = {bad("x")}});
  EXPECT_THAT(texts(catalog.take()), IsEmpty());
  catalog.remove(kB);
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x gone"));
}

TEST(Catalog, NothingIsMissedWhileADocumentIsUnidentified) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1), good("y", 1)}});
  catalog.take();
  catalog.set(
      kA,
      {.definitions = {good("y", 2)}, .diagnostics = {{.reason = "Syntax"}}, .unidentified = {{}}});
  Batch batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("y=2@2"));
  EXPECT_THAT(problems(batch), ElementsAre("a: Syntax"));
  // What is kept that way yields to whoever really defines it.
  catalog.set(kB, {.definitions = {good("x", 5)}});
  batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("x=5@2"));
  EXPECT_THAT(batch.problems, IsEmpty());
  catalog.remove(kB);
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x=1@3"));
  catalog.set(kA, {.definitions = {good("y", 2)}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x gone"));
}

TEST(Catalog, AnUnidentifiedDocumentStandsForWhatItMayBe) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1), good("y", 1), good("z", 1)}});
  catalog.take();
  catalog.set(kA, {.definitions = {good("z", 1)}, .unidentified = {{.name = "x"}}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("y gone"));
  catalog.set(kA, {.unidentified = {{.kind = Kind::kConfigMap}}});
  EXPECT_THAT(texts(catalog.take()), IsEmpty());
  catalog.set(kA, {.unidentified = {{.kind = Kind::kSecret}}});
  EXPECT_THAT(texts(catalog.take()), ElementsAre("x gone", "z gone"));
}

TEST(Catalog, AnUnreadableFileKeepsItsObjects) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {good("x", 1)}});
  catalog.take();
  catalog.keep(kA, {{.reason = "Unreadable"}});
  Batch batch = catalog.take();
  EXPECT_THAT(texts(batch), IsEmpty());
  EXPECT_THAT(problems(batch), ElementsAre("a: Unreadable"));
  catalog.remove(kA);
  batch = catalog.take();
  EXPECT_THAT(texts(batch), ElementsAre("x gone"));
  EXPECT_THAT(problems(batch), ElementsAre("a:"));
}

TEST(Catalog, ProblemsArePostedOnlyWhenTheyChange) {
  Catalog catalog;
  catalog.set(kA, {.definitions = {bad("x")}});
  EXPECT_THAT(problems(catalog.take()), ElementsAre("a: Broken"));
  catalog.set(kA, {.definitions = {bad("x")}});
  EXPECT_THAT(catalog.take().problems, IsEmpty());
  catalog.set_problems("dir", {{.reason = "NotFound"}});
  EXPECT_THAT(problems(catalog.take()), ElementsAre("dir: NotFound"));
  catalog.set_problems("dir", {});
  EXPECT_THAT(problems(catalog.take()), ElementsAre("dir:"));
}

}  // namespace
}  // namespace kgw::source
