#include "policy/ext_auth.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/common/matching/v3/extension_matcher.pb.h"
#include "envoy/extensions/filters/http/composite/v3/composite.pb.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "policy/envoy_rules.h"
#include "policy/http_filters.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;
namespace ext_authz = ::envoy::extensions::filters::http::ext_authz::v3;
using Matchers = ::envoy::type::matcher::v3::ListStringMatcher;

constexpr int kTimeoutSeconds = 2;  // kgateway's default for its own extAuth

std::vector<std::string> bind_names(RuleContext& context, const char* field,
                                    const std::vector<std::string>& names) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    At at(context, field, i);
    if (Problem problem = check_header_name(names[i])) {
      context.broken("UnsupportedValue", *problem);
    } else {
      result.push_back(to_lower(names[i]));
    }
  }
  return result;
}

void add_exact(const std::vector<std::string>& names, Matchers& out) {
  for (const std::string& name : names) out.add_patterns()->set_exact(name);
}

// Every name but those that describe the message itself or the hop: con(nection), con(tent-*),
// dat(e), ho(st), ke(ep-alive), ser(ver), te, tr(ailer), tr(ansfer-encoding), up(grade). There is
// no negation in the matcher.
void add_all_but_hop_headers(Matchers& out) {
  for (const char* regex : {"[^cdhkstu:].*", "c[^o].*", "co[^n].*", "d[^a].*", "da[^t].*",
                            "h[^o].*", "k[^e].*", "s[^e].*", "se[^r].*", "t[^er].*", "u[^p].*"}) {
    out.add_patterns()->mutable_safe_regex()->set_regex(regex);
  }
}

void encode_http(const ExtAuth& auth, const std::string& cluster, ext_authz::HttpService& out) {
  auto& uri = *out.mutable_server_uri();
  uri.set_uri("http://" + cluster);
  uri.set_cluster(cluster);
  uri.mutable_timeout()->set_seconds(kTimeoutSeconds);
  out.set_path_prefix(auth.path_prefix);
  auto& allowed = *out.mutable_authorization_response()->mutable_allowed_upstream_headers();
  if (auth.response_headers.empty()) {
    add_all_but_hop_headers(allowed);
  } else {
    add_exact(auth.response_headers, allowed);
  }
}

}  // namespace

std::optional<ExtAuth> bind_ext_auth(RuleContext& context, const ExternalAuthFilter& spec) {
  ExtAuth auth;
  if (spec.protocol != "GRPC" && spec.protocol != "HTTP") {
    At at(context, "protocol");
    context.broken("UnsupportedValue", "\"" + spec.protocol + "\" is not one of HTTP and GRPC");
    return {};
  }
  auth.grpc = spec.protocol == "GRPC";
  if (auth.grpc && spec.grpc) {
    At at(context, "grpc");
    auth.request_headers = bind_names(context, "allowedHeaders", spec.grpc->allowed_headers);
  }
  if (!auth.grpc && spec.http) {
    At at(context, "http");
    auth.request_headers = bind_names(context, "allowedHeaders", spec.http->allowed_headers);
    auth.response_headers =
        bind_names(context, "allowedResponseHeaders", spec.http->allowed_response_headers);
    auth.path_prefix = spec.http->path;
    if (!auth.path_prefix.empty()) {
      At path(context, "path");
      if (Problem problem = check_path(auth.path_prefix)) {
        context.broken("UnsupportedValue", *problem);
        return {};
      }
    }
  }
  if (spec.forward_body && spec.forward_body->max_size > 0) {
    auth.body_bytes = static_cast<std::uint32_t>(spec.forward_body->max_size);
  }
  At at(context, "backendRef");
  attach::ResolvedBackend backend = context.resolve(spec.backend_ref);
  if (backend.unresolved) {
    context.broken(backend.unresolved.reason,
                   "the authorization server cannot be used: " + backend.unresolved.message);
    return {};
  }
  auth.cluster = backend.cluster;
  if (auth.grpc) auth.cluster.protocol = attach::BackendProtocol::kHttp2;
  return auth;
}

void encode_ext_authz(const ExtAuth& auth, ext_authz::ExtAuthz& out) {
  const std::string cluster = attach::cluster_name(auth.cluster).str();
  out.set_transport_api_version(::envoy::config::core::v3::V3);
  if (auth.body_bytes > 0) out.mutable_with_request_body()->set_max_request_bytes(auth.body_bytes);
  if (!auth.request_headers.empty()) {
    add_exact(auth.request_headers, *out.mutable_allowed_headers());
  }
  if (!auth.grpc) return encode_http(auth, cluster, *out.mutable_http_service());
  auto& service = *out.mutable_grpc_service();
  service.mutable_envoy_grpc()->set_cluster_name(cluster);
  service.mutable_timeout()->set_seconds(kTimeoutSeconds);
}

void encode_ext_auth(const ExtAuth& auth, ::envoy::config::route::v3::Route& out) {
  ext_authz::ExtAuthz filter;
  encode_ext_authz(auth, filter);
  ::envoy::extensions::filters::http::composite::v3::ExecuteFilterAction execute;
  execute.mutable_typed_config()->set_name("envoy.filters.http.ext_authz");
  pack(filter, *execute.mutable_typed_config()->mutable_typed_config());
  ::envoy::extensions::common::matching::v3::ExtensionWithMatcherPerRoute config;
  auto& action = *config.mutable_xds_matcher()->mutable_on_no_match()->mutable_action();
  action.set_name("ext_authz");
  pack(execute, *action.mutable_typed_config());
  set_filter_config(out, kExtAuthFilter, config);
}

}  // namespace kgw::policy
