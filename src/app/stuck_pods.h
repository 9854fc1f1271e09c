// StuckPods: why the pods of Gateways do not run (an image, scheduling, a crash), which their
// Deployments do not say. Pods are not followed: they are listed while a Gateway has no proxy and
// its Deployment is not ready, ever more rarely, and of few Gateways at a time. Thread: the core's.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/ref.h"
#include "source/kube/client.h"

namespace kgw::app {

class StuckPods {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kAtOnce = 4;
  static constexpr std::chrono::seconds kFirstPause{5};  // between two questions; doubles
  static constexpr std::chrono::seconds kLongestPause{240};

  // `post` runs a function on the core's thread.
  StuckPods(kube::Send send, std::function<void(std::function<void()>)> post)
      : send_(std::move(send)), post_(std::move(post)) {}

  // The Gateway has none that runs: asks if it is time to.
  void ask(const ObjectKey& gateway, Clock::time_point now);
  // It has, or it is gone.
  void forget(const ObjectKey& gateway) { gateways_.erase(gateway); }
  // What the last answer said; empty: nothing.
  std::string why(const ObjectKey& gateway) const;

 private:
  struct State {
    std::string why;
    Clock::time_point next;
    std::chrono::seconds pause = kFirstPause;
  };
  void answered(const ObjectKey& gateway, const kube::Result<std::string>& pods);

  kube::Send send_;
  std::function<void(std::function<void()>)> post_;
  std::map<ObjectKey, State> gateways_;
  int under_way_ = 0;
  bool refused_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // ends with this, for late answers
};

}  // namespace kgw::app
