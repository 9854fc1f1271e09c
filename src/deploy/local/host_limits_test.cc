#include "deploy/local/host_limits.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace kgw::deploy {
namespace {

namespace fs = std::filesystem;

class Host : public testing::Test {
 protected:
  Host() { fs::remove_all(root_); }
  ~Host() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  HostLimits read(std::uint64_t files = 20'512) {
    return read_host_limits(root_ + "/proc", root_ + "/cgroup", files);
  }

  std::string root_ = testing::TempDir() + "kgw-host-limits";
};

TEST_F(Host, WithoutAGroupHasAllMemory) {
  write("/proc/meminfo", "MemTotal:     2048 kB\nMemFree:   1 kB\n");
  EXPECT_EQ(read().memory_bytes, 2048u * 1024);
  write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(read().memory_bytes, 2048u * 1024);
}

TEST_F(Host, TheSmallestLimitOfTheGroupsCounts) {
  write("/proc/meminfo", "MemTotal:     1000000 kB\n");
  write("/proc/self/cgroup", "0::/a/b\n");
  write("/cgroup/a/b/memory.max", "max\n");
  write("/cgroup/a/memory.max", "4096\n");
  EXPECT_EQ(read().memory_bytes, 4096u);
  write("/cgroup/a/b/memory.max", "1024\n");
  EXPECT_EQ(read().memory_bytes, 1024u);
}

TEST_F(Host, GroupsOfTheFirstVersion) {
  write("/proc/meminfo", "MemTotal:     1000000 kB\n");
  write("/proc/self/cgroup", "5:cpu:/x\n4:memory:/a\n");
  write("/cgroup/memory/a/memory.limit_in_bytes", "4096\n");
  EXPECT_EQ(read().memory_bytes, 4096u);
}

TEST_F(Host, WhatIsNotKnownIsNull) { EXPECT_EQ(read().memory_bytes, 0u); }

TEST_F(Host, AConnectionHasTwoFiles) {
  EXPECT_EQ(read(20'512).connections, 10'000u);
  EXPECT_EQ(read(10).connections, 100u);
}

TEST(HostLimits, OfThisHostAreKnown) {
  EXPECT_GT(host_limits().memory_bytes, 0u);
  EXPECT_GE(host_limits().connections, 100u);
}

}  // namespace
}  // namespace kgw::deploy
