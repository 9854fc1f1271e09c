#include "source/files/files_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "source/files/testing.h"

namespace kgw::source {
namespace {

namespace fs = std::filesystem;
using testing::config_map;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Recorder;
using testing::replace_file;
using testing::State;
using testing::TempDir;
using testing::write_file;

class FilesSourceTest : public ::testing::Test {
 protected:
  void run(std::vector<std::string> paths, FilesOptions options = {}) {
    options.paths = std::move(paths);
    source_ = std::make_unique<FilesSource>(std::move(options));
    source_->start(recorder_.sink());
    ASSERT_TRUE(recorder_.await_synced());
  }
  void TearDown() override {
    if (source_) source_->stop();
  }
  void expect(const State& state) { EXPECT_EQ(recorder_.await_state(state), state); }
  void expect_problems(const fs::path& place, const std::vector<std::string>& reasons) {
    EXPECT_EQ(recorder_.await_problems(place, reasons), reasons) << place;
  }

  TempDir dir_;
  Recorder recorder_;
  std::unique_ptr<FilesSource> source_;
};

TEST_F(FilesSourceTest, ReadsManifestsBelowADirectoryInOneBatch) {
  fs::create_directories(dir_ / "deep/er");
  write_file(dir_ / "a.yaml", config_map("a", "1") + config_map("b", "1"));
  write_file(dir_ / "deep/er/c.yml", config_map("c", "1"));
  write_file(
      dir_ / "d.json",
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"},"data":{"value":"1"}})");
  write_file(dir_ / "e.txt", config_map("e", "1"));
  write_file(dir_ / ".hidden.yaml", config_map("f", "1"));
  write_file(dir_ / "g.yaml~", config_map("g", "1"));
  write_file(dir_ / "#h.yaml", config_map("h", "1"));
  write_file(dir_ / ".i.yaml.swp", config_map("i", "1"));
  run({dir_.str()});
  expect({"a=1", "b=1", "c=1", "d=1"});
  const auto batches = recorder_.take_batches();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_TRUE(batches[0].synced);
}

TEST_F(FilesSourceTest, ReadsANamedFileWhateverItsName) {
  write_file(dir_ / ".config", config_map("a", "1"));
  write_file(dir_ / "other.yaml", config_map("b", "1"));
  run({dir_ / ".config"});
  expect({"a=1"});
  replace_file(dir_ / ".config", config_map("a", "2"));
  expect({"a=2"});
}

TEST_F(FilesSourceTest, FollowsEveryWayOfWriting) {
  run({dir_.str()});
  expect({});
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  expect({"a=1"});
  write_file(dir_ / "a.yaml", config_map("a", "2"));
  expect({"a=2"});
  replace_file(dir_ / "a.yaml", config_map("a", "3"));
  expect({"a=3"});
  fs::rename(dir_ / "a.yaml", dir_ / "b.yaml");
  write_file(dir_ / "b.yaml", config_map("a", "4"));
  expect({"a=4"});
  fs::create_directories(dir_ / "x/y");
  write_file(dir_ / "x/y/c.yaml", config_map("c", "1"));
  expect({"a=4", "c=1"});
  fs::remove_all(dir_ / "x");
  expect({"a=4"});
  fs::remove(dir_ / "b.yaml");
  expect({});
}

TEST_F(FilesSourceTest, UnchangedContentIsNoEvent) {
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  run({dir_.str()});
  recorder_.take_batches();
  replace_file(dir_ / "a.yaml", config_map("a", "1"));
  fs::rename(dir_ / "a.yaml", dir_ / "b.yaml");
  write_file(dir_ / "c.yaml", config_map("c", "1"));
  expect({"a=1", "c=1"});
  for (const Batch& batch : recorder_.take_batches()) {
    for (const ObjectEvent& event : batch.events) EXPECT_EQ(event.ref.name().str(), "c");
  }
}

TEST_F(FilesSourceTest, FillsInNamespaceAndGeneration) {
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  run({dir_.str()});
  auto object = recorder_.take_batches().at(0).events.at(0).object;
  EXPECT_EQ(object->metadata.ns.str(), "default");
  EXPECT_EQ(object->metadata.generation, 1);
  EXPECT_EQ(object->metadata.creation_time, 0);
  write_file(dir_ / "a.yaml", config_map("a", "2"));
  expect({"a=2"});
  object = recorder_.take_batches().back().events.at(0).object;
  EXPECT_EQ(object->metadata.generation, 2);
}

TEST_F(FilesSourceTest, ABrokenDocumentKeepsItsLastGoodVersion) {
  write_file(dir_ / "a.yaml", config_map("a", "1") + config_map("b", "1"));
  run({dir_.str()});
  write_file(dir_ / "a.yaml", config_map("a", "2") + "---\nkind: [ConfigMap\nmetadata: {{\n");
  expect_problems(dir_ / "a.yaml", {"SyntaxError"});
  expect({"a=2", "b=1"});
  const Diagnostic problem = recorder_.problems(dir_ / "a.yaml").at(0);
  EXPECT_EQ(problem.position.file, (dir_ / "a.yaml").string());
  EXPECT_GT(problem.position.line, 7);
  write_file(dir_ / "a.yaml", config_map("a", "2"));
  expect({"a=2"});
  expect_problems(dir_ / "a.yaml", {});
}

TEST_F(FilesSourceTest, AnInvalidObjectKeepsItsLastGoodVersion) {
  write_file(dir_ / "a.yaml", config_map("a", "1") + config_map("b", "1"));
  run({dir_.str()});
  write_file(dir_ / "a.yaml", config_map("a", "2") + "wrong: 1\n" + config_map("b", "2"));
  expect({"a=1", "b=2"});
  expect_problems(dir_ / "a.yaml", {"UnknownField"});
  const Diagnostic problem = recorder_.problems(dir_ / "a.yaml").at(0);
  EXPECT_EQ(to_string(problem.object), "ConfigMap default/a");
  EXPECT_EQ(problem.position.line, 8);
  write_file(dir_ / "a.yaml", config_map("a", "3") + config_map("b", "2"));
  expect({"a=3", "b=2"});
  expect_problems(dir_ / "a.yaml", {});
}

TEST_F(FilesSourceTest, ADocumentThatLosesItsNameDeletesNothing) {
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  run({dir_.str()});
  write_file(dir_ / "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n");
  expect_problems(dir_ / "a.yaml", {"RequiredField"});
  expect({"a=1"});
  write_file(dir_ / "a.yaml", "apiVersion: v1\nkind: ConfgMap\nmetadata: {name: a}\n");
  expect_problems(dir_ / "a.yaml", {"UnknownKind"});
  expect({"a=1"});
  write_file(dir_ / "a.yaml", "apiVersion: v1\nkind: ConfgMap\nmetadata: {name: b}\n");
  expect({});
}

TEST_F(FilesSourceTest, KindsOfOthersAreAWarning) {
  write_file(dir_ / "a.yaml",
             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n" + config_map("a", "1"));
  run({dir_.str()});
  expect({"a=1"});
  expect_problems(dir_ / "a.yaml", {"UnsupportedKind"});
  EXPECT_EQ(recorder_.problems(dir_ / "a.yaml").at(0).severity, Severity::kWarning);
}

TEST_F(FilesSourceTest, ReadsLists) {
  write_file(dir_ / "a.json",
             R"({"apiVersion":"v1","kind":"List","items":[
  {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"value":"1"}},
  {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b","namespace":"n"}}]})");
  run({dir_.str()});
  expect({"a=1", "b"});
}

TEST_F(FilesSourceTest, TheFirstOfTwoFilesWins) {
  write_file(dir_ / "b.yaml", config_map("x", "b"));
  run({dir_.str()});
  write_file(dir_ / "a.yaml", config_map("x", "a"));
  expect({"x=a"});
  expect_problems(dir_ / "b.yaml", {"Duplicate"});
  const std::string message = recorder_.problems(dir_ / "b.yaml").at(0).message;
  EXPECT_THAT(message, HasSubstr((dir_ / "a.yaml").string() + ":2"));
  EXPECT_THAT(message, HasSubstr((dir_ / "b.yaml").string() + ":2"));
  fs::remove(dir_ / "a.yaml");
  expect({"x=b"});
  expect_problems(dir_ / "b.yaml", {});
}

TEST_F(FilesSourceTest, OverlappingPathsAndLinkCyclesReadEachFileOnce) {
  fs::create_directories(dir_ / "sub");
  write_file(dir_ / "sub/a.yaml", config_map("a", "1"));
  fs::create_directory_symlink("..", dir_ / "sub/up");
  fs::create_symlink("sub/a.yaml", dir_ / "link.yaml");
  run({dir_ / "sub", dir_.str(), dir_ / "sub/a.yaml"});
  const auto batches = recorder_.take_batches();
  EXPECT_THAT(batches.at(0).problems, IsEmpty());
  expect({"a=1"});
}

TEST_F(FilesSourceTest, AMissingPathIsReportedAndPickedUp) {
  const fs::path late = dir_ / "not/yet/here";
  run({late});
  expect_problems(late, {"NotFound"});
  fs::create_directories(late);
  write_file(late / "a.yaml", config_map("a", "1"));
  expect({"a=1"});
  expect_problems(late, {});
}

TEST_F(FilesSourceTest, ADirectoryThatVanishesKeepsItsObjectsUntilItIsBack) {
  fs::create_directories(dir_ / "conf/sub");
  write_file(dir_ / "conf/a.yaml", config_map("a", "1"));
  write_file(dir_ / "conf/sub/b.yaml", config_map("b", "1"));
  run({dir_ / "conf"});
  fs::rename(dir_ / "conf", dir_ / "away");
  expect_problems(dir_ / "conf", {"NotFound"});
  expect({"a=1", "b=1"});
  fs::create_directories(dir_ / "conf");
  write_file(dir_ / "conf/a.yaml", config_map("a", "2"));
  expect({"a=2"});
  expect_problems(dir_ / "conf", {});
  // The old directory is of no interest any more.
  write_file(dir_ / "away/a.yaml", config_map("a", "3"));
  write_file(dir_ / "conf/c.yaml", config_map("c", "1"));
  expect({"a=2", "c=1"});
}

TEST_F(FilesSourceTest, AnExplicitFileThatIsDeletedIsGone) {
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  run({dir_ / "a.yaml"});
  fs::remove(dir_ / "a.yaml");
  expect({});
  expect_problems(dir_ / "a.yaml", {"NotFound"});
  write_file(dir_ / "a.yaml", config_map("a", "2"));
  expect({"a=2"});
  expect_problems(dir_ / "a.yaml", {});
}

// As the kubelet mounts a ConfigMap: file -> ..data/file, ..data -> ..revision, swapped by rename.
TEST_F(FilesSourceTest, ASwapOfTheDataLinkIsOneBatch) {
  const auto revision = [&](const std::string& name, const std::string& value) {
    fs::create_directories(dir_ / name);
    for (const char* file : {"a", "b", "c"}) {
      write_file(dir_ / name / (std::string(file) + ".yaml"), config_map(file, value));
    }
  };
  revision("..1", "1");
  fs::create_directory_symlink("..1", dir_ / "..data");
  for (const char* file : {"a.yaml", "b.yaml", "c.yaml"}) {
    fs::create_symlink(std::string("..data/") + file, dir_ / file);
  }
  run({dir_.str()});
  expect({"a=1", "b=1", "c=1"});
  recorder_.take_batches();
  revision("..2", "2");
  fs::create_directory_symlink("..2", dir_ / "..data_tmp");
  fs::rename(dir_ / "..data_tmp", dir_ / "..data");
  fs::remove_all(dir_ / "..1");
  expect({"a=2", "b=2", "c=2"});
  const auto batches = recorder_.take_batches();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].events.size(), 3u);
  EXPECT_THAT(batches[0].problems, IsEmpty());
}

TEST_F(FilesSourceTest, FollowsLinksOutOfTheTree) {
  TempDir elsewhere;
  fs::create_directories(elsewhere / "real");
  write_file(elsewhere / "real/a.yaml", config_map("a", "1"));
  fs::create_directory_symlink(elsewhere / "real", elsewhere / "middle");
  fs::create_symlink(elsewhere / "middle/a.yaml", dir_ / "a.yaml");
  run({dir_.str()});
  expect({"a=1"});
  write_file(elsewhere / "real/a.yaml", config_map("a", "2"));
  expect({"a=2"});
  fs::create_directories(elsewhere / "real2");
  write_file(elsewhere / "real2/a.yaml", config_map("a", "3"));
  fs::create_directory_symlink(elsewhere / "real2", elsewhere / "tmp");
  fs::rename(elsewhere / "tmp", elsewhere / "middle");
  expect({"a=3"});
  fs::remove(elsewhere / "real2/a.yaml");
  expect({});
  expect_problems(dir_ / "a.yaml", {"NotFound"});
}

TEST_F(FilesSourceTest, AHalfWrittenFileIsNotRead) {
  write_file(dir_ / "a.yaml", config_map("a", "1") + config_map("b", "1"));
  run({dir_.str()});
  std::ofstream slow(dir_ / "a.yaml", std::ios::trunc);
  slow << config_map("a", "2") << std::flush;
  write_file(dir_ / "c.yaml", config_map("c", "1"));
  expect({"a=1", "b=1", "c=1"});
  slow << config_map("b", "2");
  slow.close();
  expect({"a=2", "b=2", "c=1"});
}

TEST_F(FilesSourceTest, AWriterThatNeverClosesIsReadInTheEnd) {
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  run({dir_.str()}, {.writer_limit = std::chrono::milliseconds(200)});
  std::ofstream slow(dir_ / "a.yaml", std::ios::trunc);
  slow << config_map("a", "2") << std::flush;
  expect({"a=2"});
}

TEST_F(FilesSourceTest, AFileTooLargeKeepsItsObjects) {
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  run({dir_.str()}, {.max_file_bytes = 200});
  write_file(dir_ / "a.yaml", config_map("a", std::string(200, 'x')));
  expect_problems(dir_ / "a.yaml", {"TooLarge"});
  expect({"a=1"});
  write_file(dir_ / "a.yaml", config_map("a", "2"));
  expect({"a=2"});
  expect_problems(dir_ / "a.yaml", {});
}

// Takes this thread's file permissions away; threads started meanwhile inherit that.
class WithoutPrivileges {
 public:
  WithoutPrivileges() { setfsuid(65534); }
  ~WithoutPrivileges() { setfsuid(geteuid()); }
};

TEST_F(FilesSourceTest, WhatMayNotBeReadKeepsItsObjects) {
  fs::create_directories(dir_ / "sub");
  fs::permissions(dir_.str(), fs::perms(0755));
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  write_file(dir_ / "sub/b.yaml", config_map("b", "1"));
  {
    const WithoutPrivileges unprivileged;
    run({dir_.str()});
  }
  expect({"a=1", "b=1"});
  fs::permissions(dir_ / "a.yaml", fs::perms(0));
  expect_problems(dir_ / "a.yaml", {"Unreadable"});
  fs::permissions(dir_ / "sub", fs::perms(0));
  expect_problems(dir_ / "sub", {"Unreadable"});
  expect({"a=1", "b=1"});
  fs::permissions(dir_ / "sub", fs::perms(0444));  // may be listed, not entered
  expect({"a=1", "b=1"});
  fs::permissions(dir_ / "sub", fs::perms(0755));
  fs::permissions(dir_ / "a.yaml", fs::perms(0644));
  expect_problems(dir_ / "a.yaml", {});
  expect_problems(dir_ / "sub", {});
}

TEST_F(FilesSourceTest, APipeIsReadOnceToItsEnd) {
  const fs::path pipe = dir_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { write_file(pipe, config_map("a", "1")); });
  run({pipe});
  writer.join();
  expect({"a=1"});
}

