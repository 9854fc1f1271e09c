// HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute (Gateway API 1.7, experimental channel).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/box.h"
#include "api/filters.h"
#include "api/meta.h"
#include "api/refs.h"

namespace kgw {

// GEP-2257 duration, in milliseconds.
struct Duration {
  std::int64_t millis = 0;

  friend auto operator<=>(const Duration&, const Duration&) = default;
};

enum class PathMatchType { kExact, kPathPrefix, kRegularExpression };
enum class ValueMatchType { kExact, kRegularExpression };

struct PathMatch {
  PathMatchType type = PathMatchType::kPathPrefix;
  std::string value = "/";

  friend bool operator==(const PathMatch&, const PathMatch&) = default;
};

// A match on a header or query parameter.
struct NamedValueMatch {
  ValueMatchType type = ValueMatchType::kExact;
  std::string name;
  std::string value;

  friend bool operator==(const NamedValueMatch&, const NamedValueMatch&) = default;
};

struct HttpRouteMatch {
  PathMatch path;
  std::optional<Name> method;
  std::vector<NamedValueMatch> headers;
  std::vector<NamedValueMatch> query_params;

  friend bool operator==(const HttpRouteMatch&, const HttpRouteMatch&) = default;
};

struct GrpcMethodMatch {
  ValueMatchType type = ValueMatchType::kExact;
  std::optional<std::string> service;
  std::optional<std::string> method;

  friend bool operator==(const GrpcMethodMatch&, const GrpcMethodMatch&) = default;
};

struct GrpcRouteMatch {
  Box<GrpcMethodMatch> method;
  std::vector<NamedValueMatch> headers;

  friend bool operator==(const GrpcRouteMatch&, const GrpcRouteMatch&) = default;
};

// backendRefs[]: a reference, its weight, and filters (HTTPRoute and GRPCRoute only).
struct RouteBackendRef {
  BackendObjectRef ref;  // inlined in the manifest
  std::int32_t weight = 1;
  std::vector<RouteFilter> filters;

  friend bool operator==(const RouteBackendRef&, const RouteBackendRef&) = default;
};

struct RouteTimeouts {
  std::optional<Duration> request;
  std::optional<Duration> backend_request;

  friend bool operator==(const RouteTimeouts&, const RouteTimeouts&) = default;
};

struct RouteRetry {
  std::vector<std::int32_t> codes;
  std::int32_t attempts = 1;
  std::optional<Duration> backoff;

  friend bool operator==(const RouteRetry&, const RouteRetry&) = default;
};

struct SessionCookie {
  std::optional<std::string> name;
  std::string path = "/";
  bool permanent = false;  // lifetimeType Permanent instead of Session

  friend bool operator==(const SessionCookie&, const SessionCookie&) = default;
};

struct SessionPersistence {
  std::string type = "Cookie";  // Cookie, Header
  std::optional<Duration> absolute_timeout;
  Box<SessionCookie> cookie;
  std::optional<std::string> header_name;          // header.name
  std::optional<std::string> legacy_session_name;  // sessionName of older versions
  std::optional<Duration>
      legacy_idle_timeout;  // idleTimeout of older versions: reported, not applied

  friend bool operator==(const SessionPersistence&, const SessionPersistence&) = default;
};

struct HttpRouteRule {
  std::optional<Name> name;
  std::vector<HttpRouteMatch>
      matches;  // defaulted to one prefix match on "/" when the list is absent
  std::vector<RouteFilter> filters;
  std::vector<RouteBackendRef> backend_refs;
  Box<RouteTimeouts> timeouts;
  Box<RouteRetry> retry;
  Box<SessionPersistence> session_persistence;

  friend bool operator==(const HttpRouteRule&, const HttpRouteRule&) = default;
};

struct GrpcRouteRule {
  std::optional<Name> name;
  std::vector<GrpcRouteMatch> matches;
  std::vector<RouteFilter> filters;
  std::vector<RouteBackendRef> backend_refs;
  Box<SessionPersistence> session_persistence;

  friend bool operator==(const GrpcRouteRule&, const GrpcRouteRule&) = default;
};

// A rule of TLSRoute, TCPRoute or UDPRoute.
struct StreamRouteRule {
  std::optional<Name> name;
  std::vector<RouteBackendRef> backend_refs;

  friend bool operator==(const StreamRouteRule&, const StreamRouteRule&) = default;
};

// What all route kinds share.
struct RouteObject : Object {
  std::vector<ParentRef> parent_refs;
  std::vector<Name> hostnames;  // not for TCPRoute and UDPRoute
  Name use_default_gateways;    // "", All, None (experimental)

  using Object::Object;
  friend bool operator==(const RouteObject&, const RouteObject&) = default;
};

struct HttpRoute : RouteObject {
  std::vector<HttpRouteRule> rules;

  HttpRoute() : RouteObject(Kind::kHttpRoute) {}
  friend bool operator==(const HttpRoute&, const HttpRoute&) = default;
};

struct GrpcRoute : RouteObject {
  std::vector<GrpcRouteRule> rules;

  GrpcRoute() : RouteObject(Kind::kGrpcRoute) {}
  friend bool operator==(const GrpcRoute&, const GrpcRoute&) = default;
};

// TLSRoute, TCPRoute or UDPRoute, told apart by `kind`.
struct StreamRoute : RouteObject {
  std::vector<StreamRouteRule> rules;

  explicit StreamRoute(Kind kind) : RouteObject(kind) {}
  friend bool operator==(const StreamRoute&, const StreamRoute&) = default;
};

}  // namespace kgw
