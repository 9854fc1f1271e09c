// Lease: which of several replicas leads, by a coordination.k8s.io/v1 Lease, as events.
//
// The leader writes its name and the time into the Lease every `retry`; who sees no change for
// `duration` takes it over. A leader that cannot renew says `leading = false` after
// `renew_deadline`, before anybody else can lead, so at most one acts at a time; clocks of hosts
// are not compared, only how long a record did not change. The ending leader gives the Lease back,
// and its successor need not wait. The others learn from an annotation where the leader is.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "source/kube/client.h"

namespace kgw::kube {

inline constexpr const char* kAddressAnnotation = "kgateway.dev/xds-address";

struct LeaseOptions {
  std::string ns;
  std::string name = "kgateway-envoy";
  std::string identity;  // of this replica: unique, for example the pod's name and a random part
  std::string address;   // "10.1.2.3:9977", "[fd00::1]:9977": for the others; empty: none
  std::chrono::milliseconds duration{15'000};
  std::chrono::milliseconds renew_deadline{10'000};
  std::chrono::milliseconds retry{2'000};
  // Why the Lease cannot be read or written now, when it is another reason than before; nullopt:
  // all is well again. Called on the client's thread.
  std::function<void(const std::optional<Error>&)> on_problem = [](const std::optional<Error>&) {};
};

struct Leadership {
  bool leading = false;
  std::string holder;   // identity of the leader, as far as known; may be empty
  std::string address;  // where it is; empty: it does not tell

  friend bool operator==(const Leadership&, const Leadership&) = default;
};

class Lease {
 public:
  // REQUIRES: `client` outlives this; retry < renew_deadline < duration.
  Lease(Client& client, LeaseOptions options);
  ~Lease();
  // `on_change` is called on the client's thread, with every change. REQUIRES: called once.
  void start(std::function<void(Leadership)> on_change);
  // Gives the lease back, if it can be done in some seconds. No event comes after it. Idempotent.
  // Thread: any but the client's.
  void stop();

 private:
  class Candidate;
  std::shared_ptr<Candidate> candidate_;
};

}  // namespace kgw::kube
