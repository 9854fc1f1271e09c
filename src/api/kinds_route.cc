// HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute of Gateway API 1.7 (experimental channel).
// Every rule restates one validation of the CRDs.
#include <re2/re2.h>

#include <algorithm>

#include "api/kinds_common.h"
#include "api/route.h"

namespace kgw {
namespace {

using ParentRefs = std::vector<ParentRef>;
using HttpRules = std::vector<HttpRouteRule>;
using GrpcRules = std::vector<GrpcRouteRule>;
using StreamRules = std::vector<StreamRouteRule>;

constexpr std::size_t kMaxMatches = 128;
const std::vector<std::string> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                           "CONNECT", "OPTIONS", "TRACE", "PATCH"};

bool matches(std::string_view text, const re2::RE2& regex) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// ---- what all routes share ----

bool same_parent(const ParentRef& a, const ParentRef& b) {
  return a.group == b.group && a.kind == b.kind && a.name == b.name && a.ns == b.ns;
}

template <typename Holds>
bool for_all_pairs(const ParentRefs& refs, Holds holds) {
  for (std::size_t i = 0; i < refs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (same_parent(refs[i], refs[j]) && !holds(refs[i], refs[j])) return false;
    }
  }
  return true;
}

bool sections_or_ports_given(const ParentRefs& refs) {
  return for_all_pairs(refs, [](const ParentRef& a, const ParentRef& b) {
    return a.section_name.has_value() == b.section_name.has_value() &&
           a.port.has_value() == b.port.has_value();
  });
}

bool sections_or_ports_differ(const ParentRefs& refs) {
  return for_all_pairs(refs, [](const ParentRef& a, const ParentRef& b) {
    return a.section_name != b.section_name || a.port != b.port;
  });
}

template <typename R>
bool unique_rule_names(const std::vector<R>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (rules[i].name && rules[i].name == rules[j].name) return false;
    }
  }
  return true;
}

template <typename R>
bool few_matches(const std::vector<R>& rules) {
  std::size_t total = 0;
  for (const R& rule : rules) total += rule.matches.size();
  return total <= kMaxMatches;
}

constexpr std::string_view kUniqueRuleNames = "Rule name must be unique within the route";
constexpr std::string_view kFewMatches =
    "While 16 rules and 64 matches per rule are allowed, the total number of matches across all "
    "rules in a route must be less than 128";

template <typename T>
void describe_route_fields(Schema<T>& spec) {
  spec.field("parentRefs", &RouteObject::parent_refs)
      .max_size(32)
      .rule(
          "sectionName or port must be specified when parentRefs includes 2 or more references to "
          "the same parent",
          sections_or_ports_given)
      .rule(
          "sectionName or port must be unique when parentRefs includes 2 or more references to the "
          "same parent",
          sections_or_ports_differ);
  spec.field("useDefaultGateways", &RouteObject::use_default_gateways).one_of({"All", "None"});
}

// ---- matches ----

bool literal(const PathMatch& m) { return m.type != PathMatchType::kRegularExpression; }

void path_must_not_contain(Schema<PathMatch>& s, std::string_view part) {
  s.rule("must not contain '" + std::string(part) + "' when type one of ['Exact', 'PathPrefix']",
         [part](const PathMatch& m) { return !literal(m) || !m.value.contains(part); });
}

void path_must_not_end_with(Schema<PathMatch>& s, std::string_view part) {
  s.rule("must not end with '" + std::string(part) + "' when type one of ['Exact', 'PathPrefix']",
         [part](const PathMatch& m) { return !literal(m) || !m.value.ends_with(part); });
}

}  // namespace

