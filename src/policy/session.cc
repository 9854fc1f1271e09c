#include "policy/session.h"

#include <xxhash.h>

#include <cstdio>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/stateful_session/v3/stateful_session.pb.h"
#include "envoy/extensions/http/stateful_session/cookie/v3/cookie.pb.h"
#include "envoy/extensions/http/stateful_session/header/v3/header.pb.h"
#include "policy/envoy_rules.h"
#include "policy/header_format.h"
#include "policy/http_filters.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;
namespace stateful = ::envoy::extensions::http::stateful_session;

// The names and lifetimes that kgateway uses when a manifest gives none.
constexpr const char* kCookieName = "sessionPersistence";
constexpr const char* kHeaderName = "x-session-persistence";
constexpr std::int64_t kPermanentSeconds = 365 * 24 * 3600;

std::optional<Session> bind_header(RuleContext& context, const SessionPersistence& spec) {
  Session session;
  session.header = true;
  session.name = spec.header_name.value_or(spec.legacy_session_name.value_or(kHeaderName));
  At at(context, "header.name");
  if (Problem problem = check_header_name(session.name)) {
    context.broken("UnsupportedValue", *problem);
    return {};
  }
  return session;
}

std::uint64_t hash_of(const std::string& text) { return XXH3_64bits(text.data(), text.size()); }

void append(std::string& text, std::string_view part) {
  text.append(std::to_string(part.size())).append(":").append(part);
}

void append(std::string& text, const std::vector<NamedValueMatch>& matches) {
  append(text, std::to_string(matches.size()));
  for (const NamedValueMatch& match : matches) {
    append(text, match.type == ValueMatchType::kExact ? "exact" : "regex");
    append(text, match.name);
    append(text, match.value);
  }
}

// "sessionPersistence-1b2f9c60"
std::string name_for(const ObjectRef& route, const RuleIdentity& rule) {
  std::string identity = to_string(route);
  append(identity, rule.name.view());
  if (rule.name.empty()) {
    for (const BoundMatch& match : rule.matches) {
      append(identity, std::to_string(static_cast<int>(match.path_type)));
      append(identity, match.path);
      append(identity, match.method);
      append(identity, match.headers);
      append(identity, match.query);
    }
  }
  char hash[9];
  std::snprintf(hash, sizeof hash, "%08x", static_cast<std::uint32_t>(hash_of(identity)));
  return std::string(kCookieName) + "-" + hash;
}

void warn_of_timeout(RuleContext& context, const SessionPersistence& spec, bool permanent) {
  if (!spec.absolute_timeout || permanent) return;
  At at(context, "absoluteTimeout");
  context.warn("UnsupportedValue",
               "has no effect: only a cookie with lifetimeType Permanent has a lifetime");
}

std::optional<Session> bind_cookie(RuleContext& context, const SessionPersistence& spec,
                                   const RuleIdentity& rule) {
  Session session;
  const bool permanent = spec.cookie && spec.cookie->permanent;
  warn_of_timeout(context, spec, permanent);
  At at(context, "cookie");
  std::optional<std::string> name = spec.legacy_session_name;
  if (spec.cookie) {
    if (spec.cookie->name) name = spec.cookie->name;
    session.path = spec.cookie->path;
  }
  session.name = name ? *name : name_for(context.route(), rule);
  Problem problem = check_cookie_name(session.name);
  if (!problem) problem = check_path(session.path);
  if (!problem && session.path.find(';') != std::string::npos) problem = "the path has a \";\"";
  if (problem) {
    context.broken("UnsupportedValue", *problem);
    return {};
  }
  if (permanent) {
    const std::int64_t millis = spec.absolute_timeout ? spec.absolute_timeout->millis : 0;
    session.ttl_seconds = millis > 0 ? (millis + 999) / 1000 : kPermanentSeconds;
  }
  return session;
}

// "<name>-backend=<mark of the name and cluster>". It is looked for anywhere in the cookies, and
// the name is part of the mark so that "my-s-backend" does not pass for "s-backend".
std::string mark(const Session& session, const std::string& cluster) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(hash_of(session.name + "=" + cluster)));
  return session.name + "-backend=" + text;
}

}  // namespace

std::optional<Session> bind_session(RuleContext& context, const SessionPersistence& spec,
                                    const RuleIdentity& rule, std::size_t backends) {
  At at(context, "sessionPersistence");
  if (!pins_backends(spec) && backends > 1) {
    At field(context, "type");
    context.warn("UnsupportedValue",
                 "sessions by header are kept at an endpoint, but not at one of several backends; "
                 "use Cookie");
  }
  if (spec.legacy_idle_timeout) {
    At field(context, "idleTimeout");
    context.warn("UnsupportedValue", "idleTimeout is not supported by Envoy and is ignored");
  }
  if (spec.type == "Header") {
    warn_of_timeout(context, spec, false);
    return bind_header(context, spec);
  }
  if (spec.type == "Cookie") return bind_cookie(context, spec, rule);
  At field(context, "type");
  context.broken("UnsupportedValue", "\"" + spec.type + "\" is not one of Cookie and Header");
  return {};
}

void encode_session(const Session& session, ::envoy::config::route::v3::Route& out) {
  ::envoy::extensions::filters::http::stateful_session::v3::StatefulSessionPerRoute config;
  auto& state = *config.mutable_stateful_session()->mutable_session_state();
  if (session.header) {
    stateful::header::v3::HeaderBasedSessionState header;
    header.set_name(session.name);
    state.set_name("envoy.http.stateful_session.header");
    pack(header, *state.mutable_typed_config());
  } else {
    stateful::cookie::v3::CookieBasedSessionState cookie;
    cookie.mutable_cookie()->set_name(session.name);
    cookie.mutable_cookie()->set_path(session.path);
    if (session.ttl_seconds > 0) {
      cookie.mutable_cookie()->mutable_ttl()->set_seconds(session.ttl_seconds);
    }
    state.set_name("envoy.http.stateful_session.cookie");
    pack(cookie, *state.mutable_typed_config());
  }
  set_filter_config(out, kStatefulSessionFilter, config);
}

void require_pin(const Session& session, const std::string& cluster,
                 ::envoy::config::route::v3::RouteMatch& out) {
  auto& header = *out.add_headers();
  header.set_name("cookie");
  header.mutable_string_match()->set_contains(mark(session, cluster));
}

void add_pin(const Session& session, const std::string& cluster,
             ::envoy::config::core::v3::HeaderValueOption& out) {
  std::string cookie = mark(session, cluster) + "; Path=" + session.path + "; HttpOnly";
  if (session.ttl_seconds > 0) cookie += "; Max-Age=" + std::to_string(session.ttl_seconds);
  out.mutable_header()->set_key("set-cookie");
  out.mutable_header()->set_value(literal_value(cookie));
}

}  // namespace kgw::policy
