#include "deploy/local/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kgw::deploy {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ObjectKey kGateway{"default", "edge"};

class StateDirTest : public ::testing::Test {
 protected:
  StateDirTest() {
    std::string pattern = "/tmp/kgw-XXXXXX";
    dir_ = mkdtemp(pattern.data());
  }
  ~StateDirTest() override { fs::remove_all(dir_); }

  fs::path dir_;
};

TEST_F(StateDirTest, IsPrivate) {
  fs::create_directory(dir_ / "open");
  fs::permissions(dir_ / "open", fs::perms(0777));
  ASSERT_TRUE(StateDir::open(dir_ / "open"));
  EXPECT_EQ(fs::status(dir_ / "open").permissions(), fs::perms(0700));
  ASSERT_TRUE(StateDir::open(dir_ / "a/new/one"));
  EXPECT_EQ(fs::status(dir_ / "a/new/one").permissions(), fs::perms(0700));
  fs::create_directory_symlink("open", dir_ / "link");
  EXPECT_THAT(StateDir::open(dir_ / "link").error(), HasSubstr("not a directory"));
}

TEST_F(StateDirTest, StaysPrivateWhateverSomebodyDoesToIt) {
  const fs::path path = dir_ / "s";
  const auto state = StateDir::open(path);
  ASSERT_TRUE(state);
  std::ofstream(state->xds_socket()).put('x');
  EXPECT_TRUE(state->restore());
  fs::permissions(path, fs::perms(0755));
  EXPECT_THAT(state->restore().error(), HasSubstr("0700 again"));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0700));
  EXPECT_TRUE(state->restore());
  fs::remove_all(path);
  EXPECT_THAT(state->restore().error(), HasSubstr("xds.sock was removed"));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0700));
}

TEST_F(StateDirTest, MakesAllDirectoriesOfAnInstancePrivate) {
  const fs::path path = dir_ / "s";
  const auto state = StateDir::open(path);
  ASSERT_TRUE(state);
  fs::remove_all(path);
  const InstancePaths paths = state->instance(kGateway, 1);
  ASSERT_TRUE(state->create_instance(paths, "{}"));
  for (fs::path at = paths.directory; at != dir_; at = at.parent_path()) {
    EXPECT_EQ(fs::status(at).permissions(), fs::perms(0700)) << at;
  }
}

TEST_F(StateDirTest, HasOneOwner) {
  const auto first = StateDir::open(dir_ / "s");
  ASSERT_TRUE(first);
  EXPECT_THAT(StateDir::open(dir_ / "s").error(),
              HasSubstr("in use by another kgateway (pid " + std::to_string(getpid()) + ")"));
}

TEST_F(StateDirTest, KeepsSocketPathsShortEnough) {
  EXPECT_THAT(StateDir::open(dir_ / std::string(100, 'x')).error(), HasSubstr("too long"));
  const auto state = StateDir::open(dir_ / "s");
  const ObjectKey longest{std::string(63, 'n'), std::string(253, 'g')};
  const ObjectKey other{std::string(63, 'n'), std::string(252, 'g') + "h"};
  EXPECT_LE(state->instance(longest, 999'999).admin_socket.size(), 107u);
  EXPECT_NE(state->instance(longest, 1).directory, state->instance(other, 1).directory);
}

TEST_F(StateDirTest, RemembersInstances) {
  const InstanceRecord record{kGateway, 7, {4711, 12345}, "print"};
  {
    const auto state = StateDir::open(dir_ / "s");
    ASSERT_TRUE(state->create_instance(state->instance(kGateway, 7), "{}"));
    ASSERT_TRUE(state->write_record(record));
  }
  const auto state = StateDir::open(dir_ / "s");
  const auto records = state->records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].gateway, kGateway);
  EXPECT_EQ(records[0].number, 7u);
  EXPECT_EQ(records[0].process, record.process);
  EXPECT_EQ(records[0].fingerprint, "print");
  state->remove_instance(state->instance(kGateway, 7));
  EXPECT_TRUE(fs::is_empty(dir_ / "s/proxies"));
}

TEST_F(StateDirTest, IgnoresWhatItDidNotWrite) {
  const auto state = StateDir::open(dir_ / "s");
  ASSERT_TRUE(
      state->create_instance(state->instance(kGateway, 1), "{}"));  // died before the record
  ASSERT_TRUE(state->create_instance(state->instance(kGateway, 2), "{}"));
  std::ofstream(state->instance(kGateway, 2).record) << "{\"pid\": \"x\"";
  ASSERT_TRUE(state->create_instance(state->instance(kGateway, 3), "{}"));
  ASSERT_TRUE(state->write_record({kGateway, 3, {1, 1}, ""}));
  fs::rename(state->instance(kGateway, 3).directory, state->instance(kGateway, 4).directory);
  EXPECT_THAT(state->records(), IsEmpty());
}

}  // namespace
}  // namespace kgw::deploy
