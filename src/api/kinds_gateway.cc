// GatewayClass, Gateway, ListenerSet and ReferenceGrant of Gateway API 1.7 (experimental channel).
// Every rule restates one validation of the CRDs.
#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "api/gateway.h"
#include "api/kinds_common.h"

namespace kgw {
namespace {

using Listeners = std::vector<Listener>;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, text) != list.end();
}

bool matches(std::string_view text, const re2::RE2& regex) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

template <typename Range, typename Key>
bool unique_by(const Range& range, Key key) {
  std::set<std::decay_t<decltype(key(*range.begin()))>> seen;
  return std::ranges::all_of(range, [&](const auto& e) { return seen.insert(key(e)).second; });
}

// ---- references ----

void describe_local_parameters(Schema<ParametersRef>& s) {
  s.field("group", &ParametersRef::group).required().with(shape::group());
  s.field("kind", &ParametersRef::kind).required().with(shape::kind());
  s.field("name", &ParametersRef::name).required().with(shape::object_name());
}

void describe_class_parameters(Schema<ParametersRef>& s) {
  describe_local_parameters(s);
  s.field("namespace", &ParametersRef::ns).with(shape::namespace_name());
}

// A ListenerSet's parent: without section and port.
void describe_gateway_parent(Schema<ParentRef>& s) {
  s.field("group", &ParentRef::group)
      .default_value(std::string(kGatewayGroup))
      .with(shape::group());
  s.field("kind", &ParentRef::kind).default_value("Gateway").with(shape::kind());
  s.field("namespace", &ParentRef::ns).with(shape::namespace_name());
  s.field("name", &ParentRef::name).required().with(shape::object_name());
}

// ---- listeners ----

void describe_route_namespaces(Schema<NamespacePolicy>& s) {
  s.enumeration("from", &NamespacePolicy::from,
                {{"All", FromNamespaces::kAll},
                 {"Selector", FromNamespaces::kSelector},
                 {"Same", FromNamespaces::kSame}})
      .default_value(FromNamespaces::kSame);
  s.field("selector", &NamespacePolicy::selector);
}

void describe_listener_namespaces(Schema<NamespacePolicy>& s) {
  s.enumeration("from", &NamespacePolicy::from,
                {{"All", FromNamespaces::kAll},
                 {"Selector", FromNamespaces::kSelector},
                 {"Same", FromNamespaces::kSame},
                 {"None", FromNamespaces::kNone}})
      .default_value(FromNamespaces::kNone);
  s.field("selector", &NamespacePolicy::selector);
}

}  // namespace

void describe(Schema<RouteGroupKind>& s) {
  s.field("group", &RouteGroupKind::group)
      .default_value(std::string(kGatewayGroup))
      .with(shape::group());
  s.field("kind", &RouteGroupKind::kind).required().with(shape::kind());
}

void describe(Schema<AllowedRoutes>& s) {
  s.field("namespaces", &AllowedRoutes::namespaces, describe_route_namespaces).default_value({});
  s.field("kinds", &AllowedRoutes::kinds).max_size(8);
}

void describe(Schema<ListenerTls>& s) {
  s.enumeration("mode", &ListenerTls::mode,
                {{"Terminate", TlsMode::kTerminate}, {"Passthrough", TlsMode::kPassthrough}})
      .default_value(TlsMode::kTerminate);
  s.field("certificateRefs", &ListenerTls::certificate_refs).max_size(64);
  s.field("options", &ListenerTls::options).with(shape::annotation_map(16));
  s.rule("certificateRefs or options must be specified when mode is Terminate",
         [](const ListenerTls& tls) {
           return tls.mode != TlsMode::kTerminate || !tls.certificate_refs.empty() ||
                  !tls.options.empty();
         });
}

void describe(Schema<ListenerFilter>& s);

