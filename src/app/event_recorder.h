// EventRecorder: Kubernetes Events on Gateways, for `kubectl describe` and whoever collects them.
//
// There is one Event per Gateway, reason and text. While the trouble goes on it is counted there,
// and written again after `pause`, since the API server drops an Event after an hour. A Gateway
// whose troubles change all the time gets `burst` Events in `memory`, no more. Thread: the core's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "api/gateway.h"
#include "source/kube/client.h"

namespace kgw::app {

struct EventOptions {
  std::chrono::seconds pause{600};
  std::chrono::seconds memory{3600};
  int burst = 10;
};

class EventRecorder {
 public:
  using Clock = std::chrono::steady_clock;

  struct Stats {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;  // what the API server refused
  };

  // `wall_clock`: seconds since the epoch.
  EventRecorder(kube::Send send, std::function<std::int64_t()> wall_clock,
                EventOptions options = {});

  // A Warning about the Gateway. To be called as often as the trouble is met.
  void warn(const Gateway& gateway, const std::string& reason, const std::string& message,
            Clock::time_point now);
  // The Gateway is gone.
  void forget(const ObjectKey& gateway) { told_.erase(gateway); }
  Stats stats() const;

 private:
  struct Told {
    std::int64_t first = 0;  // wall clock
    std::int64_t count = 0;  // how often it was met
    Clock::time_point sent;
  };
  using Texts = std::map<std::string, Told>;  // by the name of the Event
  struct Answers;

  nlohmann::json event(const Gateway& gateway, const std::string& name, const std::string& reason,
                       const std::string& message, const Told& told) const;
  void send(const nlohmann::json& event);

  kube::Send send_;
  std::function<std::int64_t()> wall_clock_;
  EventOptions options_;
  std::map<ObjectKey, Texts> told_;
  std::shared_ptr<Answers> answers_;  // outlives this, for late answers
};

}  // namespace kgw::app
