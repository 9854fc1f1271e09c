// GatewayClass, Gateway, ListenerSet and ReferenceGrant (Gateway API 1.7, experimental channel).
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

struct ParametersRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> ns;  // GatewayClass only

  friend bool operator==(const ParametersRef&, const ParametersRef&) = default;
};

struct GatewayClass : Object {
  std::string controller_name;
  std::optional<std::string> description;
  Box<ParametersRef> parameters_ref;

  GatewayClass() : Object(Kind::kGatewayClass) {}
  friend bool operator==(const GatewayClass&, const GatewayClass&) = default;
};

enum class FromNamespaces { kAll, kSelector, kSame, kNone };

// allowedRoutes.namespaces (default Same) and allowedListeners.namespaces (default None).
struct NamespacePolicy {
  FromNamespaces from = FromNamespaces::kSame;
  Box<LabelSelector> selector;

  friend bool operator==(const NamespacePolicy&, const NamespacePolicy&) = default;
};

struct RouteGroupKind {
  std::string group = "gateway.networking.k8s.io";
  std::string kind;

  friend auto operator<=>(const RouteGroupKind&, const RouteGroupKind&) = default;
};

struct AllowedRoutes {
  NamespacePolicy namespaces;
  std::vector<RouteGroupKind> kinds;

  friend bool operator==(const AllowedRoutes&, const AllowedRoutes&) = default;
};

enum class TlsMode { kTerminate, kPassthrough };

struct ListenerTls {
  TlsMode mode = TlsMode::kTerminate;
  std::vector<SecretObjectRef> certificate_refs;
  StringMap options;

  friend bool operator==(const ListenerTls&, const ListenerTls&) = default;
};

// listeners[].filters.requests[] (experimental): runs before routing.
struct ListenerFilter {
  std::string type;  // ExternalAuth, ExtensionRef
  Box<ExternalAuthFilter> external_auth;
  Box<LocalObjectRef> extension_ref;

  friend bool operator==(const ListenerFilter&, const ListenerFilter&) = default;
};

// An entry of Gateway.spec.listeners or ListenerSet.spec.listeners.
struct Listener {
  std::string name;
  std::optional<std::string> hostname;
  std::int32_t port = 0;  // 0 in a ListenerSet without a port: 80 for HTTP, 443 for HTTPS
  std::string protocol;   // HTTP, HTTPS, TLS, TCP, UDP or anything else
  Box<ListenerTls> tls;
  AllowedRoutes allowed_routes;
  std::vector<ListenerFilter> filters;

  friend bool operator==(const Listener&, const Listener&) = default;
};

struct GatewayAddress {
  std::string type = "IPAddress";
  std::string value;
  std::optional<std::string> routability;

  friend bool operator==(const GatewayAddress&, const GatewayAddress&) = default;
};

enum class FrontendValidationMode { kAllowValidOnly, kAllowInsecureFallback };

struct FrontendValidation {
  std::vector<AnyObjectRef> ca_certificate_refs;
  FrontendValidationMode mode = FrontendValidationMode::kAllowValidOnly;

  friend bool operator==(const FrontendValidation&, const FrontendValidation&) = default;
};

struct FrontendTlsConfig {
  Box<FrontendValidation> validation;

  friend bool operator==(const FrontendTlsConfig&, const FrontendTlsConfig&) = default;
};

struct FrontendTlsPort {
  std::int32_t port = 0;
  FrontendTlsConfig tls;

  friend bool operator==(const FrontendTlsPort&, const FrontendTlsPort&) = default;
};

struct GatewayFrontendTls {
  FrontendTlsConfig default_config;
  std::vector<FrontendTlsPort> per_port;

  friend bool operator==(const GatewayFrontendTls&, const GatewayFrontendTls&) = default;
};

struct GatewayBackendTls {
  Box<SecretObjectRef> client_certificate_ref;

  friend bool operator==(const GatewayBackendTls&, const GatewayBackendTls&) = default;
};

struct GatewayTls {
  Box<GatewayFrontendTls> frontend;
  Box<GatewayBackendTls> backend;

  friend bool operator==(const GatewayTls&, const GatewayTls&) = default;
};

struct GatewayInfrastructure {
  StringMap labels;
  StringMap annotations;
  Box<ParametersRef> parameters_ref;

  friend bool operator==(const GatewayInfrastructure&, const GatewayInfrastructure&) = default;
};

struct Gateway : Object {
  std::string gateway_class_name;
  std::vector<Listener> listeners;
  std::vector<GatewayAddress> addresses;
  Box<GatewayInfrastructure> infrastructure;
  NamespacePolicy allowed_listeners{FromNamespaces::kNone, {}};
  Box<GatewayTls> tls;
  std::string default_scope;  // "", All, None (experimental default Gateways)

  Gateway() : Object(Kind::kGateway) {}
  friend bool operator==(const Gateway&, const Gateway&) = default;
};

struct ListenerSet : Object {
  ParentRef parent_ref;  // section_name and port are never set
  std::vector<Listener> listeners;

  ListenerSet() : Object(Kind::kListenerSet) {}
  friend bool operator==(const ListenerSet&, const ListenerSet&) = default;
};

struct GrantFrom {
  std::string group;
  std::string kind;
  std::string ns;

  friend bool operator==(const GrantFrom&, const GrantFrom&) = default;
};

struct GrantTo {
  std::string group;
  std::string kind;
  std::optional<std::string> name;

  friend bool operator==(const GrantTo&, const GrantTo&) = default;
};

struct ReferenceGrant : Object {
  std::vector<GrantFrom> from;
  std::vector<GrantTo> to;

  ReferenceGrant() : Object(Kind::kReferenceGrant) {}
  friend bool operator==(const ReferenceGrant&, const ReferenceGrant&) = default;
};

}  // namespace kgw