void describe(Schema<PathMatch>& s) {
  s.enumeration("type", &PathMatch::type,
                {{"Exact", PathMatchType::kExact},
                 {"PathPrefix", PathMatchType::kPathPrefix},
                 {"RegularExpression", PathMatchType::kRegularExpression}})
      .default_value(PathMatchType::kPathPrefix);
  s.field("value", &PathMatch::value).default_value("/").max_length(1024);
  s.rule(
      "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
      [](const PathMatch& m) { return !literal(m) || m.value.starts_with('/'); });
  for (const std::string_view part : {"//", "/./", "/../", "%2f", "%2F", "#"}) {
    path_must_not_contain(s, part);
  }
  path_must_not_end_with(s, "/..");
  path_must_not_end_with(s, "/.");
  s.rule(
      "must only contain valid characters (matching "
      "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']",
      [](const PathMatch& m) {
        static const re2::RE2* valid =
            new re2::RE2("^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$");
        return !literal(m) || matches(m.value, *valid);
      });
}

namespace {

void describe_match_type(Schema<NamedValueMatch>& s) {
  s.enumeration("type", &NamedValueMatch::type,
                {{"Exact", ValueMatchType::kExact},
                 {"RegularExpression", ValueMatchType::kRegularExpression}})
      .default_value(ValueMatchType::kExact);
  s.field("name", &NamedValueMatch::name).required().with(shape::header_name());
}

void describe_http_header_match(Schema<NamedValueMatch>& s) {
  describe_match_type(s);
  s.field("value", &NamedValueMatch::value).required().with(shape::header_value());
}

void describe_query_param_match(Schema<NamedValueMatch>& s) {
  describe_match_type(s);
  s.field("value", &NamedValueMatch::value).required().length(1, 1024);
}

void describe_grpc_header_match(Schema<NamedValueMatch>& s) {
  describe_match_type(s);
  s.field("value", &NamedValueMatch::value).required().length(1, 4096);
}

}  // namespace

void describe(Schema<HttpRouteMatch>& s) {
  s.field("path", &HttpRouteMatch::path).default_value({});
  s.field("method", &HttpRouteMatch::method).one_of(kMethods);
  s.field("headers", &HttpRouteMatch::headers, describe_http_header_match)
      .max_size(16)
      .unique_by({"name"});
  s.field("queryParams", &HttpRouteMatch::query_params, describe_query_param_match)
      .max_size(16)
      .unique_by({"name"});
}

void describe(Schema<GrpcMethodMatch>& s) {
  s.enumeration("type", &GrpcMethodMatch::type,
                {{"Exact", ValueMatchType::kExact},
                 {"RegularExpression", ValueMatchType::kRegularExpression}})
      .default_value(ValueMatchType::kExact);
  s.field("service", &GrpcMethodMatch::service).max_length(1024);
  s.field("method", &GrpcMethodMatch::method).max_length(1024);
  s.rule("One or both of 'service' or 'method' must be specified",
         [](const GrpcMethodMatch& m) { return m.service || m.method; });
  s.rule(
      "service must only contain valid characters (matching "
      "^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$)",
      [](const GrpcMethodMatch& m) {
        static const re2::RE2* valid =
            new re2::RE2("^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$");
        return m.type != ValueMatchType::kExact || !m.service || matches(*m.service, *valid);
      });
  s.rule("method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$)",
         [](const GrpcMethodMatch& m) {
           static const re2::RE2* valid = new re2::RE2("^[A-Za-z_][A-Za-z_0-9]*$");
           return m.type != ValueMatchType::kExact || !m.method || matches(*m.method, *valid);
         });
}

void describe(Schema<GrpcRouteMatch>& s) {
  s.field("method", &GrpcRouteMatch::method);
  s.field("headers", &GrpcRouteMatch::headers, describe_grpc_header_match)
      .max_size(16)
      .unique_by({"name"});
}

// ---- rules ----

