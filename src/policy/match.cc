#include "policy/match.h"

#include <re2/re2.h>

#include <algorithm>
#include <limits>

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/envoy_rules.h"
#include "policy/path_spelling.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;
using ::envoy::config::route::v3::RouteMatch;

bool usable(RuleContext& context, const Problem& problem) {
  if (problem) context.dropped("UnsupportedValue", *problem);
  return !problem;
}

// Repeats of a name count only once, and the first is the one (Gateway API HTTPHeaderMatch).
bool has(const std::vector<NamedValueMatch>& list, const std::string& name) {
  return std::ranges::any_of(list, [&](const NamedValueMatch& m) { return m.name == name; });
}

// Takes any value of what is present.
constexpr const char* kAnything = "\\C*";

NamedValueMatch present(std::string name) {
  return {ValueMatchType::kRegularExpression, std::move(name), kAnything};
}

void bind_headers(RuleContext& context, const std::vector<NamedValueMatch>& spec,
                  std::vector<NamedValueMatch>& out) {
  for (std::size_t i = 0; i < spec.size(); ++i) {
    At at(context, "headers", i);
    const NamedValueMatch& match = spec[i];
    NamedValueMatch bound{match.type, to_lower(match.name), match.value};
    if (!usable(context, check_header_name(bound.name))) {
      bound = present(kUnusableName);
    } else if (!usable(context, match.type == ValueMatchType::kRegularExpression
                                    ? check_regex(match.value)
                                    : check_header_value(match.value))) {
      bound = present(std::move(bound.name));
    }
    if (!has(out, bound.name)) out.push_back(std::move(bound));
  }
}

void bind_query(RuleContext& context, const std::vector<NamedValueMatch>& spec,
                std::vector<NamedValueMatch>& out) {
  for (std::size_t i = 0; i < spec.size(); ++i) {
    At at(context, "queryParams", i);
    NamedValueMatch bound = spec[i];
    if (bound.name.empty() || bound.name.size() > 1024) {
      context.dropped("UnsupportedValue", "the parameter name must have 1 to 1024 bytes");
      bound = present(kUnusableName);
    } else if (bound.type == ValueMatchType::kRegularExpression &&
               !usable(context, check_regex(bound.value))) {
      bound = present(std::move(bound.name));
    }
    if (!has(out, bound.name)) out.push_back(std::move(bound));
  }
}

// Whatever begins so, with the rank of an expression: nothing that is less certain stands before.
void take_what_begins_with(const std::string& beginning, BoundMatch& out) {
  out.path_type = PathMatchType::kRegularExpression;
  out.raw_prefix = false;
  out.path = re2::RE2::QuoteMeta(beginning) + kAnything;
}

void bind_literal(RuleContext& context, const std::string& value, BoundMatch& out) {
  out.path = normal_path(value);
  if (!usable(context, check_path(value)) || !usable(context, check_segments(out.path))) {
    return take_what_begins_with(certain_beginning(value), out);
  }
  const bool prefix = out.path_type == PathMatchType::kPathPrefix;
  while (prefix && out.path.size() > 1 && out.path.ends_with('/')) out.path.pop_back();
  if (takes_any_case(out.path, prefix ? PathEnd::kSegments : PathEnd::kNothing)) {
    context.warn("UnsupportedValue",
                 "the path is too long for Envoy to compare its escapes in either case and its "
                 "letters in theirs: letters of either case match");
  }
}

void bind_path(RuleContext& context, const PathMatch& spec, BoundMatch& out) {
  At at(context, "path");
  out.path_type = spec.type;
  if (spec.type != PathMatchType::kRegularExpression) {
    return bind_literal(context, spec.value, out);
  }
  out.path = spec.value;
  if (!usable(context, check_regex(spec.value))) {
    take_what_begins_with(certain_beginning(spec.value), out);
  }
}

void bind_grpc_exact(RuleContext& context, const std::string& service, const std::string& method,
                     BoundMatch& out) {
  if (service.find('/') != std::string::npos || method.find('/') != std::string::npos) {
    context.dropped("UnsupportedValue", "service and method must not contain \"/\"");
    return take_what_begins_with("/", out);
  }
  if (service.empty()) {
    out.path_type = PathMatchType::kRegularExpression;
    out.path = "/[^/]+/" + re2::RE2::QuoteMeta(method);
    if (!usable(context, check_regex(out.path))) take_what_begins_with("/", out);
    return;
  }
  out.path_type = method.empty() ? PathMatchType::kPathPrefix : PathMatchType::kExact;
  out.raw_prefix = method.empty();
  out.path = "/" + service + "/" + method;
  if (!usable(context, check_path(out.path))) {
    take_what_begins_with(certain_beginning(out.path), out);
  }
}

