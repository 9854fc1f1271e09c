#include "app/event_loop.h"

#include <algorithm>
#include <utility>

namespace kgw::app {

void EventLoop::post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    pending_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void EventLoop::post_at(std::chrono::steady_clock::time_point when, Task task) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    later_.emplace(when, std::move(task));
  }
  wake_.notify_one();
}

// REQUIRES: the mutex is held.
void EventLoop::take_due() {
  const auto end = later_.upper_bound(std::chrono::steady_clock::now());
  for (auto it = later_.begin(); it != end; ++it) pending_.push_back(std::move(it->second));
  later_.erase(later_.begin(), end);
}

void EventLoop::run(const Task& settle, std::chrono::milliseconds tick, const Task& on_tick) {
  auto next_tick = std::chrono::steady_clock::now() + tick;
  std::vector<Task> tasks;
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      for (take_due(); pending_.empty() && !stopping_; take_due()) {
        const auto until = later_.empty() ? next_tick : std::min(next_tick, later_.begin()->first);
        if (wake_.wait_until(lock, until) == std::cv_status::timeout && until == next_tick) break;
      }
      tasks.swap(pending_);
      stopping = stopping_;
    }
    for (const Task& task : tasks) task();
    if (!tasks.empty()) settle();
    tasks.clear();
    if (std::chrono::steady_clock::now() >= next_tick) {
      on_tick();
      next_tick = std::chrono::steady_clock::now() + tick;
    }
  }
  std::lock_guard lock(mutex_);
  ended_ = true;
  pending_.clear();
  later_.clear();
}

void EventLoop::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

}  // namespace kgw::app