namespace {

void describe_backend_ref(Schema<RouteBackendRef>& s) {
  s.inlined(&RouteBackendRef::ref);
  s.field("weight", &RouteBackendRef::weight).default_value(1).range(0, 1000000);
}

void describe_http_backend_ref(Schema<RouteBackendRef>& s) {
  describe_backend_ref(s);
  http_filter_list(s.field("filters", &RouteBackendRef::filters, describe_http_filter));
}

void describe_grpc_backend_ref(Schema<RouteBackendRef>& s) {
  describe_backend_ref(s);
  grpc_filter_list(s.field("filters", &RouteBackendRef::filters, describe_grpc_filter));
}

bool replaces_prefix(const Box<PathModifier>& path) {
  return path && path->type == "ReplacePrefixMatch" && path->replace_prefix_match;
}
bool redirect_replaces_prefix(const RouteFilter& filter) {
  return filter.request_redirect && replaces_prefix(filter.request_redirect->path);
}
bool rewrite_replaces_prefix(const RouteFilter& filter) {
  return filter.url_rewrite && replaces_prefix(filter.url_rewrite->path);
}

bool has_one_prefix_match(const HttpRouteRule& rule) {
  return rule.matches.size() == 1 && rule.matches[0].path.type == PathMatchType::kPathPrefix;
}

// The CRD asks "exactly one such filter"; two of them are refused by the rules of the list.
template <typename Test>
bool prefix_for_rule(const HttpRouteRule& rule, Test replaces) {
  return std::ranges::count_if(rule.filters, replaces) != 1 || has_one_prefix_match(rule);
}

template <typename Test>
bool prefix_for_backends(const HttpRouteRule& rule, Test replaces) {
  const auto backends = std::ranges::count_if(rule.backend_refs, [&](const RouteBackendRef& ref) {
    return std::ranges::count_if(ref.filters, replaces) == 1;
  });
  return backends != 1 || has_one_prefix_match(rule);
}

void http_rule_rules(Schema<HttpRouteRule>& s) {
  s.rule("RequestRedirect filter must not be used together with backendRefs",
         [](const HttpRouteRule& r) {
           return r.backend_refs.empty() ||
                  std::ranges::none_of(r.filters, [](const RouteFilter& f) {
                    return f.request_redirect.has_value();
                  });
         });
  s.rule(
      "When using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix "
      "match must be specified",
      [](const HttpRouteRule& r) { return prefix_for_rule(r, redirect_replaces_prefix); });
  s.rule(
      "When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match "
      "must be specified",
      [](const HttpRouteRule& r) { return prefix_for_rule(r, rewrite_replaces_prefix); });
  s.rule(
      "Within backendRefs, when using RequestRedirect filter with path.replacePrefixMatch, exactly "
      "one PathPrefix match must be specified",
      [](const HttpRouteRule& r) { return prefix_for_backends(r, redirect_replaces_prefix); });
  s.rule(
      "Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, exactly one "
      "PathPrefix match must be specified",
      [](const HttpRouteRule& r) { return prefix_for_backends(r, rewrite_replaces_prefix); });
}

}  // namespace

void describe(Schema<RouteTimeouts>& s) {
  s.field("request", &RouteTimeouts::request);
  s.field("backendRequest", &RouteTimeouts::backend_request);
  s.rule("backendRequest timeout cannot be longer than request timeout",
         [](const RouteTimeouts& t) {
           return !t.request || !t.backend_request || t.request->millis == 0 ||
                  *t.backend_request <= *t.request;
         });
}

void describe(Schema<RouteRetry>& s) {
  s.field("codes", &RouteRetry::codes).unique().items(Constraints().range(400, 599));
  s.field("attempts", &RouteRetry::attempts).default_value(1).range(0, {});
  s.field("backoff", &RouteRetry::backoff);
}

void describe(Schema<SessionCookie>& s) {
  s.field("name", &SessionCookie::name).with(shape::header_name());
  s.field("path", &SessionCookie::path).default_value("/").max_length(1024);
  s.enumeration("lifetimeType", &SessionCookie::permanent,
                {{"Permanent", true}, {"Session", false}})
      .default_value(false);
}

