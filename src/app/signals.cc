#include "app/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace kgw::app {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void watch(int stop_event, const std::function<void(int)>& on_signal) {
  const sigset_t set = stop_signals();
  const int signals = signalfd(-1, &set, SFD_CLOEXEC);
  pollfd waiting[] = {{signals, POLLIN, 0}, {stop_event, POLLIN, 0}};
  int count = 0;
  while (poll(waiting, 2, -1) >= 0 || errno == EINTR) {
    if (waiting[1].revents != 0) break;
    signalfd_siginfo info{};
    if (waiting[0].revents != 0 && read(signals, &info, sizeof info) == sizeof info)
      on_signal(++count);
  }
  close(signals);
}

}  // namespace

void SignalWatch::block_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalWatch::SignalWatch(std::function<void(int count)> on_signal)
    : stop_event_(eventfd(0, EFD_CLOEXEC)),
      thread_(
          [event = stop_event_, on_signal = std::move(on_signal)] { watch(event, on_signal); }) {}

SignalWatch::~SignalWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(stop_event_, &one, sizeof one);
  thread_.join();
  close(stop_event_);
}

}  // namespace kgw::app
