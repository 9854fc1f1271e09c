// ProxyTroubles: what stands between a Gateway and its proxies in a cluster, passed on to those who
// are to hear of it: the log, Events on the Gateway, metrics, and the Gateway's status.
//
// Three things can: the API server refuses an object that proxies consist of, the proxies' tokens
// are refused, or the certificate of the xDS port is not one that proxies accept. Thread: the
// core's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/cluster_counts.h"
#include "app/event_recorder.h"
#include "app/log_budget.h"
#include "app/refused_proxies.h"
#include "deploy/kube/applier.h"
#include "source/source.h"

namespace kgw::app {

class ProxyTroubles {
 public:
  using Clock = std::chrono::steady_clock;
  // The Gateway, if it is one of ours, else null.
  using FindGateway = std::function<const Gateway*(const ObjectKey&)>;

  ProxyTroubles(EventRecorder& events, FindGateway find)
      : events_(events), find_(std::move(find)) {}

  // What the applier says.
  void reported(const deploy::kube::ObjectReport& report, Clock::time_point now);
  // A proxy that names this Gateway was refused. Ignored for Gateways that are not ours.
  void refused(const ObjectKey& gateway, const std::string& why, Clock::time_point now);
  // What is wrong with the certificate of the xDS port; empty: nothing. True if that is news.
  bool set_certificate_problem(const std::string& problem);
  void forget(const ObjectKey& gateway);

  // Why proxies that run are not connected, as far as that is known; for a Gateway without any.
  std::string unconnected(const ObjectKey& gateway, Clock::time_point now) const;
  // Adds what was reported here.
  void count(ClusterCounts& counts) const;

 private:
  EventRecorder& events_;
  FindGateway find_;
  RefusedProxies refused_;
  LogBudget refusals_;
  std::string certificate_problem_;
  ClusterCounts counts_;
};

// The problem as a source reports one, with the place by which it is known.
source::Batch certificate_report(const std::string& problem);

}  // namespace kgw::app