TEST_F(FilesSourceTest, StopInterruptsAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  FilesSource source({.paths = {"/dev/fd/" + std::to_string(ends[0])}});
  source.start(recorder_.sink());
  source.stop();
  EXPECT_THAT(recorder_.take_batches(), IsEmpty());
  close(ends[0]);
  close(ends[1]);
}

TEST_F(FilesSourceTest, NothingIsPostedAfterStop) {
  run({dir_.str()});
  source_->stop();
  recorder_.take_batches();
  write_file(dir_ / "a.yaml", config_map("a", "1"));
  source_->stop();
  EXPECT_THAT(recorder_.take_batches(), IsEmpty());
}

TEST_F(FilesSourceTest, LoadOnceGivesTheSameAndWhereItIsDefined) {
  write_file(dir_ / "a.yaml", config_map("a", "1") + config_map("b", "1"));
  const Loaded loaded = load_once({.paths = {dir_.str(), dir_ / "missing"}});
  recorder_.apply(loaded.batch);
  EXPECT_TRUE(loaded.batch.synced);
  expect({"a=1", "b=1"});
  expect_problems(dir_ / "missing", {"NotFound"});
  const ObjectRef b{Kind::kConfigMap, {"default", "b"}};
  EXPECT_EQ(loaded.positions.at(b).line, 9);
  EXPECT_EQ(loaded.positions.at(b).file, (dir_ / "a.yaml").string());
}

}  // namespace
}  // namespace kgw::source
