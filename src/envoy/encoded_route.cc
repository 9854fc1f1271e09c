#include "envoy/encoded_route.h"

#include <xxhash.h>

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/constraints.h"
#include "envoy/route_entry.h"
#include "envoy/splice.h"
#include "policy/preflight.h"

namespace kgw::envoy {
namespace {

namespace proto = ::envoy::config::route::v3;
using policy::BoundRoute;
using policy::BoundRule;
using policy::ListenerFacts;

Version hash_of(std::string_view bytes) { return {XXH3_64bits(bytes.data(), bytes.size())}; }

struct MatchRoutes {
  std::vector<std::string> own;
  std::vector<std::string> preflights;
};

// The Routes of one rule for one listener, by match.
using RuleRoutes = std::vector<MatchRoutes>;

RuleRoutes encode_rule(const BoundRule& rule, const ListenerFacts& listener) {
  RuleRoutes routes;
  for (const policy::BoundMatch& match : rule.matches) {
    routes.push_back({encode_routes(rule, match, listener), encode_preflights(rule, match)});
  }
  return routes;
}

void replace(const BoundRule& rule, RuleRoutes& routes) {
  for (std::size_t i = 0; i < rule.matches.size(); ++i) {
    routes[i] = {{encode_replaced(rule, rule.matches[i])}, {}};
  }
}

// A matcher was refused that passed all checks here.
void guard(const BoundRule& rule, RuleRoutes& routes) {
  for (std::size_t i = 0; i < rule.matches.size(); ++i) {
    routes[i] = {{encode_replaced(rule, policy::guard_of(rule.matches[i]))}, {}};
  }
}

std::optional<std::string> broken(std::string_view route) {
  static const auto& type = *proto::Route::descriptor();
  return broken_constraint(type, route);
}

std::optional<std::string> broken(const std::vector<RuleRoutes>& by_variant) {
  for (const RuleRoutes& matches : by_variant) {
    for (const MatchRoutes& routes : matches) {
      for (const auto* list : {&routes.own, &routes.preflights}) {
        for (const std::string& bytes : *list) {
          if (auto found = broken(bytes)) return found;
        }
      }
    }
  }
  return std::nullopt;
}

// A rule that Envoy would refuse answers 500; if its matches are what breaks, it is left out.
void check_constraints(const BoundRule& rule, const std::vector<RuleRoutes>& by_variant,
                       EncodedRule& encoded) {
  if (encoded.quarantine != Quarantine::kNone) return;
  std::optional<std::string> found = broken(by_variant);
  if (!found) return;
  const bool replaceable = std::ranges::none_of(rule.matches, [&](const auto& match) {
    return broken(encode_replaced(rule, match)).has_value();
  });
  encoded.quarantine = replaceable ? Quarantine::kReplaced : Quarantine::kDropped;
  encoded.refusal = *std::move(found);
}

// "HTTPRoute/ns/name/rule": who, but not where. An unnamed rule is called by its content.
std::string route_name(const ObjectRef& ref, const BoundRule& rule, Version content) {
  std::string name(kind_name(ref.kind));
  for (const std::string& part : {ref.ns().str(), ref.name().str(),
                                  rule.name.empty() ? to_string(content) : rule.name.str()}) {
    name.append("/").append(part);
  }
  return name;
}

void append_match(const policy::Specificity& place, std::size_t rule, std::size_t match,
                  const std::vector<std::string>& routes, const std::string& name_field,
                  RouteVariant& out) {
  if (routes.empty()) return;
  EncodedMatch encoded{place, static_cast<std::uint16_t>(rule), static_cast<std::uint16_t>(match),
                       static_cast<std::uint32_t>(out.bytes.size()), 0};
  for (const std::string& bytes : routes) {
    append_field_header(proto::VirtualHost::kRoutesFieldNumber, bytes.size() + name_field.size(),
                        out.bytes);
    out.bytes.append(bytes).append(name_field);
  }
  encoded.end = static_cast<std::uint32_t>(out.bytes.size());
  out.matches.push_back(encoded);
}

void append_rule(const BoundRoute& route, const BoundRule& rule, std::size_t position,
                 Version content, const RuleRoutes& routes, RouteVariant& out) {
  std::string name_field;
  append_field(proto::Route::kNameFieldNumber, route_name(route.ref, rule, content), name_field);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const policy::BoundMatch& match = rule.matches[i];
    append_match(policy::specificity(match), position, i, routes[i].own, name_field, out);
    append_match(policy::preflight_specificity(match), position, i, routes[i].preflights,
                 name_field, out);
  }
}

void encode_rule(const BoundRoute& route, std::size_t index, const QuarantineOf& quarantine,
                 EncodedRoute& out) {
  const BoundRule& rule = route.rules[index];
  if (rule.dropped) return;
  std::vector<RuleRoutes> by_variant;
  std::string all;
  for (const RouteVariant& variant : out.variants) {
    by_variant.push_back(encode_rule(rule, variant.listener));
    for (const MatchRoutes& routes : by_variant.back()) {
      for (const std::string& bytes : routes.own) append_field(1, bytes, all);
      for (const std::string& bytes : routes.preflights) append_field(1, bytes, all);
    }
  }
  const Version content = hash_of(all);
  const QuarantineVerdict verdict = quarantine(content);
  EncodedRule encoded{static_cast<std::uint32_t>(index), content, verdict.state, verdict.refusal,
                      verdict.state != Quarantine::kNone};
  check_constraints(rule, by_variant, encoded);
  out.suspected |= verdict.suspected;
  const Quarantine state = encoded.quarantine;
  out.rules.push_back(std::move(encoded));
  if (state == Quarantine::kDropped && !rule.protects) return;
  for (std::size_t v = 0; v < out.variants.size(); ++v) {
    if (state == Quarantine::kReplaced) replace(rule, by_variant[v]);
    if (state == Quarantine::kDropped) guard(rule, by_variant[v]);
    append_rule(route, rule, out.rules.size() - 1, content, by_variant[v], out.variants[v]);
  }
}

Version version_of(const EncodedRoute& route) {
  std::string all = std::to_string(route.creation_time) + ' ' + std::to_string(route.weight);
  for (const RouteVariant& variant : route.variants) {
    append_varint(static_cast<std::uint64_t>(variant.listener.port), all);
    all += variant.listener.tls ? 's' : 'p';
    append_field(1, variant.bytes, all);
  }
  return hash_of(all);
}

}  // namespace

