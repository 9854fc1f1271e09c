// Filters of routes and listeners. Every rule restates one validation of the Gateway API 1.7 CRDs.
#include <algorithm>
#include <string>

#include "api/kinds_common.h"

namespace kgw {
namespace {

using Filters = std::vector<RouteFilter>;

bool alone_if_star(const std::vector<std::string>& list) {
  return list.size() <= 1 || std::ranges::find(list, "*") == list.end();
}

bool at_most_once(const Filters& filters, FilterType type) {
  return std::ranges::count(filters, type, &RouteFilter::type) <= 1;
}

bool has_type(const Filters& filters, FilterType type) {
  return std::ranges::find(filters, type, &RouteFilter::type) != filters.end();
}

// The member called `name` is set exactly when `type` (called `type_name`) says so.
template <typename Holder, typename Member, typename IsType>
void member_follows_type(Schema<Holder>& s, std::string_view name, std::string_view type_name,
                         Member Holder::* member, IsType is_type) {
  const std::string field(name), type(type_name);
  s.rule("filter." + field + " must be nil if the filter.type is not " + type,
         [member, is_type](const Holder& filter) {
           return !(filter.*member).has_value() || is_type(filter);
         });
  s.rule("filter." + field + " must be specified for " + type + " filter.type",
         [member, is_type](const Holder& filter) {
           return (filter.*member).has_value() || !is_type(filter);
         });
}

// One filter type: its name, its enumerator and its member.
template <typename Member>
void filter_member(Schema<RouteFilter>& s, std::string_view field, std::string_view type_name,
                   FilterType type, Member RouteFilter::* member) {
  s.field(field, member);
  member_follows_type(s, field, type_name, member,
                      [type](const RouteFilter& filter) { return filter.type == type; });
}

void describe_common_filter(Schema<RouteFilter>& s) {
  filter_member(s, "requestHeaderModifier", "RequestHeaderModifier",
                FilterType::kRequestHeaderModifier, &RouteFilter::request_header_modifier);
  filter_member(s, "responseHeaderModifier", "ResponseHeaderModifier",
                FilterType::kResponseHeaderModifier, &RouteFilter::response_header_modifier);
  filter_member(s, "requestMirror", "RequestMirror", FilterType::kRequestMirror,
                &RouteFilter::request_mirror);
  filter_member(s, "extensionRef", "ExtensionRef", FilterType::kExtensionRef,
                &RouteFilter::extension_ref);
}

schema::FieldRef<Filters> no_repeated_header_modifiers(schema::FieldRef<Filters> field) {
  field.rule("RequestHeaderModifier filter cannot be repeated", [](const Filters& filters) {
    return at_most_once(filters, FilterType::kRequestHeaderModifier);
  });
  field.rule("ResponseHeaderModifier filter cannot be repeated", [](const Filters& filters) {
    return at_most_once(filters, FilterType::kResponseHeaderModifier);
  });
  return field;
}

}  // namespace

schema::FieldRef<Filters> http_filter_list(schema::FieldRef<Filters> field) {
  field.max_size(16);
  field.rule(
      "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but "
      "not both",
      [](const Filters& filters) {
        return !has_type(filters, FilterType::kRequestRedirect) ||
               !has_type(filters, FilterType::kUrlRewrite);
      });
  field.rule("CORS filter cannot be repeated",
             [](const Filters& filters) { return at_most_once(filters, FilterType::kCors); });
  field.rule("RequestRedirect filter cannot be repeated", [](const Filters& filters) {
    return at_most_once(filters, FilterType::kRequestRedirect);
  });
  field.rule("URLRewrite filter cannot be repeated",
             [](const Filters& filters) { return at_most_once(filters, FilterType::kUrlRewrite); });
  return no_repeated_header_modifiers(field);
}

schema::FieldRef<Filters> grpc_filter_list(schema::FieldRef<Filters> field) {
  field.max_size(16);
  return no_repeated_header_modifiers(field);
}

void describe_http_filter(Schema<RouteFilter>& s) {
  s.enumeration("type", &RouteFilter::type,
                {{"RequestHeaderModifier", FilterType::kRequestHeaderModifier},
                 {"ResponseHeaderModifier", FilterType::kResponseHeaderModifier},
                 {"RequestMirror", FilterType::kRequestMirror},
                 {"RequestRedirect", FilterType::kRequestRedirect},
                 {"URLRewrite", FilterType::kUrlRewrite},
                 {"ExtensionRef", FilterType::kExtensionRef},
                 {"CORS", FilterType::kCors},
                 {"ExternalAuth", FilterType::kExternalAuth}})
      .required();
  describe_common_filter(s);
  filter_member(s, "requestRedirect", "RequestRedirect", FilterType::kRequestRedirect,
                &RouteFilter::request_redirect);
  filter_member(s, "urlRewrite", "URLRewrite", FilterType::kUrlRewrite, &RouteFilter::url_rewrite);
  filter_member(s, "cors", "CORS", FilterType::kCors, &RouteFilter::cors);
  filter_member(s, "externalAuth", "ExternalAuth", FilterType::kExternalAuth,
                &RouteFilter::external_auth);
}

void describe_grpc_filter(Schema<RouteFilter>& s) {
  s.enumeration("type", &RouteFilter::type,
                {{"ResponseHeaderModifier", FilterType::kResponseHeaderModifier},
                 {"RequestHeaderModifier", FilterType::kRequestHeaderModifier},
                 {"RequestMirror", FilterType::kRequestMirror},
                 {"ExtensionRef", FilterType::kExtensionRef}})
      .required();
  describe_common_filter(s);
}

void describe(Schema<ListenerFilter>& s) {
  s.field("type", &ListenerFilter::type).required().one_of({"ExternalAuth", "ExtensionRef"});
  s.field("externalAuth", &ListenerFilter::external_auth);
  s.field("extensionRef", &ListenerFilter::extension_ref);
  member_follows_type(s, "externalAuth", "ExternalAuth", &ListenerFilter::external_auth,
                      [](const ListenerFilter& filter) { return filter.type == "ExternalAuth"; });
  member_follows_type(s, "extensionRef", "ExtensionRef", &ListenerFilter::extension_ref,
                      [](const ListenerFilter& filter) { return filter.type == "ExtensionRef"; });
}

void describe(Schema<HttpHeader>& s) {
  s.field("name", &HttpHeader::name).required().with(shape::header_name());
  s.field("value", &HttpHeader::value).required().with(shape::header_value());
}

void describe(Schema<HeaderModifier>& s) {
  s.field("set", &HeaderModifier::set).max_size(16).unique_by({"name"});
  s.field("add", &HeaderModifier::add).max_size(16).unique_by({"name"});
  s.field("remove", &HeaderModifier::remove).max_size(16).unique();
}

void describe(Schema<Fraction>& s) {
  s.field("numerator", &Fraction::numerator).required().range(0, {});
  s.field("denominator", &Fraction::denominator).default_value(100).range(1, {});
  s.rule("numerator must be less than or equal to denominator",
         [](const Fraction& f) { return f.numerator <= f.denominator; });
}

void describe(Schema<RequestMirror>& s) {
  s.field("backendRef", &RequestMirror::backend_ref).required();
  s.field("percent", &RequestMirror::percent).range(0, 100);
  s.field("fraction", &RequestMirror::fraction);
  s.rule("Only one of percent or fraction may be specified in HTTPRequestMirrorFilter",
         [](const RequestMirror& m) { return !(m.percent && m.fraction); });
}

namespace {
const std::string kFull = "ReplaceFullPath", kPrefix = "ReplacePrefixMatch";
}

void describe(Schema<PathModifier>& s) {
  s.field("type", &PathModifier::type).required().one_of({kFull, kPrefix});
  s.field("replaceFullPath", &PathModifier::replace_full_path).max_length(1024);
  s.field("replacePrefixMatch", &PathModifier::replace_prefix_match).max_length(1024);
  s.rule("replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
         [](const PathModifier& m) { return m.type != kFull || m.replace_full_path; });
  s.rule("type must be 'ReplaceFullPath' when replaceFullPath is set",
         [](const PathModifier& m) { return m.type == kFull || !m.replace_full_path; });
  s.rule("replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'",
         [](const PathModifier& m) { return m.type != kPrefix || m.replace_prefix_match; });
  s.rule("type must be 'ReplacePrefixMatch' when replacePrefixMatch is set",
         [](const PathModifier& m) { return m.type == kPrefix || !m.replace_prefix_match; });
}

void describe(Schema<RequestRedirect>& s) {
  s.field("scheme", &RequestRedirect::scheme).one_of({"http", "https"});
  s.field("hostname", &RequestRedirect::hostname).with(shape::precise_hostname());
  s.field("path", &RequestRedirect::path);
  s.field("port", &RequestRedirect::port).with(shape::port());
  s.field("statusCode", &RequestRedirect::status_code)
      .default_value(302)
      .one_of_numbers({301, 302, 303, 307, 308});
}

void describe(Schema<UrlRewrite>& s) {
  s.field("hostname", &UrlRewrite::hostname).with(shape::precise_hostname());
  s.field("path", &UrlRewrite::path);
}

void describe(Schema<CorsFilter>& s) {
  s.field("allowOrigins", &CorsFilter::allow_origins)
      .max_size(64)
      .unique()
      .items(Constraints().length(1, 253).pattern(
          "(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)"
          "(:([0-9]{1,5}))?)$)"))
      .rule("AllowOrigins cannot contain '*' alongside other origins", alone_if_star);
  s.field("allowCredentials", &CorsFilter::allow_credentials);
  s.field("allowMethods", &CorsFilter::allow_methods)
      .max_size(9)
      .unique()
      .items(Constraints().one_of(
          {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"}))
      .rule("AllowMethods cannot contain '*' alongside other methods", alone_if_star);
  s.field("allowHeaders", &CorsFilter::allow_headers)
      .max_size(64)
      .unique()
      .items(shape::header_name())
      .rule("AllowHeaders cannot contain '*' alongside other methods", alone_if_star);
  s.field("exposeHeaders", &CorsFilter::expose_headers)
      .max_size(64)
      .unique()
      .items(shape::header_name());
  s.field("maxAge", &CorsFilter::max_age).default_value(5).range(1, {});
}

void describe(Schema<HttpAuthConfig>& s) {
  s.field("path", &HttpAuthConfig::path)
      .max_length(1024)
      .pattern("^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$");
  s.field("allowedHeaders", &HttpAuthConfig::allowed_headers).max_size(64).unique();
  s.field("allowedResponseHeaders", &HttpAuthConfig::allowed_response_headers)
      .max_size(64)
      .unique();
}

void describe(Schema<GrpcAuthConfig>& s) {
  s.field("allowedHeaders", &GrpcAuthConfig::allowed_headers).max_size(64).unique();
}

void describe(Schema<ForwardBody>& s) { s.field("maxSize", &ForwardBody::max_size).range(0, {}); }

void describe(Schema<ExternalAuthFilter>& s) {
  s.field("protocol", &ExternalAuthFilter::protocol).required().one_of({"HTTP", "GRPC"});
  s.field("backendRef", &ExternalAuthFilter::backend_ref).required();
  s.field("grpc", &ExternalAuthFilter::grpc);
  s.field("http", &ExternalAuthFilter::http);
  s.field("forwardBody", &ExternalAuthFilter::forward_body);
  s.rule("grpc must be specified when protocol is set to 'GRPC'",
         [](const ExternalAuthFilter& f) { return f.protocol != "GRPC" || f.grpc; });
  s.rule("protocol must be 'GRPC' when grpc is set",
         [](const ExternalAuthFilter& f) { return f.protocol == "GRPC" || !f.grpc; });
  s.rule("http must be specified when protocol is set to 'HTTP'",
         [](const ExternalAuthFilter& f) { return f.protocol != "HTTP" || f.http; });
  s.rule("protocol must be 'HTTP' when http is set",
         [](const ExternalAuthFilter& f) { return f.protocol == "HTTP" || !f.http; });
}

}  // namespace kgw
