// Filters of HTTPRoute, GRPCRoute and listeners (Gateway API 1.7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/box.h"
#include "api/refs.h"

namespace kgw {

struct HttpHeader {
  std::string name;
  std::string value;

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

struct HeaderModifier {
  std::vector<HttpHeader> set;
  std::vector<HttpHeader> add;
  std::vector<std::string> remove;

  friend bool operator==(const HeaderModifier&, const HeaderModifier&) = default;
};

struct Fraction {
  std::int32_t numerator = 0;
  std::int32_t denominator = 100;

  friend bool operator==(const Fraction&, const Fraction&) = default;
};

struct RequestMirror {
  BackendObjectRef backend_ref;
  std::optional<std::int32_t> percent;
  std::optional<Fraction> fraction;

  friend bool operator==(const RequestMirror&, const RequestMirror&) = default;
};

// path of a redirect or rewrite.
struct PathModifier {
  std::string type;  // ReplaceFullPath, ReplacePrefixMatch
  std::optional<std::string> replace_full_path;
  std::optional<std::string> replace_prefix_match;

  friend bool operator==(const PathModifier&, const PathModifier&) = default;
};

struct RequestRedirect {
  std::optional<std::string> scheme;  // http, https
  std::optional<std::string> hostname;
  Box<PathModifier> path;
  std::optional<std::int32_t> port;
  std::int32_t status_code = 302;

  friend bool operator==(const RequestRedirect&, const RequestRedirect&) = default;
};

struct UrlRewrite {
  std::optional<std::string> hostname;
  Box<PathModifier> path;

  friend bool operator==(const UrlRewrite&, const UrlRewrite&) = default;
};

struct CorsFilter {
  std::vector<std::string> allow_origins;
  std::optional<bool> allow_credentials;
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  std::int32_t max_age = 5;  // seconds

  friend bool operator==(const CorsFilter&, const CorsFilter&) = default;
};

struct HttpAuthConfig {
  std::string path;
  std::vector<std::string> allowed_headers;
  std::vector<std::string> allowed_response_headers;

  friend bool operator==(const HttpAuthConfig&, const HttpAuthConfig&) = default;
};

struct GrpcAuthConfig {
  std::vector<std::string> allowed_headers;

  friend bool operator==(const GrpcAuthConfig&, const GrpcAuthConfig&) = default;
};

struct ForwardBody {
  std::int32_t max_size = 0;  // bytes; 0 = do not forward

  friend bool operator==(const ForwardBody&, const ForwardBody&) = default;
};

// ExternalAuth (GEP-1494).
struct ExternalAuthFilter {
  std::string protocol;  // HTTP, GRPC
  BackendObjectRef backend_ref;
  Box<GrpcAuthConfig> grpc;
  Box<HttpAuthConfig> http;
  Box<ForwardBody> forward_body;

  friend bool operator==(const ExternalAuthFilter&, const ExternalAuthFilter&) = default;
};

enum class FilterType {
  kRequestHeaderModifier,
  kResponseHeaderModifier,
  kRequestMirror,
  kRequestRedirect,
  kUrlRewrite,
  kExtensionRef,
  kCors,
  kExternalAuth,
};

// One entry of filters[]; exactly the member that `type` names is set (a CRD rule).
// GRPCRoute allows the header modifiers, RequestMirror and ExtensionRef only.
struct RouteFilter {
  FilterType type = FilterType::kRequestHeaderModifier;
  Box<HeaderModifier> request_header_modifier;
  Box<HeaderModifier> response_header_modifier;
  Box<RequestMirror> request_mirror;
  Box<RequestRedirect> request_redirect;
  Box<UrlRewrite> url_rewrite;
  Box<LocalObjectRef> extension_ref;
  Box<CorsFilter> cors;
  Box<ExternalAuthFilter> external_auth;

  friend bool operator==(const RouteFilter&, const RouteFilter&) = default;
};

}  // namespace kgw
