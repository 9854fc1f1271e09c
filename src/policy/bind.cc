#include "policy/bind.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "policy/filters.h"
#include "policy/parse_number.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

// Envoy's limit for the sum of the weights of one route.
constexpr std::uint64_t kMaxTotalWeight = 4294967295;

Box<Actions> boxed(Actions actions) {
  return actions == Actions() ? Box<Actions>() : Box<Actions>(std::move(actions));
}

// `keep_idle`: backends of weight 0 may still have sessions.
void bind_backends(RuleContext& context, const std::vector<RouteBackendRef>& refs, bool keep_idle,
                   BoundRule& rule) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    At at(context, "backendRefs", i);
    const RouteBackendRef& ref = refs[i];
    BoundBackend backend;
    Actions actions;
    Box<Redirect> redirect;
    bind_filters(context, ref.filters, FilterLevel::kBackend, actions, redirect);
    const attach::ResolvedBackend resolved = context.resolve(ref.ref);
    if (ref.weight < 0) {
      At field(context, "weight");
      context.broken("UnsupportedValue", "the weight must not be negative");
      continue;
    }
    backend.weight = static_cast<std::uint32_t>(ref.weight);
    total += backend.weight;
    backend.valid = !resolved.unresolved;
    if (backend.weight == 0 && !(keep_idle && backend.valid)) continue;
    if (backend.valid) {
      backend.cluster = resolved.cluster;
      backend.websocket = resolved.websocket;
    }
    backend.actions = boxed(std::move(actions));
    rule.backends.push_back(std::move(backend));
  }
  if (total > kMaxTotalWeight) {
    At at(context, "backendRefs");
    context.broken("UnsupportedValue", "the sum of the weights is above 4294967295");
  }
}

// A prefix can be replaced only where a prefix is matched.
void check_path_edits(RuleContext& context, const BoundRule& rule) {
  const auto by_prefix = [](const std::optional<PathEdit>& edit) { return edit && !edit->full; };
  const auto rewrites = [&](const Box<Actions>& actions) {
    return actions && actions->rewrite && by_prefix(actions->rewrite->path);
  };
  bool needs_prefix = rewrites(rule.actions) || (rule.redirect && by_prefix(rule.redirect->path));
  for (const BoundBackend& backend : rule.backends) {
    needs_prefix = needs_prefix || rewrites(backend.actions);
  }
  if (!needs_prefix) return;
  for (const BoundMatch& match : rule.matches) {
    if (match.path_type == PathMatchType::kPathPrefix) continue;
    context.broken("UnsupportedValue",
                   "ReplacePrefixMatch is only possible where all matches are of type PathPrefix");
    return;
  }
}

void warn_of_filters(RuleContext& context, const std::vector<RouteFilter>& filters, FilterType type,
                     const char* message) {
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (filters[i].type != type) continue;
    At at(context, "filters", i);
    context.warn("UnsupportedValue", message);
  }
}

void warn_of_field(RuleContext& context, bool present, const char* field) {
  if (!present) return;
  At at(context, field);
  context.warn("UnsupportedValue", "has no effect: the rule redirects and forwards nothing");
}

// Reports what a rule says in vain because it forwards nothing.
template <class Rule>
void report_idle_fields(RuleContext& context, const Rule& spec, const BoundRule& rule) {
  if (rule.redirect) {
    warn_of_filters(context, spec.filters, FilterType::kRequestMirror,
                    "nothing is mirrored: the rule redirects and forwards nothing");
    warn_of_filters(context, spec.filters, FilterType::kRequestHeaderModifier,
                    "has no effect: the rule redirects and forwards nothing");
    warn_of_field(context, static_cast<bool>(spec.session_persistence), "sessionPersistence");
    if constexpr (requires { spec.timeouts; }) {
      warn_of_field(context, static_cast<bool>(spec.timeouts), "timeouts");
      warn_of_field(context, static_cast<bool>(spec.retry), "retry");
    }
  } else if (std::ranges::none_of(rule.backends, &BoundBackend::valid)) {
    warn_of_filters(context, spec.filters, FilterType::kRequestMirror,
                    "nothing is mirrored: the rule has no valid backend to forward to");
  }
}

