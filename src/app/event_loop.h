// EventLoop: the one thread that computes (contract 1). Sources, gRPC and HTTP run on their own
// threads and only post; the loop drains everything that is pending, calls `settle` once, and waits
// again.
//
// So a burst of events costs one commit, and no table, ledger or status needs a lock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

namespace kgw::app {

class EventLoop {
 public:
  using Task = std::function<void()>;

  // Tasks run in the order of posting; after the loop has ended they are dropped. Thread: any.
  void post(Task task);

  // As post(), but not before `when`; tasks of the same time keep their order. Thread: any.
  void post_at(std::chrono::steady_clock::time_point when, Task task);

  // Runs `query` on the loop and waits for its result; nothing when the loop has ended.
  // Thread: any but the loop's own.
  template <typename F>
  auto ask(F query) -> std::optional<std::invoke_result_t<F>> {
    using Result = std::invoke_result_t<F>;
    auto promise = std::make_shared<std::promise<std::optional<Result>>>();
    std::future<std::optional<Result>> answer = promise->get_future();
    post([promise, query = std::move(query)] { promise->set_value(query()); });
    promise.reset();  // a task that is dropped unrun breaks the promise
    try {
      return answer.get();
    } catch (const std::future_error&) {
      return std::nullopt;
    }
  }

  // Drains tasks until stop(). After each drain that ran anything calls settle(); at least every
  // `tick` calls on_tick(). Thread: the caller's becomes the loop's thread.
  void run(const Task& settle, std::chrono::milliseconds tick, const Task& on_tick);

  // Makes run() return after the tasks now pending. Thread: any.
  void stop();

 private:
  void take_due();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> pending_;
  std::multimap<std::chrono::steady_clock::time_point, Task> later_;
  bool stopping_ = false;
  bool ended_ = false;
};

}  // namespace kgw::app
