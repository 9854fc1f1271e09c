// Statuses of routes (per parentRef) and of BackendTLSPolicies (per Gateway).
#pragma once

#include <cstdint>
#include <functional>

#include "attach/attachment.h"
#include "attach/model.h"
#include "status/delivery.h"
#include "status/types.h"

namespace kgw::status {

// What policy says about a route as a whole.
struct RouteFacts {
  std::int64_t generation = 0;
  attach::Fault unaccepted;
  attach::Fault unresolved;
  attach::Fault partially_invalid;
  attach::Fault replaced;
  std::string warnings;  // what is accepted but not as it may seem
};

// How far one listener's share of a route has come.
struct Progress {
  bool delivered = false;  // every proxy acknowledged the present rules
  attach::Fault refused;   // why nothing of the route is in force anywhere, maybe in Envoy's words
  attach::Fault unserved;  // what the listener does not serve of it: all, or, if delivered, a part
  attach::Fault idle;      // why there is nothing to serve; no fault if another listener does
};
using ProgressOf = std::function<Progress(const attach::ListenerAttachment&)>;

RouteStatus route_status(const attach::RouteAttachment& attachment, const RouteFacts& facts,
                         const ProgressOf& progress);

PolicyStatus backend_tls_status(const attach::BackendTlsVerdict& verdict,
                                const BackendTlsPolicy& policy);

}  // namespace kgw::status