namespace {

void describe_listener_but_port(Schema<Listener>& s) {
  s.field("name", &Listener::name).required().with(shape::section_name());
  s.field("hostname", &Listener::hostname).with(shape::hostname());
  s.field("protocol", &Listener::protocol)
      .required()
      .length(1, 255)
      .pattern(
          "^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]"
          "([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$");
  s.field("tls", &Listener::tls);
  s.field("allowedRoutes", &Listener::allowed_routes).default_value({});
  s.group("filters", [](Schema<Listener>& filters) {
    filters.field("requests", &Listener::filters).max_size(16);
  });
}

void describe_listener(Schema<Listener>& s) {
  describe_listener_but_port(s);
  s.field("port", &Listener::port).required().with(shape::port());
}

// The CRD of ListenerSets does not have this rule.
void describe_gateway_listener(Schema<Listener>& s) {
  describe_listener(s);
  s.rule("filters may only be set when protocol is HTTP or HTTPS",
         [](const Listener& l, const doc::Node& written) {
           return !is_given(written, "filters") || is_one_of(l.protocol, {"HTTP", "HTTPS"});
         });
}

// XListenerSet lets the port out where the protocol implies it.
void describe_legacy_listener(Schema<Listener>& s) {
  describe_listener_but_port(s);
  s.field("port", &Listener::port).range(0, 65535);
}

void listener_list(schema::FieldRef<Listeners> field) {
  const auto rule = [&](std::string_view message, auto holds) {
    field.rule(message, [holds](const Listeners& all) { return std::ranges::all_of(all, holds); });
  };
  field.required().size(1, 64).unique_by({"name"});
  rule("tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
       [](const Listener& l) { return !is_one_of(l.protocol, {"HTTP", "TCP", "UDP"}) || !l.tls; });
  rule("tls mode must be Terminate for protocol HTTPS", [](const Listener& l) {
    return l.protocol != "HTTPS" || !l.tls || l.tls->mode == TlsMode::kTerminate;
  });
  rule("tls mode must be set for protocol TLS",
       [](const Listener& l) { return l.protocol != "TLS" || l.tls; });
  rule("hostname must not be specified for protocols ['TCP', 'UDP']",
       [](const Listener& l) { return !is_one_of(l.protocol, {"TCP", "UDP"}) || !l.hostname; });
  field.rule("Combination of port, protocol and hostname must be unique for each listener",
             [](const Listeners& all) {
               return unique_by(all, [](const Listener& l) {
                 // A ListenerSet's listener without port never conflicts here.
                 return std::tuple(l.port, l.protocol, l.hostname, l.port == 0 ? l.name : "");
               });
             });
}

}  // namespace

// ---- Gateway ----

void describe(Schema<GatewayAddress>& s) {
  s.field("type", &GatewayAddress::type)
      .default_value("IPAddress")
      .length(1, 253)
      .pattern(
          "^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*"
          "[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$");
  s.field("value", &GatewayAddress::value).max_length(253);
  s.field("routability", &GatewayAddress::routability)
      .max_length(253)
      .rule(
          "Routability must be empty, Cluster, or an implementation-specific prefixed path; k8s.io "
          "and its subdomains are reserved",
          [](const std::optional<std::string>& value) {
            if (value->empty() || *value == "Cluster") return true;
            const auto slash = value->find('/');
            if (slash == std::string::npos || slash + 1 == value->size()) return false;
            static const re2::RE2* subdomain =
                new re2::RE2("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$");
            const std::string domain = value->substr(0, slash);
            return matches(domain, *subdomain) && domain != "k8s.io" &&
                   !domain.ends_with(".k8s.io");
          });
  s.rule(
      "value must be an IPv4 or IPv6 address when type is IPAddress",
      [](const GatewayAddress& a, const doc::Node& written) {
        return a.type != "IPAddress" || !is_given(written, "value") || is_ip(a.value);
      },
      {}, "value");
  s.rule(
      "Hostname value must be empty or contain only valid characters (matching "
      "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)",
      [](const GatewayAddress& a) {
        static const re2::RE2* hostname = new re2::RE2(
            "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$");
        return a.type != "Hostname" || a.value.empty() || matches(a.value, *hostname);
      });
}

