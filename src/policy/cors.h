// Feature: CORS (GEP-1767), by Envoy's CORS filter.
//
// The filter echoes the request's origin, and for "*" the requested method and headers, so "*" is
// never sent together with credentials. It only acts on Routes that forward. A redirect therefore
// gets further Routes: one that forwards nowhere takes the preflights, and one per allowed origin
// carries the headers of the filter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/filters.h"

namespace envoy::config::route::v3 {
class Route;
class RouteMatch;
}  // namespace envoy::config::route::v3

namespace kgw::policy {

class RuleContext;

struct Cors {
  std::vector<std::string> exact_origins;
  std::vector<std::string> origin_regexes;
  std::string allow_methods;   // comma-separated or "*"
  std::string allow_headers;   // comma-separated or "*"
  std::string expose_headers;  // comma-separated
  std::uint32_t max_age = 5;   // seconds
  bool allow_credentials = false;

  friend bool operator==(const Cors&, const Cors&) = default;
};

std::optional<Cors> bind_cors(RuleContext& context, const CorsFilter& spec);

void encode_cors(const Cors& cors, ::envoy::config::route::v3::Route& out);

// Narrows `out` to what the filter takes for a preflight.
void require_preflight(::envoy::config::route::v3::RouteMatch& out);

// A pattern of an allowed origin, as Envoy matches it.
struct Origin {
  std::string pattern;
  bool regex = false;
};
std::vector<Origin> origins_of(const Cors& cors);
void require_origin(const Origin& origin, ::envoy::config::route::v3::RouteMatch& out);
// What the filter adds to the answer to an allowed origin that is not a preflight.
void add_cors_headers(const Cors& cors, ::envoy::config::route::v3::Route& out);

}  // namespace kgw::policy
