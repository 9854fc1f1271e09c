// Feature: CORS (GEP-1767), by Envoy's CORS filter.
//
// The filter echoes the request's origin, and for "*" the requested method and headers, so "*" is
// never sent together with credentials. It only acts on routes that forward: a redirect is not
// covered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/filters.h"

namespace envoy::config::route::v3 {
class Route;
}

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

}  // namespace kgw::policy