void describe(Schema<FrontendValidation>& s) {
  s.field("caCertificateRefs", &FrontendValidation::ca_certificate_refs)
      .required()
      .size(1, 16)
      .rule("ClusterTrustBundle references must not specify namespace",
            [](const std::vector<AnyObjectRef>& refs) {
              return std::ranges::none_of(refs, [](const AnyObjectRef& ref) {
                return ref.group == "certificates.k8s.io" && ref.kind == "ClusterTrustBundle" &&
                       ref.ns;
              });
            });
  s.enumeration("mode", &FrontendValidation::mode,
                {{"AllowValidOnly", FrontendValidationMode::kAllowValidOnly},
                 {"AllowInsecureFallback", FrontendValidationMode::kAllowInsecureFallback}})
      .default_value(FrontendValidationMode::kAllowValidOnly);
}

void describe(Schema<FrontendTlsConfig>& s) {
  s.field("validation", &FrontendTlsConfig::validation);
}

void describe(Schema<FrontendTlsPort>& s) {
  s.field("port", &FrontendTlsPort::port).required().with(shape::port());
  s.field("tls", &FrontendTlsPort::tls).required();
}

void describe(Schema<GatewayFrontendTls>& s) {
  s.field("default", &GatewayFrontendTls::default_config).required();
  s.field("perPort", &GatewayFrontendTls::per_port).max_size(64).unique_by({"port"});
}

void describe(Schema<GatewayBackendTls>& s) {
  s.field("clientCertificateRef", &GatewayBackendTls::client_certificate_ref);
}

void describe(Schema<GatewayTls>& s) {
  s.field("frontend", &GatewayTls::frontend);
  s.field("backend", &GatewayTls::backend);
}

void describe(Schema<GatewayInfrastructure>& s) {
  const auto qualified = [](const StringMap& map) {
    return std::ranges::all_of(map, [](const auto& e) { return is_qualified_name(e.first); });
  };
  s.field("labels", &GatewayInfrastructure::labels)
      .with(shape::label_map(8))
      .rule(
          "Label keys must be in the form of an optional DNS subdomain prefix followed by a "
          "required name segment of up to 63 characters.",
          qualified)
      .rule(
          "If specified, the label key's prefix must be a DNS subdomain not longer than 253 "
          "characters in total.",
          has_short_prefixes);
  s.field("annotations", &GatewayInfrastructure::annotations)
      .with(shape::annotation_map(16))
      .rule(
          "Annotation keys must be in the form of an optional DNS subdomain prefix followed by a "
          "required name segment of up to 63 characters.",
          qualified)
      .rule(
          "If specified, the annotation key's prefix must be a DNS subdomain not longer than 253 "
          "characters in total.",
          has_short_prefixes);
  s.field("parametersRef", &GatewayInfrastructure::parameters_ref, describe_local_parameters);
}

void describe(Schema<GrantFrom>& s) {
  s.field("group", &GrantFrom::group).required().with(shape::group());
  s.field("kind", &GrantFrom::kind).required().with(shape::kind());
  s.field("namespace", &GrantFrom::ns).required().with(shape::namespace_name());
}

void describe(Schema<GrantTo>& s) {
  s.field("group", &GrantTo::group).required().with(shape::group());
  s.field("kind", &GrantTo::kind).required().with(shape::kind());
  s.field("name", &GrantTo::name).with(shape::object_name());
}

