#include "policy/redirect.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/envoy_rules.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;
using ::envoy::config::route::v3::RedirectAction;

std::optional<RedirectAction::RedirectResponseCode> response_code(std::uint32_t status) {
  switch (status) {
    case 301:
      return RedirectAction::MOVED_PERMANENTLY;
    case 302:
      return RedirectAction::FOUND;
    case 303:
      return RedirectAction::SEE_OTHER;
    case 307:
      return RedirectAction::TEMPORARY_REDIRECT;
    case 308:
      return RedirectAction::PERMANENT_REDIRECT;
    default:
      return {};
  }
}

std::int32_t well_known_port(bool https) { return https ? 443 : 80; }

// The port to write, or 0 when Envoy gets it right on its own. Envoy keeps the port of the
// request's Host header unless it is told one (or the host is replaced).
std::uint32_t location_port(const Redirect& redirect, const ListenerFacts& listener) {
  const bool https = redirect.scheme.empty() ? listener.tls : redirect.scheme == "https";
  const std::uint32_t implied = well_known_port(https);
  std::uint32_t port = redirect.port;
  if (port == 0 && !redirect.scheme.empty()) port = implied;
  if (port == 0) port = static_cast<std::uint32_t>(listener.port);
  if (port != implied) return port;
  // On a well-known listener port the Host header has no port, or one that Envoy takes away when
  // the scheme changes.
  const bool host_has_port = listener.port != well_known_port(listener.tls);
  return redirect.hostname.empty() && host_has_port ? port : 0;
}

}  // namespace

std::optional<Redirect> bind_redirect(RuleContext& context, const RequestRedirect& spec) {
  const auto broken = [&](std::string message) {
    context.broken("UnsupportedValue", std::move(message));
    return std::nullopt;
  };
  Redirect redirect;
  redirect.status = static_cast<std::uint32_t>(spec.status_code);
  if (!response_code(redirect.status)) {
    At at(context, "statusCode");
    return broken("status code " + std::to_string(spec.status_code) +
                  " is not one of 301, 302, 303, 307 and 308");
  }
  redirect.scheme = spec.scheme.value_or("");
  if (!redirect.scheme.empty() && redirect.scheme != "http" && redirect.scheme != "https") {
    At at(context, "scheme");
    return broken("\"" + redirect.scheme + "\" is not one of http and https");
  }
  if (spec.hostname) {
    At at(context, "hostname");
    if (Problem problem = check_host(*spec.hostname)) return broken(*problem);
    redirect.hostname = *spec.hostname;
  }
  if (spec.port && (*spec.port < 1 || *spec.port > 65535)) {
    At at(context, "port");
    return broken("the port must be from 1 to 65535");
  }
  redirect.port = static_cast<std::uint32_t>(spec.port.value_or(0));
  if (spec.path) {
    redirect.path = bind_path_edit(context, *spec.path);
    if (!redirect.path) return {};
  }
  return redirect;
}

void encode_redirect(const Redirect& redirect, const BoundMatch& match,
                     const ListenerFacts& listener, RedirectAction& out) {
  out.set_response_code(*response_code(redirect.status));
  if (!redirect.scheme.empty()) out.set_scheme_redirect(redirect.scheme);
  if (!redirect.hostname.empty()) out.set_host_redirect(redirect.hostname);
  if (std::uint32_t port = location_port(redirect, listener)) out.set_port_redirect(port);
  if (!redirect.path) return;
  if (redirect.path->full) {
    out.set_path_redirect(full_replacement(*redirect.path));
  } else {
    out.set_prefix_rewrite(prefix_replacement(*redirect.path, match));
  }
}

}  // namespace kgw::policy
