#include "envoy/stream_owners.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "api/text.h"
#include "attach/hostname.h"

namespace kgw::envoy {
namespace {

using attach::AttachedHost;
using attach::ListenerAttachment;
using attach::Protocol;
using engine::Read;
using policy::BoundStreamRoute;

bool older(const BoundStreamRoute& a, const BoundStreamRoute& b) {
  return std::tie(a.creation_time, a.ref.key) < std::tie(b.creation_time, b.ref.key);
}

// What an attachment asks for.
std::vector<AttachedHost> claims_of(const ListenerAttachment& attachment) {
  if (attachment.protocol == Protocol::kTls) return attachment.hosts;
  return {{Name("*"), Name()}};
}

// f(const BoundStreamRoute&, const AttachedHost&) for all that is asked of the listener.
template <typename F>
void for_each_claim(const attach::Model& model, const StreamRules& rules,
                    const attach::ListenerId& listener, Read& read, F&& f) {
  for (const ObjectRef& ref : read.members(model.routes_by_listener, listener)) {
    const BoundStreamRoute* route = read.get(rules, ref);
    const attach::RouteAttachment* attached = read.get(model.attachments, ref);
    if (route == nullptr || attached == nullptr || route->unaccepted) continue;
    for (const attach::ParentBinding& parent : attached->parents) {
      for (const ListenerAttachment& attachment : parent.listeners) {
        if (attachment.listener != listener) continue;
        for (const AttachedHost& host : claims_of(attachment)) f(*route, host);
      }
    }
  }
}

}  // namespace

// A host belongs to the route that names it most precisely, then to the oldest.
std::optional<StreamOwners> compute_stream_owners(const attach::Model& model,
                                                  const StreamRules& rules,
                                                  const ListenerShape& shape, Read& read) {
  if (shape.protocol == Protocol::kHttp || shape.protocol == Protocol::kHttps) return std::nullopt;
  struct Claim {
    Name route_host;
    const BoundStreamRoute* route = nullptr;
  };
  std::map<Name, Claim> claims;
  for_each_claim(
      model, rules, shape.id, read, [&](const BoundStreamRoute& route, const AttachedHost& host) {
        Claim& best = claims[host.domain];
        const bool wins =
            best.route == nullptr ||
            (host.route_host == best.route_host
                 ? older(route, *best.route)
                 : attach::more_specific(host.route_host.view(), best.route_host.view()));
        if (wins) best = {host.route_host, &route};
      });
  StreamOwners owners;
  for (const auto& [host, claim] : claims) owners.push_back({host, claim.route->ref});
  return owners;
}

StreamLoss stream_loss(const StreamOwners* owners, const ObjectRef& route,
                       const ListenerAttachment& attachment) {
  if (owners == nullptr) return {};
  Listing lost;
  bool any_left = false;
  for (const AttachedHost& host : claims_of(attachment)) {
    const auto owner = std::ranges::lower_bound(*owners, host.domain, {}, &StreamOwner::host);
    if (owner == owners->end() || owner->host != host.domain) continue;
    if (owner->route == route) {
      any_left = true;
      continue;
    }
    const bool by_host = attachment.protocol == Protocol::kTls;
    lost.add((by_host ? "Host " + host.domain.str() + " of listener " : "Listener ") +
             attachment.listener.name.str() + " belongs to " + to_string(owner->route) +
             ", which has precedence");
  }
  if (lost.empty()) return {};
  return {!any_left, lost.text() + "."};
}

}  // namespace kgw::envoy
