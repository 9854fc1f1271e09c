// What `kgateway controller` does to its cluster, counted for /metrics.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "app/metrics.h"

namespace kgw::app {

struct ClusterCounts {
  std::uint64_t status_writes = 0;
  std::uint64_t status_conflicts = 0;
  std::uint64_t status_failures = 0;
  // By verb ("get", "apply", "delete") and kind, since the start.
  std::map<std::pair<std::string, std::string>, std::uint64_t> object_failures;
  std::uint64_t objects_applied = 0;
  std::uint64_t objects_deleted = 0;
  std::size_t object_problems = 0;  // now
  std::uint64_t events = 0;
  std::uint64_t event_failures = 0;
};

// All families but that of the status writes, which every instance has.
void cluster_metrics(const ClusterCounts& counts, MetricsText& metrics);

}  // namespace kgw::app
