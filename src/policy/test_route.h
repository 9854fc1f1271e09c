// Routes and references to bind, for the tests of policy/ and envoy/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/bind.h"

namespace kgw::policy {

// Services whose name begins with "missing" do not exist; those that begin with "ws" speak
// WebSocket.
inline attach::ResolvedBackend resolve_for_test(const BackendObjectRef& ref) {
  attach::ResolvedBackend backend;
  if (ref.kind != "Service") {
    backend.unresolved = {"InvalidKind", ref.kind + " is not known"};
  } else if (ref.name.view().starts_with("missing")) {
    backend.unresolved = {"BackendNotFound", "Service ns/" + ref.name + " does not exist"};
  } else {
    backend.cluster = {{Kind::kService, {Name("ns"), Name(ref.name)}}, ref.port.value_or(0), {}};
    backend.websocket = ref.name.view().starts_with("ws");
  }
  return backend;
}

inline BackendObjectRef to_service(const std::string& name, std::int32_t port = 80) {
  BackendObjectRef ref;
  ref.name = name;
  ref.port = port;
  return ref;
}

inline RouteBackendRef backend(const std::string& name, std::int32_t weight = 1,
                               std::vector<RouteFilter> filters = {}) {
  return {to_service(name), weight, std::move(filters)};
}

inline HttpRouteMatch path_match(PathMatchType type, const std::string& value) {
  HttpRouteMatch match;
  match.path = {type, value};
  return match;
}
inline HttpRouteMatch prefix(const std::string& value) {
  return path_match(PathMatchType::kPathPrefix, value);
}
inline HttpRouteMatch exact(const std::string& value) {
  return path_match(PathMatchType::kExact, value);
}
inline HttpRouteMatch regex(const std::string& value) {
  return path_match(PathMatchType::kRegularExpression, value);
}

inline HttpRouteRule rule(std::vector<HttpRouteMatch> matches, std::vector<RouteBackendRef> refs,
                          std::vector<RouteFilter> filters = {}) {
  HttpRouteRule result;
  result.matches = std::move(matches);
  result.backend_refs = std::move(refs);
  result.filters = std::move(filters);
  return result;
}

inline RouteFilter request_headers(HeaderModifier spec) {
  RouteFilter filter;
  filter.type = FilterType::kRequestHeaderModifier;
  filter.request_header_modifier = std::move(spec);
  return filter;
}
inline RouteFilter response_headers(HeaderModifier spec) {
  RouteFilter filter;
  filter.type = FilterType::kResponseHeaderModifier;
  filter.response_header_modifier = std::move(spec);
  return filter;
}
inline RouteFilter mirror_to(const std::string& name, std::optional<std::int32_t> percent = {}) {
  RouteFilter filter;
  filter.type = FilterType::kRequestMirror;
  RequestMirror spec;
  spec.backend_ref = to_service(name);
  spec.percent = percent;
  filter.request_mirror = spec;
  return filter;
}
inline RouteFilter redirect_to(RequestRedirect spec) {
  RouteFilter filter;
  filter.type = FilterType::kRequestRedirect;
  filter.request_redirect = std::move(spec);
  return filter;
}
inline PathModifier replace_prefix(const std::string& value) {
  return {"ReplacePrefixMatch", {}, value};
}
inline PathModifier replace_path(const std::string& value) {
  return {"ReplaceFullPath", value, {}};
}
inline RouteFilter rewrite_to(std::optional<std::string> host, Box<PathModifier> path = {}) {
  RouteFilter filter;
  filter.type = FilterType::kUrlRewrite;
  filter.url_rewrite = UrlRewrite{std::move(host), std::move(path)};
  return filter;
}
inline RouteFilter cors_filter(CorsFilter spec) {
  RouteFilter filter;
  filter.type = FilterType::kCors;
  filter.cors = std::move(spec);
  return filter;
}
inline RouteFilter auth_filter(ExternalAuthFilter spec) {
  RouteFilter filter;
  filter.type = FilterType::kExternalAuth;
  filter.external_auth = std::move(spec);
  return filter;
}
inline RouteFilter extension_filter() {
  RouteFilter filter;
  filter.type = FilterType::kExtensionRef;
  filter.extension_ref = LocalObjectRef{"example.com", "Magic", "wand"};
  return filter;
}

inline HttpRoute http_route(std::vector<HttpRouteRule> rules) {
  HttpRoute route;
  route.metadata.ns = "ns";
  route.metadata.name = "r";
  route.rules = std::move(rules);
  return route;
}

inline BoundRoute bind_all(std::vector<HttpRouteRule> rules) {
  return bind_route(http_route(std::move(rules)), resolve_for_test);
}
inline BoundRule bind_one(HttpRouteRule rule) { return bind_all({std::move(rule)}).rules.at(0); }
inline BoundRule bind_one(GrpcRouteRule rule) {
  GrpcRoute route;
  route.metadata.ns = "ns";
  route.metadata.name = "r";
  route.rules.push_back(std::move(rule));
  return bind_route(route, resolve_for_test).rules.at(0);
}

}  // namespace kgw::policy
