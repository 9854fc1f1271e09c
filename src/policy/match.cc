#include "policy/match.h"

#include <re2/re2.h>

#include <algorithm>
#include <limits>

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/envoy_rules.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

bool usable(RuleContext& context, const Problem& problem) {
  if (problem) context.dropped("UnsupportedValue", *problem);
  return !problem;
}

// Repeats of a name count only once, and the first is the one (Gateway API HTTPHeaderMatch).
bool has(const std::vector<NamedValueMatch>& list, const std::string& name) {
  return std::ranges::any_of(list, [&](const NamedValueMatch& m) { return m.name == name; });
}

bool bind_headers(RuleContext& context, const std::vector<NamedValueMatch>& spec,
                  std::vector<NamedValueMatch>& out) {
  for (std::size_t i = 0; i < spec.size(); ++i) {
    At at(context, "headers", i);
    const NamedValueMatch& match = spec[i];
    const std::string name = to_lower(match.name);
    if (!usable(context, check_header_name(name))) return false;
    if (!usable(context, match.type == ValueMatchType::kRegularExpression
                             ? check_regex(match.value)
                             : check_header_value(match.value))) {
      return false;
    }
    if (!has(out, name)) out.push_back({match.type, name, match.value});
  }
  return true;
}

bool bind_query(RuleContext& context, const std::vector<NamedValueMatch>& spec,
                std::vector<NamedValueMatch>& out) {
  for (std::size_t i = 0; i < spec.size(); ++i) {
    At at(context, "queryParams", i);
    const NamedValueMatch& match = spec[i];
    if (match.name.empty() || match.name.size() > 1024) {
      context.dropped("UnsupportedValue", "the parameter name must have 1 to 1024 bytes");
      return false;
    }
    if (match.type == ValueMatchType::kRegularExpression &&
        !usable(context, check_regex(match.value))) {
      return false;
    }
    if (!has(out, match.name)) out.push_back(match);
  }
  return true;
}

bool bind_path(RuleContext& context, const PathMatch& spec, BoundMatch& out) {
  At at(context, "path");
  out.path_type = spec.type;
  out.path = spec.value;
  if (spec.type == PathMatchType::kRegularExpression) {
    return usable(context, check_regex(spec.value));
  }
  if (!usable(context, check_path(spec.value))) return false;
  if (spec.type == PathMatchType::kPathPrefix) {
    while (out.path.size() > 1 && out.path.ends_with('/')) out.path.pop_back();
  }
  return true;
}

bool bind_grpc_exact(RuleContext& context, const std::string& service, const std::string& method,
                     BoundMatch& out) {
  if (service.find('/') != std::string::npos || method.find('/') != std::string::npos) {
    context.dropped("UnsupportedValue", "service and method must not contain \"/\"");
    return false;
  }
  if (!service.empty()) {
    out.path_type = method.empty() ? PathMatchType::kPathPrefix : PathMatchType::kExact;
    out.raw_prefix = method.empty();
    out.path = "/" + service + "/" + method;
    return usable(context, check_path(out.path));
  }
  out.path_type = PathMatchType::kRegularExpression;
  out.path = "/[^/]+/" + re2::RE2::QuoteMeta(method);
  return usable(context, check_regex(out.path));
}

bool bind_grpc_method(RuleContext& context, const GrpcMethodMatch& spec, BoundMatch& out) {
  At at(context, "method");
  const std::string service = spec.service.value_or("");
  const std::string method = spec.method.value_or("");
  if (service.empty() && method.empty()) return true;
  if (spec.type == ValueMatchType::kExact) return bind_grpc_exact(context, service, method, out);
  // Each part is checked alone, so that "a)(b" cannot become valid by what stands around it.
  for (const std::string& part : {service, method}) {
    if (!part.empty() && !usable(context, check_regex(part))) return false;
  }
  const auto part = [](const std::string& text) {
    return text.empty() ? "[^/]+" : "(?:" + text + ")";
  };
  out.path_type = PathMatchType::kRegularExpression;
  out.path = "/" + part(service) + "/" + part(method);
  return usable(context, check_regex(out.path));
}

template <class T>
T inverse(std::size_t count) {
  return static_cast<T>(std::numeric_limits<T>::max() -
                        std::min<std::size_t>(count, std::numeric_limits<T>::max()));
}

void encode_value(const NamedValueMatch& match, ::envoy::type::matcher::v3::StringMatcher& out) {
  if (match.type == ValueMatchType::kExact) {
    out.set_exact(match.value);
  } else {
    out.mutable_safe_regex()->set_regex(match.value);
  }
}

}  // namespace

std::optional<BoundMatch> bind_match(RuleContext& context, const HttpRouteMatch& spec) {
  BoundMatch match;
  if (!bind_path(context, spec.path, match)) return {};
  if (spec.method) {
    At at(context, "method");
    if (!usable(context, check_header_name(*spec.method))) return {};
    match.method = *spec.method;
  }
  if (!bind_headers(context, spec.headers, match.headers)) return {};
  if (!bind_query(context, spec.query_params, match.query)) return {};
  return match;
}

std::optional<BoundMatch> bind_match(RuleContext& context, const GrpcRouteMatch& spec) {
  BoundMatch match;
  if (spec.method && !bind_grpc_method(context, *spec.method, match)) return {};
  if (!bind_headers(context, spec.headers, match.headers)) return {};
  return match;
}

Specificity specificity(const BoundMatch& match) {
  Specificity result;
  switch (match.path_type) {
    case PathMatchType::kExact:
      break;
    case PathMatchType::kPathPrefix:
      result.path_rank = 1;
      result.path_length_inverse = inverse<std::uint32_t>(match.path.size());
      break;
    case PathMatchType::kRegularExpression:  // not ranked among themselves, as in kgateway
      result.path_rank = 2;
      break;
  }
  result.without_method = match.method.empty() ? 1 : 0;
  result.headers_inverse = inverse<std::uint16_t>(match.headers.size());
  result.query_inverse = inverse<std::uint16_t>(match.query.size());
  return result;
}

void encode_match(const BoundMatch& match, ::envoy::config::route::v3::RouteMatch& out) {
  switch (match.path_type) {
    case PathMatchType::kExact:
      out.set_path(match.path);
      break;
    case PathMatchType::kPathPrefix:
      // Envoy's segment prefix cannot be "/", which needs none.
      if (match.raw_prefix || match.path == "/") {
        out.set_prefix(match.path);
      } else {
        out.set_path_separated_prefix(match.path);
      }
      break;
    case PathMatchType::kRegularExpression:
      out.mutable_safe_regex()->set_regex(match.path);
      break;
  }
  if (!match.method.empty()) {
    auto& header = *out.add_headers();
    header.set_name(":method");
    header.mutable_string_match()->set_exact(match.method);
  }
  for (const NamedValueMatch& header : match.headers) {
    auto& matcher = *out.add_headers();
    matcher.set_name(header.name);
    encode_value(header, *matcher.mutable_string_match());
  }
  for (const NamedValueMatch& parameter : match.query) {
    auto& matcher = *out.add_query_parameters();
    matcher.set_name(parameter.name);
    encode_value(parameter, *matcher.mutable_string_match());
  }
}

}  // namespace kgw::policy
