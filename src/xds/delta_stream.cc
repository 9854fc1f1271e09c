#include "xds/delta_stream.h"

namespace kgw::xds {
namespace {

bool is_wildcard(const Name& name) { return name.view() == "*"; }

}  // namespace

bool empty_means_wildcard(ResourceType type) {
  return type == ResourceType::kCluster || type == ResourceType::kListener ||
         type == ResourceType::kScopedRoute;
}

void DeltaStream::request(const Request& request, Responses& out) {
  Subscription& s = subscription(request.type);
  if (!s.requested) {
    first_request(s, request);
  } else {
    acknowledge(s, request);
    for (const Name& name : request.unsubscribe) {
      if (is_wildcard(name)) {
        leave_wildcard(s);
      } else {
        unsubscribe(s, name);
      }
    }
    // The proxy asks because it wants an answer, whatever it held before.
    for (const Name& name : request.subscribe) {
      if (is_wildcard(name)) {
        join_wildcard(s, 0);
      } else {
        subscribe(s, name, snapshot().generation(), true);
      }
    }
  }
  flush(out);
}

void DeltaStream::first_request(Subscription& s, const Request& request) {
  s.requested = true;
  for (const auto& [name, version] : request.held) s.held[name].set(version);
  bool wildcard = request.subscribe.empty() && empty_means_wildcard(s.type);
  for (const Name& name : request.subscribe) {
    if (is_wildcard(name)) {
      wildcard = true;
    } else if (s.holds(name)) {
      subscribe(s, name, 0, false);
    } else {
      subscribe(s, name, snapshot().generation(), true);
    }
  }
  if (wildcard) {
    join_wildcard(s, 0);
    s.must_answer = request.held.empty();
  } else {
    s.held.retain([](const Held& held) { return held.subscribed(); });
  }
  claimed(s);
  if (s.type == ResourceType::kCluster && !request.held.empty()) hold_removals();
}

void DeltaStream::compose(const Subscription& s, Response& response) {
  response.version_info = std::to_string(snapshot().generation());
  for (const Sent& sent : s.outstanding) {
    if (sent.entry != nullptr) {
      response.resources.push_back(sent.entry);
    } else {
      response.removed.push_back(sent.name);
    }
  }
}

}  // namespace kgw::xds
