// GatewayClassKeeper: the GatewayClass `kgateway` is there while a controller leads: applied when
// it begins to lead, and again when that failed, or when somebody deleted it, or the CRD with all
// its objects and brought the CRD back.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "api/ref.h"
#include "source/kube/client.h"

namespace kgw::app {

// Thread: one, but for the answers, which come on the client's.
class GatewayClassKeeper {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr const char* kName = "kgateway";
  static constexpr std::chrono::seconds kPause{5};  // between two attempts

  // `parameters`: GatewayParameters that the class refers to.
  GatewayClassKeeper(kube::Send send, std::optional<ObjectKey> parameters);

  // Called now and then while this replica leads. `exists`: as far as it is known here.
  void keep(bool exists, Clock::time_point now);
  // This replica does not lead: nothing is done until the next keep().
  void rest() { applied_ = false; }

 private:
  void apply();

  kube::Send send_;
  std::optional<ObjectKey> parameters_;
  bool applied_ = false;  // once since this replica leads
  Clock::time_point next_;
  struct Answers {
    std::atomic<bool> failed = false;  // the last attempt
    std::string problem;               // the last one that was logged; the answers' thread
  };
  std::shared_ptr<Answers> answers_;
};

}  // namespace kgw::app