const RouteVariant& EncodedRoute::variant(const ListenerFacts& listener) const {
  const auto found = std::ranges::find(variants, listener, &RouteVariant::listener);
  return found == variants.end() ? variants.front() : *found;
}

EncodedRoute stand_in(const LastAccepted& last, const EncodedRoute& suspected) {
  EncodedRoute out;
  if (last.route != nullptr) {
    out = *last.route;
  } else {
    out.variants.emplace_back();
  }
  out.held = true;
  for (const EncodedRule& rule : suspected.rules) {
    const bool served =
        std::ranges::find(out.rules, rule.content, &EncodedRule::content) != out.rules.end();
    if (!served) out.instead_of.push_back(rule.content);
  }
  return out;
}

bool depends_on_listener(const BoundRoute& route) {
  return std::ranges::any_of(route.rules, [](const BoundRule& rule) {
    return rule.redirect && rule.redirect->depends_on_listener();
  });
}

EncodedRoute encode_route(const BoundRoute& route, const std::vector<ListenerFacts>& listeners,
                          const QuarantineOf& quarantine) {
  EncodedRoute out;
  out.creation_time = route.creation_time;
  out.weight = route.weight;
  if (depends_on_listener(route)) {
    for (const ListenerFacts& listener : listeners) out.variants.push_back({listener, {}, {}});
  }
  if (out.variants.empty()) out.variants.emplace_back();
  for (std::size_t i = 0; i < route.rules.size(); ++i) encode_rule(route, i, quarantine, out);
  for (RouteVariant& variant : out.variants) {
    variant.bytes.shrink_to_fit();
    variant.matches.shrink_to_fit();
  }
  out.version = version_of(out);
  return out;
}

}  // namespace kgw::envoy
