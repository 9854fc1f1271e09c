// RefusedProxies: why proxies of Gateways were refused last, for the status of those that have none
// connected. Anybody may ask in the name of any Gateway, so one reason is kept for each, and for a
// while. Thread: the core's.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "api/ref.h"

namespace kgw::app {

class RefusedProxies {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kMemory{120};  // a proxy asks again within half a minute

  // True if that is news.
  bool note(const ObjectKey& gateway, const std::string& why, Clock::time_point now) {
    Refusal& known = refusals_[gateway];
    const bool current = !known.why.empty() && now - known.last < kMemory;
    if (current && known.why != why) return false;
    known.last = now;
    if (current) return false;
    known.why = why;
    return true;
  }

  // Empty: none was refused lately.
  std::string why(const ObjectKey& gateway, Clock::time_point now) const {
    const auto found = refusals_.find(gateway);
    return found == refusals_.end() || now - found->second.last >= kMemory ? "" : found->second.why;
  }

  void forget(const ObjectKey& gateway) { refusals_.erase(gateway); }

 private:
  struct Refusal {
    std::string why;
    Clock::time_point last;
  };
  std::map<ObjectKey, Refusal> refusals_;
};

}  // namespace kgw::app
