// Backoff: growing pauses with jitter, so that many clients of a server that comes back do not all
// come back in the same moment.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace kgw::kube {

class Backoff {
 public:
  using Time = std::chrono::milliseconds;
  Backoff(Time first, Time limit) : first_(first), limit_(limit) {}

  // Between half and all of a span that doubles with each failure.
  Time next() {
    const Time span = std::min(limit_, first_ * (1 << std::min(failures_, 16)));
    ++failures_;
    return jittered(span / 2, span);
  }
  void reset() { failures_ = 0; }
  int failures() const { return failures_; }

  Time jittered(Time low, Time high) {
    std::uniform_int_distribution<Time::rep> pick(low.count(), std::max(low, high).count());
    return Time(pick(random_));
  }

 private:
  Time first_;
  Time limit_;
  int failures_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace kgw::kube
