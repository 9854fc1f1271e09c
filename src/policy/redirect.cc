#include "policy/redirect.h"

#include <ranges>

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/envoy_rules.h"
#include "policy/parse_number.h"
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

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
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

void override_redirect_code(RuleContext& context, const std::string& annotation,
                            std::string_view rule_name, Redirect& redirect) {
  for (const auto part : std::views::split(annotation, ',')) {
    const std::string_view entry = trimmed({part.begin(), part.end()});
    const std::size_t equals = entry.find('=');
    const bool named = equals != std::string_view::npos;
    if (named && trimmed(entry.substr(0, equals)) != rule_name) continue;
    const auto code = parse_number<std::uint32_t>(named ? entry.substr(equals + 1) : entry);
    if (!code || !response_code(*code)) {
      context.broken("UnsupportedValue", std::string("annotation ") + kRedirectCodeAnnotation +
                                             ": \"" + std::string(entry) +
                                             "\" does not give one of 301, 302, 303, 307 and 308");
      return;
    }
    redirect.status = *code;
  }
}

LocationPort location_port(const Redirect& redirect, const ListenerFacts& listener) {
  const bool https = redirect.scheme.empty() ? listener.tls : redirect.scheme == "https";
  const std::uint32_t well_known = https ? 443 : 80;
  LocationPort port{redirect.port};
  if (port.number == 0 && !redirect.scheme.empty()) port.number = well_known;
  if (port.number == 0) port.number = static_cast<std::uint32_t>(listener.port);
  port.implied = port.number == well_known;
  return port;
}

bool depends_on_host_port(const Redirect& redirect, const ListenerFacts& listener) {
  return redirect.hostname.empty() && location_port(redirect, listener).implied;
}

void require_host_port(::envoy::config::route::v3::RouteMatch& out) {
  auto& header = *out.add_headers();
  header.set_name(":authority");
  header.mutable_string_match()->set_contains(":");
}

void encode_redirect(const Redirect& redirect, const BoundMatch& match, std::uint32_t port,
                     RedirectAction& out) {
  out.set_response_code(*response_code(redirect.status));
  if (!redirect.scheme.empty()) out.set_scheme_redirect(redirect.scheme);
  if (!redirect.hostname.empty()) out.set_host_redirect(redirect.hostname);
  if (port != 0) out.set_port_redirect(port);
  if (!redirect.path) return;
  if (redirect.path->full) {
    out.set_path_redirect(full_replacement(*redirect.path));
  } else {
    out.set_prefix_rewrite(prefix_replacement(*redirect.path, match));
  }
}

}  // namespace kgw::policy
