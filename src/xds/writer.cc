#include "xds/writer.h"

#include <utility>

#include "xds/session.h"

namespace kgw::xds {

void Writer::start() {
  std::lock_guard lock(mutex_);
  running_ = true;
  thread_ = std::thread([this] { work(); });
}

void Writer::schedule(std::shared_ptr<Session> session, bool large) {
  {
    std::lock_guard lock(mutex_);
    if (!running_) return;
    (large ? large_ : small_).push_back(std::move(session));
  }
  wake_.notify_one();
}

void Writer::stop() {
  std::deque<std::shared_ptr<Session>> small, large;  // outlive the lock
  {
    std::lock_guard lock(mutex_);
    running_ = false;
    small.swap(small_);
    large.swap(large_);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return !running_ || !small_.empty() || !large_.empty(); });
    if (!running_) return;
    std::deque<std::shared_ptr<Session>>& queue = small_.empty() ? large_ : small_;
    const std::shared_ptr<Session> session = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    session->start_write();
    lock.lock();
  }
}

}  // namespace kgw::xds
