// The bound rules of a route: what a spec says, validated and with its references resolved, before
// it is written as Envoy configuration.
//
// A rule is always either complete or marked: `broken` (it fails at its matches) or `dropped`
// (it has no usable matches). One that protects is never dropped: it is broken, and its matches are
// as wide as they must be to take every request that the user can have meant. What is wrong with
// one rule never touches its siblings. The types of the features stand in their own files; a rule
// only holds them. Thread: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/box.h"
#include "api/diagnostic.h"
#include "api/ref.h"
#include "attach/backend_ref.h"
#include "policy/cors.h"
#include "policy/ext_auth.h"
#include "policy/header_edit.h"
#include "policy/match.h"
#include "policy/mirror.h"
#include "policy/redirect.h"
#include "policy/retry.h"
#include "policy/rewrite.h"
#include "policy/session.h"

namespace kgw::policy {

using attach::ClusterId;
using attach::Fault;

// What filters do to a request and its response, short of answering it.
struct Actions {
  HeaderEdit request;
  HeaderEdit response;
  Box<Rewrite> rewrite;
  std::vector<Mirror> mirrors;
  Box<Cors> cors;
  Box<ExtAuth> ext_auth;

  friend bool operator==(const Actions&, const Actions&) = default;
};

// Most rules and backends have none.
inline const Actions& actions_of(const Box<Actions>& actions) {
  static const Actions none;
  return actions ? *actions : none;
}

struct BoundBackend {
  std::uint32_t weight = 1;  // 0: takes no requests but those of sessions that it already has
  bool valid = false;        // false: this share of the requests fails
  bool websocket = false;
  ClusterId cluster;     // meaningful only when valid
  Box<Actions> actions;  // of backendRefs[].filters

  friend bool operator==(const BoundBackend&, const BoundBackend&) = default;
};

// A rule of an HTTPRoute or GRPCRoute.
struct BoundRule {
  Name name;  // empty when not named
  std::vector<BoundMatch> matches;
  Box<Actions> actions;    // of rules[].filters
  Box<Redirect> redirect;  // answers by itself; `backends` are not used
  // Those of weight 0 are left out, unless they may have sessions.
  std::vector<BoundBackend> backends;
  bool grpc = false;  // of a GRPCRoute: failures are UNAVAILABLE (HTTP 503), not 500
  Box<Timeouts> timeouts;
  Box<Retry> retry;
  Box<Session> session;
  bool protects = false;  // has a filter that may refuse requests
  Fault broken;
  Fault dropped;

  friend bool operator==(const BoundRule&, const BoundRule&) = default;
};

// Table `rules`: an HTTPRoute or GRPCRoute that names a Gateway of ours.
struct BoundRoute {
  ObjectRef ref;
  std::int64_t creation_time = 0;
  std::int32_t weight = 0;       // the higher comes first among routes of one hostname
  std::vector<BoundRule> rules;  // one per rule of the spec, in its order
  Fault unresolved;  // ResolvedRefs=False: InvalidKind, RefNotPermitted, BackendNotFound, ...
  Fault unaccepted;  // Accepted=False: no rule is usable (UnsupportedValue, ...)
  Fault partially_invalid;  // PartiallyInvalid=True: some rules are broken or dropped
  Fault replaced;           // kgateway.dev/Programmed=False: RouteRuleReplaced, RouteRuleDropped
  std::string warnings;     // what is accepted but not as it may seem; empty = nothing
  Diagnostics diagnostics;  // every mistake and warning, with its field

  friend bool operator==(const BoundRoute&, const BoundRoute&) = default;
};

struct WeightedCluster {
  ClusterId cluster;  // meaningful only when valid
  std::uint32_t weight = 1;
  bool valid = false;

  friend bool operator==(const WeightedCluster&, const WeightedCluster&) = default;
};

// Table `stream_rules`: a TLSRoute, TCPRoute or UDPRoute that names a Gateway of ours. Only its
// first rule counts (the CRD allows no second). Without a valid backend of weight above 0,
// connections are refused.
struct BoundStreamRoute {
  ObjectRef ref;
  std::int64_t creation_time = 0;
  Name rule_name;
  std::vector<WeightedCluster> backends;  // those of weight 0 are left out
  Fault unresolved;
  Fault unaccepted;
  Diagnostics diagnostics;

  friend bool operator==(const BoundStreamRoute&, const BoundStreamRoute&) = default;
};

}  // namespace kgw::policy