namespace {

// cookieConfig of Gateway API up to 1.6.
void describe_legacy_cookie(Schema<SessionCookie>& s) {
  s.enumeration("lifetimeType", &SessionCookie::permanent,
                {{"Permanent", true}, {"Session", false}});
}

}  // namespace

void describe(Schema<SessionPersistence>& s) {
  s.field("type", &SessionPersistence::type).default_value("Cookie").one_of({"Cookie", "Header"});
  s.field("absoluteTimeout", &SessionPersistence::absolute_timeout);
  s.field("cookie", &SessionPersistence::cookie);
  s.group("header", [](Schema<SessionPersistence>& header) {
    header.field("name", &SessionPersistence::header_name).required().with(shape::header_name());
  });
  // Gateway API up to 1.6, where neither `cookie` nor `header` had to be there.
  s.field("sessionName", &SessionPersistence::legacy_session_name).max_length(128);
  s.field("idleTimeout", &SessionPersistence::legacy_idle_timeout);
  s.field("cookieConfig", &SessionPersistence::cookie, describe_legacy_cookie).decode_only();
  s.rule("AbsoluteTimeout must be specified when cookie lifetimeType is Permanent",
         [](const SessionPersistence& p) {
           return !p.cookie || !p.cookie->permanent || p.absolute_timeout;
         });
  s.rule("cookie must be nil if type is not Cookie",
         [](const SessionPersistence& p) { return !p.cookie || p.type == "Cookie"; });
  s.rule("header must be nil if type is not Header",
         [](const SessionPersistence& p) { return !p.header_name || p.type == "Header"; });
}

void describe(Schema<HttpRouteRule>& s) {
  s.field("name", &HttpRouteRule::name).with(shape::section_name());
  s.field("matches", &HttpRouteRule::matches).default_value({HttpRouteMatch()}).max_size(64);
  http_filter_list(s.field("filters", &HttpRouteRule::filters, describe_http_filter));
  s.field("backendRefs", &HttpRouteRule::backend_refs, describe_http_backend_ref).max_size(16);
  s.field("timeouts", &HttpRouteRule::timeouts);
  s.field("retry", &HttpRouteRule::retry);
  s.field("sessionPersistence", &HttpRouteRule::session_persistence);
  http_rule_rules(s);
}

void describe(Schema<GrpcRouteRule>& s) {
  s.field("name", &GrpcRouteRule::name).with(shape::section_name());
  s.field("matches", &GrpcRouteRule::matches).max_size(64);
  grpc_filter_list(s.field("filters", &GrpcRouteRule::filters, describe_grpc_filter));
  s.field("backendRefs", &GrpcRouteRule::backend_refs, describe_grpc_backend_ref).max_size(16);
  s.field("sessionPersistence", &GrpcRouteRule::session_persistence);
}

void describe(Schema<StreamRouteRule>& s) {
  s.field("name", &StreamRouteRule::name).with(shape::section_name());
  s.field("backendRefs", &StreamRouteRule::backend_refs, describe_backend_ref)
      .required()
      .size(1, 16);
}

// ---- the kinds ----

