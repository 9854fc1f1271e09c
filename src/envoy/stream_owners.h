// Which TLSRoute, TCPRoute or UDPRoute has what of a listener: one of them can have a TCP or UDP
// listener, and one each host of a TLS listener. The others are attached, and get nothing of it.
//
// Table `stream_owners`, read by the filter chains, which carry the owners' backends, and by the
// statuses of those who lost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attach/attachment.h"
#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/listener.h"
#include "policy/rule.h"

namespace kgw::envoy {

struct StreamOwner {
  Name host;  // "*" = every host, and all of a TCP or UDP listener
  ObjectRef route;

  friend bool operator==(const StreamOwner&, const StreamOwner&) = default;
};

using StreamOwners = std::vector<StreamOwner>;  // sorted by host, each once

using StreamRules = engine::Table<ObjectRef, policy::BoundStreamRoute>;

// Absent for a listener of HTTP or HTTPS.
std::optional<StreamOwners> compute_stream_owners(const attach::Model& model,
                                                  const StreamRules& rules,
                                                  const ListenerShape& shape, engine::Read& read);

// What a route has lost of a listener that it is attached to.
struct StreamLoss {
  bool all = false;     // nothing is left
  std::string message;  // what, and to whom; empty = nothing

  friend bool operator==(const StreamLoss&, const StreamLoss&) = default;
};
// `owners` of the listener; null where it is not served at all.
StreamLoss stream_loss(const StreamOwners* owners, const ObjectRef& route,
                       const attach::ListenerAttachment& attachment);

}  // namespace kgw::envoy
