#include "app/event_loop.h"

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

void EventLoop::run(const Task& settle, std::chrono::milliseconds tick, const Task& on_tick) {
  auto next_tick = std::chrono::steady_clock::now() + tick;
  std::vector<Task> tasks;
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, next_tick, [this] { return !pending_.empty() || stopping_; });
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
}

void EventLoop::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

}  // namespace kgw::app
