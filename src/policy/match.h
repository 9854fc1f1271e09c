// Feature: matches of HTTPRoute and GRPCRoute, and their precedence.
//
// A gRPC method is a path: service and method exact = exact path, service alone = prefix, anything
// else = expression. So both kinds share one order, which is that of Gateway API: exact path,
// longest prefix, expression; then method, number of headers, number of query parameters.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/route.h"

namespace envoy::config::route::v3 {
class RouteMatch;
}

namespace kgw::policy {

class RuleContext;

struct BoundMatch {
  PathMatchType path_type = PathMatchType::kPathPrefix;
  // A prefix is "/" or has no "/" at its end; it matches whole segments. With `raw_prefix` it is
  // taken as it is ("/package.Service/").
  std::string path = "/";
  bool raw_prefix = false;
  std::string method;                    // empty = any
  std::vector<NamedValueMatch> headers;  // lower-case names, each once
  std::vector<NamedValueMatch> query;    // names each once

  friend bool operator==(const BoundMatch&, const BoundMatch&) = default;
};

// How specific a match is; the smaller comes first.
struct Specificity {
  std::uint8_t path_rank = 0;  // exact, prefix, expression
  std::uint32_t path_length_inverse = 0;
  std::uint8_t without_method = 0;
  std::uint16_t headers_inverse = 0;
  std::uint16_t query_inverse = 0;

  friend auto operator<=>(const Specificity&, const Specificity&) = default;
};

// Empty when the matcher cannot be evaluated; the context knows why and drops the rule.
std::optional<BoundMatch> bind_match(RuleContext& context, const HttpRouteMatch& spec);
std::optional<BoundMatch> bind_match(RuleContext& context, const GrpcRouteMatch& spec);

Specificity specificity(const BoundMatch& match);

void encode_match(const BoundMatch& match, ::envoy::config::route::v3::RouteMatch& out);

}  // namespace kgw::policy