namespace {

void describe_gateway_class(Schema<GatewayClass>& s) {
  describe_object(s);
  s.group("spec", [](Schema<GatewayClass>& spec) {
     spec.field("controllerName", &GatewayClass::controller_name)
         .required()
         .with(shape::controller_name());
     spec.field("description", &GatewayClass::description).max_length(64);
     spec.field("parametersRef", &GatewayClass::parameters_ref, describe_class_parameters);
   }).required();
}

void describe_gateway(Schema<Gateway>& s) {
  describe_object(s);
  s.group("spec", [](Schema<Gateway>& spec) {
     spec.field("gatewayClassName", &Gateway::gateway_class_name)
         .required()
         .with(shape::object_name());
     listener_list(spec.field("listeners", &Gateway::listeners, describe_gateway_listener));
     spec.field("addresses", &Gateway::addresses)
         .max_size(16)
         .rule("IPAddress and Hostname values must be unique",
               [](const std::vector<GatewayAddress>& all) {
                 std::set<std::pair<std::string, std::string>> seen;
                 return std::ranges::all_of(all, [&](const GatewayAddress& a) {
                   return a.value.empty() || !is_one_of(a.type, {"IPAddress", "Hostname"}) ||
                          seen.emplace(a.type, a.value).second;
                 });
               });
     spec.field("infrastructure", &Gateway::infrastructure);
     spec.group("allowedListeners", [](Schema<Gateway>& allowed) {
       allowed.field("namespaces", &Gateway::allowed_listeners, describe_listener_namespaces)
           .default_value({FromNamespaces::kNone, {}});
     });
     spec.field("tls", &Gateway::tls);
     spec.field("defaultScope", &Gateway::default_scope).one_of({"All", "None"});
   }).required();
}

void describe_listener_set(Schema<ListenerSet>& s) {
  describe_object(s);
  s.group("spec", [](Schema<ListenerSet>& spec) {
     spec.field("parentRef", &ListenerSet::parent_ref, describe_gateway_parent).required();
     listener_list(spec.field("listeners", &ListenerSet::listeners, describe_listener));
   }).required();
}

void describe_legacy_listener_set(Schema<ListenerSet>& s) {
  describe_object(s);
  s.group("spec", [](Schema<ListenerSet>& spec) {
     spec.field("parentRef", &ListenerSet::parent_ref, describe_gateway_parent).required();
     listener_list(spec.field("listeners", &ListenerSet::listeners, describe_legacy_listener));
   }).required();
}

void describe_reference_grant(Schema<ReferenceGrant>& s) {
  describe_object(s);
  s.group("spec", [](Schema<ReferenceGrant>& spec) {
     spec.field("from", &ReferenceGrant::from).required().size(1, 16);
     spec.field("to", &ReferenceGrant::to).required().size(1, 16);
   }).required();
}

}  // namespace

void add_gateway_kinds(std::vector<KindDefinition>& kinds) {
  using schema::struct_type;
  const auto* gateway_class = &struct_type<GatewayClass>(describe_gateway_class);
  const auto* gateway = &struct_type<Gateway>(describe_gateway);
  const auto* grant = &struct_type<ReferenceGrant>(describe_reference_grant);
  const auto form = [](std::string_view version, std::string_view name,
                       const schema::StructType* type) {
    return KindForm{{kGatewayGroup, version, name}, type};
  };
  kinds.push_back(define<GatewayClass, Kind::kGatewayClass>(
      "gatewayclasses",
      {form("v1", "GatewayClass", gateway_class), form("v1beta1", "GatewayClass", gateway_class)}));
  kinds.back().info.namespaced = false;
  kinds.push_back(define<Gateway, Kind::kGateway>(
      "gateways", {form("v1", "Gateway", gateway), form("v1beta1", "Gateway", gateway)}));
  kinds.push_back(define<ListenerSet, Kind::kListenerSet>(
      "listenersets", {form("v1", "ListenerSet", &struct_type<ListenerSet>(describe_listener_set)),
                       {{kGatewayExperimentalGroup, "v1alpha1", "XListenerSet"},
                        &struct_type<ListenerSet>(describe_legacy_listener_set)}}));
  kinds.push_back(define<ReferenceGrant, Kind::kReferenceGrant>(
      "referencegrants",
      {form("v1", "ReferenceGrant", grant), form("v1beta1", "ReferenceGrant", grant),
       form("v1alpha2", "ReferenceGrant", grant)}));
}

}  // namespace kgw
