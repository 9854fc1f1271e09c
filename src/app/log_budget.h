// LogBudget: bounds how many lines about one matter are logged, where others decide how often it
// happens. Thread: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace kgw::app {

class LogBudget {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LogBudget(int lines = 20, std::chrono::seconds period = std::chrono::seconds(10))
      : lines_(lines), period_(period) {}

  // Whether to log the line: then, how many were left out since the last one that was logged.
  std::optional<std::uint64_t> take(Clock::time_point now = Clock::now()) {
    const std::lock_guard lock(mutex_);
    if (now - begin_ >= period_) {
      begin_ = now;
      used_ = 0;
    }
    if (used_ == lines_) {
      ++left_out_;
      return std::nullopt;
    }
    ++used_;
    return std::exchange(left_out_, 0);
  }

 private:
  const int lines_;
  const std::chrono::seconds period_;
  std::mutex mutex_;
  Clock::time_point begin_;
  int used_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace kgw::app
