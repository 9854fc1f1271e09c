#include "xds/snapshot.h"

#include <gtest/gtest.h>

#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

TEST(SnapshotTest, EditReportsWhatChangedWithBeforeAndAfter) {
  Snapshot snapshot;
  Notice first = snapshot.apply(EditOf().put(kCds, "a", "1").put(kCds, "b", "1").edit);
  EXPECT_EQ(first.generation, 1u);
  EXPECT_EQ(first.changes.size(), 2u);

  Notice second = snapshot.apply(EditOf().put(kCds, "a", "2").put(kCds, "b", "1").edit);
  ASSERT_EQ(second.changes.size(), 1u);
  EXPECT_EQ(second.changes[0].key.name, Name("a"));
  EXPECT_EQ(*second.changes[0].before->body(), "1");
  EXPECT_EQ(*second.changes[0].after->body(), "2");

  Notice third = snapshot.apply(EditOf().remove(kCds, "a").edit);
  ASSERT_EQ(third.changes.size(), 1u);
  EXPECT_EQ(third.changes[0].after, nullptr);
  EXPECT_EQ(snapshot.find(kCds, "a"), nullptr);
}

TEST(SnapshotTest, EditWithoutEffectStartsNoGeneration) {
  Snapshot snapshot;
  snapshot.apply(EditOf().put(kCds, "a").edit);
  EXPECT_TRUE(snapshot.apply(EditOf().put(kCds, "a").remove(kCds, "x").edit).changes.empty());
  EXPECT_EQ(snapshot.generation(), 1u);
}

TEST(SnapshotTest, EntryKnowsSinceWhenItsNameAndItsContentExist) {
  Snapshot snapshot;
  snapshot.apply(EditOf().put(kCds, "a", "1").edit);
  snapshot.apply(EditOf().put(kCds, "a", "2").edit);
  EXPECT_EQ(snapshot.find(kCds, "a")->added(), 1u);
  EXPECT_EQ(snapshot.find(kCds, "a")->changed(), 2u);
  snapshot.apply(EditOf().remove(kCds, "a").edit);
  snapshot.apply(EditOf().put(kCds, "a", "2").edit);
  EXPECT_EQ(snapshot.find(kCds, "a")->added(), 4u);
}

TEST(SnapshotTest, CountsTheBytesOfItsBodies) {
  Snapshot snapshot;
  snapshot.apply(EditOf().put(kCds, "a", "1234").put(kRds, "a", "12").edit);
  EXPECT_EQ(snapshot.body_bytes(), 6u);
  snapshot.apply(EditOf().put(kCds, "a", "1").remove(kRds, "a").edit);
  EXPECT_EQ(snapshot.body_bytes(), 1u);
}

}  // namespace
}  // namespace kgw::xds::test
