// What this host lets one Envoy have.
#pragma once

#include <cstdint>
#include <string>

namespace kgw::deploy {

struct HostLimits {
  std::uint64_t memory_bytes = 0;  // 0: not known
  std::uint64_t connections = 0;   // of clients

  friend bool operator==(const HostLimits&, const HostLimits&) = default;
};

// Memory: the smallest limit of the control groups of this process (v2 or v1), else all of the
// host's. Connections: half of the files that a process may open, for most of them have one to a
// backend as well. Read once: a change replaces Envoys, which a restart of kgateway may do.
const HostLimits& host_limits();

// The same with other files in place of /proc and /sys/fs/cgroup.
HostLimits read_host_limits(const std::string& proc, const std::string& cgroups,
                            std::uint64_t max_files);

}  // namespace kgw::deploy
