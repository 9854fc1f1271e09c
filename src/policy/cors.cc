#include "policy/cors.h"

#include <re2/re2.h>

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "policy/envoy_rules.h"
#include "policy/header_edit.h"
#include "policy/http_filters.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

// "https://*.bar.com:8443": "*" stands for any number of labels. Alone ("https://*") it is any
// host, with any port.
std::string origin_regex(const std::string& origin) {
  const std::size_t star = origin.find('*');
  const std::string before = origin.substr(0, star);
  const std::string after = origin.substr(star + 1);
  const bool any_host = before.ends_with("://") && after.empty();
  return re2::RE2::QuoteMeta(before) + (any_host ? "[^/]+" : "[^/:]+") + re2::RE2::QuoteMeta(after);
}

void bind_origins(RuleContext& context, const std::vector<std::string>& origins, Cors& out) {
  for (std::size_t i = 0; i < origins.size(); ++i) {
    At at(context, "allowOrigins", i);
    const std::string& origin = origins[i];
    const auto stars = std::ranges::count(origin, '*');
    if (origin == "*") {
      out.origin_regexes = {".*"};
      out.exact_origins.clear();
      return;
    }
    if (stars == 0) {
      out.exact_origins.push_back(origin);
      continue;
    }
    std::string regex = origin_regex(origin);
    Problem problem = check_regex(regex);
    if (stars > 1) problem = "an origin may have one \"*\"";
    if (problem) {
      context.broken("UnsupportedValue", *problem);
    } else {
      out.origin_regexes.push_back(std::move(regex));
    }
  }
}

// Envoy's "*" echoes what the request asks for.
std::string list_of(RuleContext& context, const char* field,
                    const std::vector<std::string>& values) {
  if (std::ranges::find(values, "*") != values.end()) return "*";
  std::string list;
  for (std::size_t i = 0; i < values.size(); ++i) {
    At at(context, field, i);
    if (Problem problem = check_header_name(values[i])) {
      context.broken("UnsupportedValue", *problem);
      continue;
    }
    if (!list.empty()) list += ", ";
    list += values[i];
  }
  return list;
}

}  // namespace

std::optional<Cors> bind_cors(RuleContext& context, const CorsFilter& spec) {
  Cors cors;
  bind_origins(context, spec.allow_origins, cors);
  cors.allow_credentials = spec.allow_credentials.value_or(false);
  cors.allow_methods = list_of(context, "allowMethods", spec.allow_methods);
  cors.allow_headers = list_of(context, "allowHeaders", spec.allow_headers);
  cors.expose_headers = list_of(context, "exposeHeaders", spec.expose_headers);
  if (cors.expose_headers == "*" && cors.allow_credentials) {
    At at(context, "exposeHeaders");
    context.warn("UnsupportedValue",
                 "\"*\" has no meaning for requests with credentials and is left out");
    cors.expose_headers.clear();
  }
  if (spec.max_age < 0) {
    At at(context, "maxAge");
    context.broken("UnsupportedValue", "the age must not be negative");
    return {};
  }
  cors.max_age = static_cast<std::uint32_t>(spec.max_age);
  return cors;
}

void encode_cors(const Cors& cors, ::envoy::config::route::v3::Route& out) {
  ::envoy::extensions::filters::http::cors::v3::CorsPolicy policy;
  for (const std::string& origin : cors.exact_origins) {
    policy.add_allow_origin_string_match()->set_exact(origin);
  }
  for (const std::string& regex : cors.origin_regexes) {
    policy.add_allow_origin_string_match()->mutable_safe_regex()->set_regex(regex);
  }
  policy.set_allow_methods(cors.allow_methods);
  policy.set_allow_headers(cors.allow_headers);
  policy.set_expose_headers(cors.expose_headers);
  policy.set_max_age(std::to_string(cors.max_age));
  if (cors.allow_credentials) policy.mutable_allow_credentials()->set_value(true);
  // A preflight from elsewhere is answered here, without CORS headers, and never forwarded.
  policy.mutable_forward_not_matching_preflights()->set_value(false);
  set_filter_config(out, kCorsFilter, policy);
}

void require_preflight(::envoy::config::route::v3::RouteMatch& out) {
  auto& method = *out.add_headers();
  method.set_name(":method");
  method.mutable_string_match()->set_exact("OPTIONS");
  for (const char* name : {"origin", "access-control-request-method"}) {
    auto& header = *out.add_headers();
    header.set_name(name);
    header.mutable_string_match()->mutable_safe_regex()->set_regex(".+");
  }
}

std::vector<Origin> origins_of(const Cors& cors) {
  std::vector<Origin> origins;
  for (const std::string& origin : cors.exact_origins) origins.push_back({origin, false});
  for (const std::string& regex : cors.origin_regexes) origins.push_back({regex, true});
  return origins;
}

void require_origin(const Origin& origin, ::envoy::config::route::v3::RouteMatch& out) {
  auto& header = *out.add_headers();
  header.set_name("origin");
  auto& match = *header.mutable_string_match();
  if (origin.regex) {
    match.mutable_safe_regex()->set_regex(origin.pattern);
  } else {
    match.set_exact(origin.pattern);
  }
}

void add_cors_headers(const Cors& cors, ::envoy::config::route::v3::Route& out) {
  const auto add = [&](const char* name, const std::string& value) {
    overwrite_header(name, value, *out.add_response_headers_to_add());
  };
  add("access-control-allow-origin", "%REQ(origin)%");
  if (cors.allow_credentials) add("access-control-allow-credentials", "true");
  if (!cors.expose_headers.empty()) add("access-control-expose-headers", cors.expose_headers);
}

}  // namespace kgw::policy
