// Random edits in every way that editors, tools and the kubelet write files; whenever the edits
// pause, what was posted must add up to what a fresh load finds.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "source/files/files_source.h"
#include "source/files/testing.h"

namespace kgw::source {
namespace {

namespace fs = std::filesystem;
using testing::config_map;
using testing::Recorder;
using testing::replace_file;
using testing::State;
using testing::TempDir;
using testing::write_file;

class Scribbler {
 public:
  Scribbler(fs::path root, unsigned seed) : root_(std::move(root)), random_(seed) {
    for (const char* revision : {"..r0", "..r1"}) {
      fs::create_directories(root_ / revision);
      for (int i = 0; i < 3; ++i) write_file(root_ / revision / file_name(i), content());
    }
    fs::create_directory_symlink("..r0", root_ / "..data");
    for (int i = 0; i < 3; ++i) {
      fs::create_symlink("..data/" + file_name(i), root_ / ("mounted-" + file_name(i)));
    }
  }

  void edit() {
    switch (pick(9)) {
      case 0:
      case 1:
        return write_file(some_file(), content());
      case 2:
        return write_slowly(some_file());
      case 3:
        return replace_file(some_file(), content());
      case 4:
        return void(fs::remove(some_file()));
      case 5:
        return move(some_file(), some_file());
      case 6:
        return swap_mount();
      case 7:
        return void(fs::remove_all(some_directory("gone-")));
      case 8:
        return move(some_directory("gone-"), some_directory("gone-"));
    }
  }

 private:
  int pick(int below) { return std::uniform_int_distribution(0, below - 1)(random_); }
  static std::string file_name(int i) { return "f" + std::to_string(i) + ".yaml"; }

  fs::path some_directory(const char* prefix) { return root_ / (prefix + std::to_string(pick(3))); }

  fs::path some_file() {
    fs::path directory = root_;
    if (pick(2) == 0) directory = some_directory("gone-");
    if (pick(2) == 0) directory /= "sub";
    fs::create_directories(directory);
    return directory / file_name(pick(4));
  }

  // Names overlap between files, so that claims are won and lost.
  std::string content() {
    std::string text;
    for (int n = pick(4); n > 0; --n) {
      text += config_map("o" + std::to_string(pick(12)), std::to_string(pick(1000)));
    }
    return text;
  }

  void write_slowly(const fs::path& path) {
    std::ofstream file(path, std::ios::trunc);
    for (int n = pick(4); n > 0; --n) file << content() << std::flush;
  }

  static void move(const fs::path& from, const fs::path& to) {
    std::error_code ignored;
    fs::rename(from, to, ignored);
  }

  void swap_mount() {
    const std::string next = fs::read_symlink(root_ / "..data") == "..r0" ? "..r1" : "..r0";
    for (int i = 0; i < 3; ++i) write_file(root_ / next / file_name(i), content());
    fs::create_directory_symlink(next, root_ / "..data_tmp");
    fs::rename(root_ / "..data_tmp", root_ / "..data");
  }

  fs::path root_;
  std::mt19937 random_;
};

State fresh_state(const std::string& path) {
  Recorder recorder;
  recorder.apply(load_once({.paths = {path}}).batch);
  return recorder.state();
}

class FilesStress : public ::testing::TestWithParam<unsigned> {};

TEST_P(FilesStress, WhatIsPostedAddsUpToAFreshLoad) {
  TempDir dir;
  Scribbler scribbler(dir.str(), GetParam());
  Recorder recorder;
  FilesSource source({.paths = {dir.str()}});
  source.start(recorder.sink());
  ASSERT_TRUE(recorder.await_synced());
  std::mt19937 random(GetParam());
  for (int round = 0; round < 40; ++round) {
    for (int edits = std::uniform_int_distribution(1, 30)(random); edits > 0; --edits) {
      scribbler.edit();
      if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
    }
    const State expected = fresh_state(dir.str());
    ASSERT_EQ(recorder.await_state(expected), expected) << "round " << round;
  }
  source.stop();
}

INSTANTIATE_TEST_SUITE_P(Seeds, FilesStress, ::testing::Range(1u, 7u));

// More events than inotify queues: the source must notice that it lost some.
TEST(FilesOverflow, AFullQueueIsFollowedByAFullScan) {
  TempDir dir;
  Recorder recorder;
  FilesSource source({.paths = {dir.str()},
                      .settle = std::chrono::milliseconds(200),
                      .settle_limit = std::chrono::milliseconds(400)});
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  int limit = 0;
  limit_file >> limit;
  if (limit > 100'000) limit = 100'000;
  // The sink runs on the source's thread: while it waits, nobody reads the queue.
  std::mutex gate;
  gate.lock();
  source.start([&](Batch batch) {
    recorder.apply(batch);
    const std::lock_guard wait(gate);
  });
  ASSERT_TRUE(recorder.await_synced());
  for (int i = 0; i <= limit / 2; ++i) {
    write_file(dir / ("x" + std::to_string(i % 2)), "");  // no manifests, but events
    fs::remove(dir / ("x" + std::to_string(i % 2)));
  }
  write_file(dir / "a.yaml", config_map("a", "1"));
  gate.unlock();
  const State expected = {"a=1"};
  EXPECT_EQ(recorder.await_state(expected), expected);
  source.stop();
}

}  // namespace
}  // namespace kgw::source
