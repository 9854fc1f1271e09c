// Virtual hosts: which routes answer for one domain of a route table, in which order, spliced from
// the bytes of the encoded routes.
//
// Envoy picks the most specific domain of a table and looks no further, but in Gateway API a host
// also has the rules of the wider hosts that cover it, as far as the same listener owns them. So a
// virtual host holds the matches of all of these, ordered by the specificity of the route's
// hostname (GatewayRouteHostnameIntersectionPrecedence), by kgateway's route-weight where that
// counts, and then by the precedence of matches (policy/match.h), age, name and position. Of equal
// matches the first wins, even if it answers 500.
//
// Every listener owns the host of its own hostname, even without routes (404; listener isolation).
// In the table of an HTTPS listener, hosts that it does not own answer 421, because a client came
// here by a connection that it opened for another host.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "attach/attachment.h"
#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/encoded_route.h"

namespace kgw::envoy {

using attach::HostId;

// Which hosts exist because of one object: a route, or a Gateway or ListenerSet for its listeners
// (table `host claims`).
struct HostClaims {
  std::vector<HostId> served;
  std::vector<HostId> misdirected;  // owned by another listener: 421

  friend bool operator==(const HostClaims&, const HostClaims&) = default;
};

// `refused`: the Gateways that do not take the route after all.
HostClaims claims_of(const attach::RouteAttachment& attachment,
                     const std::function<bool(const ObjectKey& gateway)>& refused);
HostClaims claims_of(const attach::OwnerListeners& owner, const attach::Model& model,
                     engine::Read& read);

// A rule that a virtual host contains.
struct RuleSource {
  ObjectRef route;
  std::uint32_t rule = 0;  // index in spec.rules
  Version content;         // see quarantine.h

  friend auto operator<=>(const RuleSource&, const RuleSource&) = default;
  friend bool operator==(const RuleSource&, const RuleSource&) = default;
};

// Where a host stands in one layout of its table.
struct Placement {
  attach::Layout layout;
  std::uint16_t shard = 0;  // or kEveryShard

  friend auto operator<=>(const Placement&, const Placement&) = default;
  friend bool operator==(const Placement&, const Placement&) = default;
};

struct VirtualHost {
  std::string bytes;  // the serialized VirtualHost message
  Version version;
  std::vector<RuleSource> sources;                    // each once, in no particular order
  absl::InlinedVector<Placement, 2> placements = {};  // one per layout that is published

  friend bool operator==(const VirtualHost& a, const VirtualHost& b) {
    return a.version == b.version && a.sources == b.sources && a.placements == b.placements;
  }
};

// One match of a route at one host, with all that decides its place.
struct Candidate {
  const ObjectRef* route = nullptr;
  const Name* route_host = nullptr;  // empty = the route names none
  const EncodedRoute* encoded = nullptr;
  const RouteVariant* variant = nullptr;
  const EncodedMatch* match = nullptr;
};

// The order of precedence, a strict total order on different matches.
bool precedes(const Candidate& a, const Candidate& b);

// "<table>~<domain>" as kgateway names it: "." and the wildcard become "_", "*" alone stays.
std::string virtual_host_name(const HostId& host);

// `candidates` in any order.
VirtualHost splice_host(const HostId& host, std::vector<Candidate> candidates);
// Answers every request with 421.
VirtualHost misdirected_host(const HostId& host);

}  // namespace kgw::envoy
