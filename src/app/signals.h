// SignalWatch: SIGINT and SIGTERM as calls on a thread of its own.
// While it lives, the signals are blocked in the thread that made it and in threads started later.
#pragma once

#include <functional>
#include <thread>

namespace kgw::app {

class SignalWatch {
 public:
  // `on_signal` gets 1 for the first signal, 2 for the second, and so on.
  explicit SignalWatch(std::function<void(int count)> on_signal);
  ~SignalWatch();

  // Blocks SIGINT and SIGTERM in the calling thread. To be called before other threads are started,
  // so that they inherit it, and only by commands that will watch: the others end at once.
  static void block_signals();

 private:
  int stop_event_;
  std::thread thread_;
};

}  // namespace kgw::app