template <class Rule>
bool protects(const Rule& spec) {
  return has_protecting(spec.filters) ||
         std::ranges::any_of(spec.backend_refs, has_protecting, &RouteBackendRef::filters);
}

template <class Rule>
BoundRule bind_common(RuleContext& context, const Rule& spec) {
  BoundRule rule;
  if (spec.name) rule.name = Name(*spec.name);
  for (std::size_t i = 0; i < spec.matches.size(); ++i) {
    At at(context, "matches", i);
    rule.matches.push_back(bind_match(context, spec.matches[i]));
  }
  if (spec.matches.empty()) rule.matches.emplace_back();
  Actions actions;
  bind_filters(context, spec.filters, FilterLevel::kRule, actions, rule.redirect);
  if (rule.redirect) actions.mirrors.clear();
  rule.actions = boxed(std::move(actions));
  const Box<SessionPersistence>& persistence = spec.session_persistence;
  bind_backends(context, spec.backend_refs, persistence && pins_backends(*persistence), rule);
  if (!context.dropped()) check_path_edits(context, rule);
  rule.protects = protects(spec);
  if (persistence) {
    if (auto session = bind_session(context, *persistence, {rule.name, rule.matches},
                                    spec.backend_refs.size())) {
      rule.session = Box<Session>(*std::move(session));
    }
  }
  report_idle_fields(context, spec, rule);
  return rule;
}

BoundRule bind_rule(RuleContext& context, const HttpRouteRule& spec) {
  BoundRule rule = bind_common(context, spec);
  if (spec.timeouts) {
    if (auto timeouts = bind_timeouts(context, *spec.timeouts)) {
      rule.timeouts = Box<Timeouts>(*timeouts);
    }
  }
  if (spec.retry) {
    if (auto retry = bind_retry(context, *spec.retry)) rule.retry = Box<Retry>(*std::move(retry));
  }
  return rule;
}

BoundRule bind_rule(RuleContext& context, const GrpcRouteRule& spec) {
  BoundRule rule = bind_common(context, spec);
  rule.grpc = true;
  return rule;
}

// Nothing of a rule that will not forward needs to be kept, least of all its clusters.
void strip(BoundRule& rule) {
  if (rule.dropped) rule.matches.clear();
  rule.actions.reset();
  rule.redirect.reset();
  rule.backends.clear();
  rule.timeouts.reset();
  rule.retry.reset();
  rule.session.reset();
}

std::string numbered(const char* what, std::size_t index, const BoundRule& rule) {
  const std::string name = rule.name.empty() ? std::to_string(index) : rule.name.str();
  const Fault& fault = rule.dropped ? rule.dropped : rule.broken;
  return std::string(what) + " Rule (" + name + "): " + fault.message;
}

// Annotation kgateway.dev/route-weight, an int32.
void bind_weight(const StringMap& annotations, BoundRoute& route) {
  constexpr const char* kAnnotation = "kgateway.dev/route-weight";
  const auto text = annotations.find(kAnnotation);
  if (text == annotations.end()) return;
  if (const auto weight = parse_number<std::int32_t>(text->second)) {
    route.weight = *weight;
    return;
  }
  route.diagnostics.push_back({route.ref,
                               std::string("metadata.annotations[") + kAnnotation + "]",
                               "UnsupportedValue",
                               "\"" + text->second + "\" is not a 32-bit number and counts as 0",
                               Severity::kWarning,
                               {}});
}

std::string warnings_of(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity != Severity::kWarning) continue;
    text += (text.empty() ? "" : "; ") + diagnostic.field + ": " + diagnostic.message;
  }
  return text;
}

// The route's verdicts from those of its rules.
void summarize(BoundRoute& route) {
  route.warnings = warnings_of(route.diagnostics);
  std::size_t faulty = 0;
  Fault first;
  std::string details;
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    const BoundRule& rule = route.rules[i];
    if (!rule.broken && !rule.dropped) continue;
    ++faulty;
    if (!first) first = rule.dropped ? rule.dropped : rule.broken;
    if (!details.empty()) details += "; ";
    details += numbered(rule.dropped ? "Dropped" : "Replaced", i, rule);
    if (!route.replaced) {
      route.replaced.reason = rule.dropped ? "RouteRuleDropped" : "RouteRuleReplaced";
    }
  }
  if (faulty == 0) return;
  route.replaced.message = details;
  (faulty == route.rules.size() ? route.unaccepted : route.partially_invalid) = {first.reason,
                                                                                 details};
}