void bind_grpc_method(RuleContext& context, const GrpcMethodMatch& spec, BoundMatch& out) {
  At at(context, "method");
  const std::string service = spec.service.value_or("");
  const std::string method = spec.method.value_or("");
  if (service.empty() && method.empty()) return;
  if (spec.type == ValueMatchType::kExact) return bind_grpc_exact(context, service, method, out);
  // Each part is checked alone, so that "a)(b" cannot become valid by what stands around it.
  for (const std::string& part : {service, method}) {
    if (!part.empty() && !usable(context, check_regex(part))) {
      return take_what_begins_with(certain_beginning("/" + service), out);
    }
  }
  const auto part = [](const std::string& text) {
    return text.empty() ? "[^/]+" : "(?:" + text + ")";
  };
  out.path_type = PathMatchType::kRegularExpression;
  out.path = "/" + part(service) + "/" + part(method);
  if (!usable(context, check_regex(out.path))) {
    take_what_begins_with(certain_beginning("/" + service), out);
  }
}

template <class T>
T inverse(std::size_t count) {
  return static_cast<T>(std::numeric_limits<T>::max() -
                        std::min<std::size_t>(count, std::numeric_limits<T>::max()));
}

// Expressions are not ranked among themselves, as in kgateway.
std::uint8_t path_rank(const BoundMatch& match) {
  switch (match.path_type) {
    case PathMatchType::kExact:
      return 0;
    case PathMatchType::kPathPrefix:
      return match.raw_prefix ? 1 : 3;
    case PathMatchType::kRegularExpression:
      return 2;
  }
  return 3;
}

void encode_value(const NamedValueMatch& match, ::envoy::type::matcher::v3::StringMatcher& out) {
  if (match.type == ValueMatchType::kExact) {
    out.set_exact(match.value);
  } else {
    out.mutable_safe_regex()->set_regex(match.value);
  }
}

PathEnd end_of(const BoundMatch& match) {
  if (match.path_type == PathMatchType::kExact) return PathEnd::kNothing;
  return match.raw_prefix || match.path == "/" ? PathEnd::kAnything : PathEnd::kSegments;
}

void encode_literal(const BoundMatch& match, RouteMatch& out) {
  const PathEnd end = end_of(match);
  switch (end) {
    case PathEnd::kNothing:
      out.set_path(match.path);
      break;
    case PathEnd::kSegments:
      out.set_path_separated_prefix(match.path);
      break;
    case PathEnd::kAnything:  // Envoy's segment prefix cannot be "/", which needs none
      out.set_prefix(match.path);
      break;
  }
  if (!has_spellings(match.path)) return;
  out.mutable_case_sensitive()->set_value(false);
  const std::string regex = spelling_regex(match.path, end);
  if (regex.empty()) return;
  auto& header = *out.add_headers();
  header.set_name(":path");
  header.mutable_string_match()->mutable_safe_regex()->set_regex(regex);
}

}  // namespace

BoundMatch bind_match(RuleContext& context, const HttpRouteMatch& spec) {
  BoundMatch match;
  bind_path(context, spec.path, match);
  if (spec.method) {
    At at(context, "method");
    match.method = usable(context, check_header_name(*spec.method)) ? spec.method->str()
                                                                    : std::string(kUnusableMethod);
  }
  bind_headers(context, spec.headers, match.headers);
  bind_query(context, spec.query_params, match.query);
  return match;
}

BoundMatch bind_match(RuleContext& context, const GrpcRouteMatch& spec) {
  BoundMatch match;
  if (spec.method) bind_grpc_method(context, *spec.method, match);
  bind_headers(context, spec.headers, match.headers);
  return match;
}

BoundMatch guard_of(const BoundMatch& match) {
  BoundMatch guard = match;
  if (match.path_type == PathMatchType::kRegularExpression) {
    take_what_begins_with(certain_beginning(match.path), guard);
  }
  for (NamedValueMatch& header : guard.headers) header = present(std::move(header.name));
  for (NamedValueMatch& parameter : guard.query) parameter = present(std::move(parameter.name));
  return guard;
}

Specificity specificity(const BoundMatch& match) {
  Specificity result;
  result.path_rank = path_rank(match);
  if (match.path_type == PathMatchType::kPathPrefix) {
    result.path_length_inverse = inverse<std::uint32_t>(match.path.size());
  }
  result.method = match.method.empty() ? MethodRank::kAny : MethodRank::kMethod;
  result.headers_inverse = inverse<std::uint16_t>(match.headers.size());
  result.query_inverse = inverse<std::uint16_t>(match.query.size());
  return result;
}

void encode_match(const BoundMatch& match, RouteMatch& out) {
  if (match.path_type == PathMatchType::kRegularExpression) {
    out.mutable_safe_regex()->set_regex(match.path);
  } else {
    encode_literal(match, out);
  }
  if (!match.method.empty() && match.method != kUnusableMethod) {
    auto& header = *out.add_headers();
    header.set_name(":method");
    header.mutable_string_match()->set_exact(match.method);
  }
  for (const NamedValueMatch& header : match.headers) {
    if (header.name == kUnusableName) continue;
    auto& matcher = *out.add_headers();
    matcher.set_name(header.name);
    encode_value(header, *matcher.mutable_string_match());
  }
  for (const NamedValueMatch& parameter : match.query) {
    if (parameter.name == kUnusableName) continue;
    auto& matcher = *out.add_query_parameters();
    matcher.set_name(parameter.name);
    encode_value(parameter, *matcher.mutable_string_match());
  }
}

}  // namespace kgw::policy
