// Feature: RequestRedirect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/path_edit.h"

namespace envoy::config::route::v3 {
class RedirectAction;
class RouteMatch;
}  // namespace envoy::config::route::v3

namespace kgw::policy {

class RuleContext;

struct Redirect {
  std::string scheme;    // "http", "https"; empty = that of the request
  std::string hostname;  // empty = that of the request
  std::optional<PathEdit> path;
  std::uint32_t port = 0;  // 0 = by the rules of Gateway API
  std::uint32_t status = 302;

  // Whether the Location depends on where the request came in.
  bool depends_on_listener() const { return scheme.empty(); }
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

// Where a request came in.
struct ListenerFacts {
  std::int32_t port = 0;
  bool tls = false;

  friend auto operator<=>(const ListenerFacts&, const ListenerFacts&) = default;
};

std::optional<Redirect> bind_redirect(RuleContext& context, const RequestRedirect& spec);

// Annotation kgateway.dev/http-redirect-status-code of the route, which overrides statusCode: "307"
// for every rule, or "one=307,other=308" for rules by name.
inline constexpr const char* kRedirectCodeAnnotation = "kgateway.dev/http-redirect-status-code";
void override_redirect_code(RuleContext& context, const std::string& annotation,
                            std::string_view rule_name, Redirect& redirect);

// The port of a Location (HTTPRequestRedirectFilter.port): the one given; else the well-known one
// of a given scheme; else the listener's.
struct LocationPort {
  std::uint32_t number = 0;
  // The scheme says as much, so it is only written to take the place of another one: Envoy keeps
  // the port of the request's Host header unless it is told a port or a host.
  bool implied = false;
};
LocationPort location_port(const Redirect& redirect, const ListenerFacts& listener);

// Whether requests whose Host header has a port need a Route of their own, because only there the
// port is to be written.
bool depends_on_host_port(const Redirect& redirect, const ListenerFacts& listener);
// Narrows `out` to such requests.
void require_host_port(::envoy::config::route::v3::RouteMatch& out);

// `port`: to be written; 0 = none.
void encode_redirect(const Redirect& redirect, const BoundMatch& match, std::uint32_t port,
                     ::envoy::config::route::v3::RedirectAction& out);

}  // namespace kgw::policy
