// Feature: RequestRedirect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "policy/path_edit.h"

namespace envoy::config::route::v3 {
class RedirectAction;
}

namespace kgw::policy {

class RuleContext;

struct Redirect {
  std::string scheme;    // "http", "https"; empty = that of the request
  std::string hostname;  // empty = that of the request
  std::optional<PathEdit> path;
  std::uint32_t port = 0;  // 0 = by the rules of Gateway API
  std::uint32_t status = 302;

  // Whether the Location depends on where the request came in.
  bool depends_on_listener() const { return scheme.empty() || hostname.empty(); }
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

// Where a request came in.
struct ListenerFacts {
  std::int32_t port = 0;
  bool tls = false;

  friend auto operator<=>(const ListenerFacts&, const ListenerFacts&) = default;
};

std::optional<Redirect> bind_redirect(RuleContext& context, const RequestRedirect& spec);

// The port of the Location (HTTPRequestRedirectFilter.port): the one given; else the well-known one
// of a given scheme; else the listener's. A port that the scheme implies is left out.
void encode_redirect(const Redirect& redirect, const BoundMatch& match,
                     const ListenerFacts& listener,
                     ::envoy::config::route::v3::RedirectAction& out);

}  // namespace kgw::policy
