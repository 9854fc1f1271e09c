#include "deploy/local/host_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace kgw::deploy {
namespace {

constexpr std::uint64_t kOwnFiles = 512;  // listeners, logs, the controller, statistics
constexpr std::uint64_t kFewestConnections = 100;

std::uint64_t memory_of_host(const std::string& proc) {
  std::ifstream file(proc + "/meminfo");
  std::string name;
  std::uint64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemTotal:") return kilobytes * 1024;
    file.ignore(80, '\n');
  }
  return 0;
}

// A file that holds a number; "max" and a file that is not there are no limit.
std::uint64_t limit_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t bytes = 0;
  return file >> bytes ? bytes : UINT64_MAX;
}

// The limits of a group and of those that it is part of.
std::uint64_t limit_of_group(const std::string& root, std::string group, const std::string& file) {
  std::uint64_t limit = limit_in(root + "/" + file);
  while (!group.empty() && group != "/") {
    limit = std::min(limit, limit_in(root + group + "/" + file));
    const auto slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
  return limit;
}

// Lines such as "0::/a/b" (v2) and "4:memory:/a/b" (v1).
std::uint64_t memory_of_groups(const std::string& proc, const std::string& cgroups) {
  std::uint64_t limit = UINT64_MAX;
  std::ifstream file(proc + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      limit = std::min(limit, limit_of_group(cgroups, group, "memory.max"));
    } else if (controllers == "memory") {
      limit = std::min(limit, limit_of_group(cgroups + "/memory", group, "memory.limit_in_bytes"));
    }
  }
  return limit;
}

std::uint64_t max_files() {
  rlimit files{};
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : 1024;
}

}  // namespace

HostLimits read_host_limits(const std::string& proc, const std::string& cgroups,
                            std::uint64_t max_files) {
  const std::uint64_t host = memory_of_host(proc);
  const std::uint64_t groups = memory_of_groups(proc, cgroups);
  const std::uint64_t rest = max_files > kOwnFiles ? max_files - kOwnFiles : 0;
  return {.memory_bytes = host == 0 && groups == UINT64_MAX ? 0
                          : host == 0                       ? groups
                                                            : std::min(host, groups),
          .connections = std::max(rest / 2, kFewestConnections)};
}

const HostLimits& host_limits() {
  static const HostLimits limits = read_host_limits("/proc", "/sys/fs/cgroup", max_files());
  return limits;
}

}  // namespace kgw::deploy