namespace {

HttpRules default_http_rules() {
  HttpRouteRule rule;
  rule.matches.emplace_back();
  return {rule};
}

void describe_http_route(Schema<HttpRoute>& s) {
  describe_object(s);
  s.group("spec", [](Schema<HttpRoute>& spec) {
     describe_route_fields(spec);
     spec.field("hostnames", &RouteObject::hostnames).max_size(16).items(shape::hostname());
     spec.field("rules", &HttpRoute::rules)
         .default_value(default_http_rules())
         .size(1, 16)
         .rule(kUniqueRuleNames, unique_rule_names<HttpRouteRule>)
         .rule(kFewMatches, few_matches<HttpRouteRule>);
   }).required();
}

void describe_grpc_route(Schema<GrpcRoute>& s) {
  describe_object(s);
  s.group("spec", [](Schema<GrpcRoute>& spec) {
     describe_route_fields(spec);
     spec.field("hostnames", &RouteObject::hostnames).max_size(16).items(shape::hostname());
     spec.field("rules", &GrpcRoute::rules)
         .max_size(16)
         .rule(kUniqueRuleNames, unique_rule_names<GrpcRouteRule>)
         .rule(kFewMatches, few_matches<GrpcRouteRule>);
   }).required();
}

// v1 allows one rule; the older versions allow 16.
void describe_stream_spec(Schema<StreamRoute>& spec, bool v1) {
  describe_route_fields(spec);
  auto rules = spec.field("rules", &StreamRoute::rules).required().size(1, v1 ? 1 : 16);
  if (!v1) rules.rule(kUniqueRuleNames, unique_rule_names<StreamRouteRule>);
}

void describe_stream_route_v1(Schema<StreamRoute>& s) {
  describe_object(s);
  s.group("spec", [](Schema<StreamRoute>& spec) { describe_stream_spec(spec, true); }).required();
}

void describe_stream_route_alpha(Schema<StreamRoute>& s) {
  describe_object(s);
  s.group("spec", [](Schema<StreamRoute>& spec) { describe_stream_spec(spec, false); }).required();
}

void describe_tls_route_v1(Schema<StreamRoute>& s) {
  describe_object(s);
  s.group("spec", [](Schema<StreamRoute>& spec) {
     describe_stream_spec(spec, true);
     spec.field("hostnames", &RouteObject::hostnames)
         .required()
         .size(1, 1024)
         .items(shape::hostname())
         .rule("Hostnames cannot contain an IP", [](const std::vector<Name>& hostnames) {
           return std::ranges::none_of(hostnames, is_ip);
         });
   }).required();
}

void describe_tls_route_alpha(Schema<StreamRoute>& s) {
  describe_object(s);
  s.group("spec", [](Schema<StreamRoute>& spec) {
     describe_stream_spec(spec, false);
     spec.field("hostnames", &RouteObject::hostnames).max_size(1024).items(shape::hostname());
   }).required();
}

}  // namespace

void add_route_kinds(std::vector<KindDefinition>& kinds) {
  using schema::struct_type;
  const auto* http = &struct_type<HttpRoute>(describe_http_route);
  const auto* grpc = &struct_type<GrpcRoute>(describe_grpc_route);
  const auto* tls = &struct_type<StreamRoute>(describe_tls_route_v1);
  const auto* tls_alpha = &struct_type<StreamRoute>(describe_tls_route_alpha);
  const auto* stream = &struct_type<StreamRoute>(describe_stream_route_v1);
  const auto* stream_alpha = &struct_type<StreamRoute>(describe_stream_route_alpha);
  const auto form = [](std::string_view version, std::string_view name,
                       const schema::StructType* type) {
    return KindForm{{kGatewayGroup, version, name}, type};
  };
  kinds.push_back(define<HttpRoute, Kind::kHttpRoute>(
      "httproutes", {form("v1", "HTTPRoute", http), form("v1beta1", "HTTPRoute", http)}));
  kinds.push_back(
      define<GrpcRoute, Kind::kGrpcRoute>("grpcroutes", {form("v1", "GRPCRoute", grpc)}));
  kinds.push_back(define<StreamRoute, Kind::kTlsRoute>(
      "tlsroutes", {form("v1", "TLSRoute", tls), form("v1alpha3", "TLSRoute", tls),
                    form("v1alpha2", "TLSRoute", tls_alpha)}));
  kinds.push_back(define<StreamRoute, Kind::kTcpRoute>(
      "tcproutes", {form("v1", "TCPRoute", stream), form("v1alpha2", "TCPRoute", stream_alpha)}));
  kinds.push_back(define<StreamRoute, Kind::kUdpRoute>(
      "udproutes", {form("v1", "UDPRoute", stream), form("v1alpha2", "UDPRoute", stream_alpha)}));
}

}  // namespace kgw