// Under one name a client holds one session, so rules that send elsewhere take it from each other.
void report_shared_sessions(BoundRoute& route) {
  const auto clusters = [](const BoundRule& rule) {
    std::set<attach::ClusterId> result;
    for (const BoundBackend& backend : rule.backends) result.insert(backend.cluster);
    return result;
  };
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    const BoundRule& rule = route.rules[i];
    const auto collides = [&](const BoundRule& other) {
      return rule.session && other.session && rule.session->name == other.session->name &&
             rule.session->header == other.session->header &&
             rule.session->path == other.session->path && clusters(rule) != clusters(other);
    };
    const auto end = route.rules.begin() + static_cast<std::ptrdiff_t>(i);
    const auto first = std::find_if(route.rules.begin(), end, collides);
    if (first == end) continue;
    route.diagnostics.push_back({route.ref,
                                 "spec.rules[" + std::to_string(i) + "].sessionPersistence",
                                 "UnsupportedValue",
                                 "\"" + rule.session->name + "\" also names the sessions of rule " +
                                     std::to_string(first - route.rules.begin()) +
                                     ", which has other backends: a client loses one by the other",
                                 Severity::kWarning,
                                 {}});
  }
}

template <class Route>
BoundRoute bind_http(const Route& route, const Resolver& resolve, bool weighted) {
  BoundRoute bound;
  bound.ref = route.ref();
  bound.creation_time = route.metadata.creation_time;
  const StringMap& annotations = route.metadata.annotations;
  const auto redirect_code = annotations.find(kRedirectCodeAnnotation);
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    RuleContext context(bound.ref, "spec.rules[" + std::to_string(i) + "]", resolve,
                        bound.diagnostics);
    BoundRule rule = bind_rule(context, route.rules[i]);
    if (redirect_code != annotations.end() && rule.redirect) {
      override_redirect_code(context, redirect_code->second, rule.name.view(), *rule.redirect);
    }
    rule.broken = context.broken();
    rule.dropped = context.dropped();
    // What it protects must not become reachable by the next rule.
    if (rule.dropped && rule.protects) rule.broken = std::exchange(rule.dropped, {});
    if (rule.broken || rule.dropped) strip(rule);
    if (!bound.unresolved) bound.unresolved = context.unresolved();
    bound.rules.push_back(std::move(rule));
  }
  if (weighted) bind_weight(annotations, bound);
  report_shared_sessions(bound);
  summarize(bound);
  // Without rules a route takes every request, but has no backend for it.
  if (route.rules.empty()) {
    BoundRule& rule = bound.rules.emplace_back();
    rule.matches.emplace_back();
    rule.grpc = std::is_same_v<Route, GrpcRoute>;
  }
  return bound;
}

}  // namespace

BoundRoute bind_route(const HttpRoute& route, const Resolver& resolve, bool weighted) {
  return bind_http(route, resolve, weighted);
}

BoundRoute bind_route(const GrpcRoute& route, const Resolver& resolve) {
  return bind_http(route, resolve, false);
}

BoundStreamRoute bind_route(const StreamRoute& route, const Resolver& resolve) {
  BoundStreamRoute bound;
  bound.ref = route.ref();
  bound.creation_time = route.metadata.creation_time;
  if (route.rules.empty()) return bound;
  const StreamRouteRule& rule = route.rules.front();
  if (rule.name) bound.rule_name = Name(*rule.name);
  RuleContext context(bound.ref, "spec.rules[0]", resolve, bound.diagnostics);
  for (std::size_t i = 0; i < rule.backend_refs.size(); ++i) {
    At at(context, "backendRefs", i);
    const RouteBackendRef& ref = rule.backend_refs[i];
    const attach::ResolvedBackend resolved = context.resolve(ref.ref);
    if (ref.weight <= 0) continue;
    const bool valid = !resolved.unresolved;
    bound.backends.push_back(
        {valid ? resolved.cluster : ClusterId(), static_cast<std::uint32_t>(ref.weight), valid});
  }
  bound.unresolved = context.unresolved();
  return bound;
}

}  // namespace kgw::policy
