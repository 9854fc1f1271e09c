// One bound rule -> Envoy's Route messages.
//
// A match usually becomes one Route. It becomes several where Envoy's Route cannot say it in one:
// a removed prefix ("/foo" and "/foo/"), a redirect with CORS (policy/cors.h), sessions at one of
// several backends (policy/session.h), and weighted backends that differ in more than headers and
// host. Those get a Route each, chosen by thresholds on the request's random number, which is the
// same for all Routes that a request is compared with, so the shares are exact.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/rule.h"

namespace kgw::envoy {

// A cluster that never exists: requests sent there are answered with 500, and with UNAVAILABLE on a
// GRPCRoute. Filters act on them as on any other.
inline constexpr const char* kBlackholeCluster = "blackhole-cluster";

// What stands in for a rule that cannot be used.
inline constexpr const char* kReplacedBody =
    "invalid route configuration detected and replaced with a direct response.";

// Serialized Route messages without name, in the order in which Envoy must try them.
std::vector<std::string> encode_routes(const policy::BoundRule& rule,
                                       const policy::BoundMatch& match,
                                       const policy::ListenerFacts& listener);

// For the preflights of what `match` takes, where the rule has CORS and `match` does not take them
// itself. They forward nothing: the CORS filter answers every preflight.
std::vector<std::string> encode_preflights(const policy::BoundRule& rule,
                                           const policy::BoundMatch& match);

// The match of a rule, answering with an error and kReplacedBody.
std::string encode_replaced(const policy::BoundRule& rule, const policy::BoundMatch& match);

}  // namespace kgw::envoy
