// Feature: ExternalAuth (GEP-1494), by an ext_authz filter of the route's own inside the composite
// filter kExtAuthFilter. A request that cannot be checked is refused (403), also when the answer
// takes more than 2 s: Gateway API has no field for this limit, so it is that of kgateway's
// extAuth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/filters.h"
#include "attach/backend_ref.h"

namespace envoy::config::route::v3 {
class Route;
}
namespace envoy::extensions::filters::http::ext_authz::v3 {
class ExtAuthz;
}

namespace kgw::policy {

class RuleContext;

struct ExtAuth {
  attach::ClusterId cluster;
  bool grpc = false;
  std::string path_prefix;                   // HTTP only
  std::vector<std::string> request_headers;  // gRPC: empty = all; HTTP: besides the usual ones
  std::vector<std::string>
      response_headers;          // HTTP only; empty = all but Host and those of the body
  std::uint32_t body_bytes = 0;  // 0 = the body is not sent; a longer one is refused (413)

  friend bool operator==(const ExtAuth&, const ExtAuth&) = default;
};

// A backend that cannot be resolved breaks the rule: nothing passes unchecked.
std::optional<ExtAuth> bind_ext_auth(RuleContext& context, const ExternalAuthFilter& spec);

// The filter itself, also for listeners (listeners[].filters).
void encode_ext_authz(const ExtAuth& auth,
                      ::envoy::extensions::filters::http::ext_authz::v3::ExtAuthz& out);
void encode_ext_auth(const ExtAuth& auth, ::envoy::config::route::v3::Route& out);

}  // namespace kgw::policy
