#include "xds/gate.h"

#include <algorithm>

namespace kgw::xds {

void ClusterGate::add(const Name& cluster, Generation added, Time now) {
  unsettled_.try_emplace(cluster, Unsettled{added, now});
  if (lowest_ != 0) lowest_ = std::min(lowest_, added);
}

void ClusterGate::answered(const Name& cluster, bool awaits_endpoints) {
  auto found = unsettled_.find(cluster);
  if (found == unsettled_.end()) return;
  if (awaits_endpoints) {
    found->second.awaits_endpoints = true;
  } else {
    remove(cluster);
  }
}

void ClusterGate::asked_again(const Name& cluster) {
  auto found = unsettled_.find(cluster);
  if (found != unsettled_.end()) found->second.awaits_endpoints = false;
}

void ClusterGate::endpoints_answered(const Name& cluster) {
  auto found = unsettled_.find(cluster);
  if (found != unsettled_.end() && found->second.awaits_endpoints) remove(cluster);
}

bool ClusterGate::remove(const Name& cluster) {
  auto found = unsettled_.find(cluster);
  if (found == unsettled_.end()) return false;
  if (found->second.added == lowest_) lowest_ = 0;
  unsettled_.erase(found);
  if (unsettled_.empty()) clear();
  return true;
}

void ClusterGate::clear() {
  unsettled_ = {};  // gives the memory of a first synchronisation back
  lowest_ = kOpen;
}

std::size_t ClusterGate::release(Time now, Clock::duration age) {
  const std::size_t released = absl::erase_if(
      unsettled_, [&](const auto& entry) { return now - entry.second.since >= age; });
  if (unsettled_.empty()) {
    clear();
  } else if (released > 0) {
    lowest_ = 0;
  }
  return released;
}

Generation ClusterGate::open_below() const {
  if (lowest_ == 0) {
    lowest_ = kOpen;
    for (const auto& [name, unsettled] : unsettled_) lowest_ = std::min(lowest_, unsettled.added);
  }
  return lowest_;
}

}  // namespace kgw::xds
