// Feature: matches of HTTPRoute and GRPCRoute, and their precedence.
//
// A gRPC method is a path: service and method exact = exact path, service alone = prefix, anything
// else = expression. So both kinds share one order, which is kgateway's: exact path, expression,
// longest prefix; then method, number of headers, number of query parameters. Gateway API leaves
// the place of expressions open; behind prefixes, "/" would shadow every one of them. But it ranks
// a gRPC service before a method of any service, so the prefix of a service precedes expressions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "api/route.h"

namespace envoy::config::route::v3 {
class RouteMatch;
}

namespace kgw::policy {

class RuleContext;

// In place of a condition that cannot be used: it narrows nothing, but counts in precedence.
inline constexpr const char* kUnusableMethod = " ";
inline constexpr const char* kUnusableName = "";

struct BoundMatch {
  PathMatchType path_type = PathMatchType::kPathPrefix;
  // A literal is normal (path_spelling.h). A prefix is "/" or has no "/" at its end; it matches
  // whole segments. With `raw_prefix` it is taken as it is ("/package.Service/").
  std::string path = "/";
  bool raw_prefix = false;
  std::string method;                    // empty = any
  std::vector<NamedValueMatch> headers;  // lower-case names, each once
  std::vector<NamedValueMatch> query;    // names each once

  friend bool operator==(const BoundMatch&, const BoundMatch&) = default;
};

// The two in the middle are of matches for preflights (preflight.h).
enum class MethodRank : std::uint8_t { kMethod, kPreflightOfMethod, kPreflight, kAny };

// How specific a match is; the smaller comes first.
struct Specificity {
  std::uint8_t path_rank = 0;  // exact, gRPC service, expression, prefix
  std::uint32_t path_length_inverse = 0;
  MethodRank method = MethodRank::kMethod;
  std::uint16_t headers_inverse = 0;
  std::uint16_t query_inverse = 0;

  friend auto operator<=>(const Specificity&, const Specificity&) = default;
};

// What cannot be evaluated is left out, and the context knows that the rule must be dropped: the
// result then takes every request that the user can have meant, and more.
BoundMatch bind_match(RuleContext& context, const HttpRouteMatch& spec);
BoundMatch bind_match(RuleContext& context, const GrpcRouteMatch& spec);

// Without any value or expression of the user: takes all that `match` takes, and more, at its place
// in the order. For a match that Envoy refuses although it passed all checks.
BoundMatch guard_of(const BoundMatch& match);

Specificity specificity(const BoundMatch& match);

void encode_match(const BoundMatch& match, ::envoy::config::route::v3::RouteMatch& out);

}  // namespace kgw::policy
