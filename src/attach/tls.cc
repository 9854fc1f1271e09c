#include <algorithm>

#include "attach/tables.h"
#include "attach/tls_options.h"

namespace kgw::attach {
namespace {

ObjectKey key_in(const Name& own, const std::optional<std::string>& ns, const std::string& name) {
  return {ns ? Name(*ns) : own, name};
}

std::string describe(std::string_view group, std::string_view kind) {
  return group.empty() ? std::string(kind) : std::string(group) + "/" + std::string(kind);
}

Fault not_permitted(const ObjectRef& from, std::string_view kind, const ObjectKey& to) {
  return {"RefNotPermitted", "No ReferenceGrant in namespace " + to.ns.str() + " allows " +
                                 to_string(from) + " to refer to " + std::string(kind) + " " +
                                 to_string(to)};
}

// Checks a reference to a TLS Secret: kind, then grant, and only then existence, so that nobody
// learns which Secrets exist elsewhere. `reason` is used when the reference itself is bad.
// The certificate is null when there is a fault.
struct CheckedCertificate {
  Fault fault;
  ObjectKey key;
  const Certificate* certificate = nullptr;
};
CheckedCertificate check_certificate(const Model& model, engine::Read& read, const ObjectRef& from,
                                     const SecretObjectRef& ref, const char* reason) {
  CheckedCertificate result{{}, key_in(from.ns(), ref.ns, ref.name)};
  if (kind_of(ref.group, ref.kind) != Kind::kSecret) {
    result.fault = {reason, "Kind " + describe(ref.group, ref.kind) +
                                " is not supported as a certificate, only Secret"};
  } else if (!model.permitted(read, from, ref.group, ref.kind, result.key)) {
    result.fault = not_permitted(from, ref.kind, result.key);
  } else if (const Certificate* found = read.get(model.certificates, result.key); !found) {
    result.fault = {reason, "Secret " + to_string(result.key) + " does not exist"};
  } else if (found->invalid) {
    result.fault = {reason, "Secret " + to_string(result.key) + ": " + found->invalid.message};
  } else {
    result.certificate = found;
  }
  return result;
}

void note(Fault& first, Fault next) {
  if (!first) first = std::move(next);
}

void resolve_certificates(const Model& model, engine::Read& read, const BoundListener& listener,
                          ListenerTlsState& state) {
  constexpr const char* kReason = "InvalidCertificateRef";
  const auto& tls = listener.spec->tls;
  if (!tls || tls->certificate_refs.empty()) {
    state.unresolved = {kReason, "The listener terminates TLS but has no tls.certificateRefs"};
    return;
  }
  for (const SecretObjectRef& ref : tls->certificate_refs) {
    CheckedCertificate checked = check_certificate(model, read, listener.id.owner, ref, kReason);
    note(state.unresolved, std::move(checked.fault));
    if (checked.certificate == nullptr) continue;
    if (checked.certificate->warning) {
      const Fault warning{
          checked.certificate->warning.reason,
          "Secret " + to_string(checked.key) + ": " + checked.certificate->warning.message};
      note(state.warning, warning);
      if (warning.reason == kReason) note(state.unresolved, warning);
    }
    // Envoy refuses the same certificate twice.
    if (std::ranges::find(state.certificates, checked.key) == state.certificates.end()) {
      state.certificates.push_back(checked.key);
    }
  }
}

const FrontendValidation* validation_for(const GatewayFrontendTls& frontend, std::int32_t port) {
  const auto own = std::ranges::find(frontend.per_port, port, &FrontendTlsPort::port);
  const FrontendTlsConfig& config =
      own != frontend.per_port.end() ? own->tls : frontend.default_config;
  return config.validation ? &*config.validation : nullptr;
}

Fault check_ca(const Model& model, engine::Read& read, const ObjectRef& from,
               const AnyObjectRef& ref, const ObjectRef& target) {
  if (target.kind != Kind::kConfigMap && target.kind != Kind::kSecret) {
    return {"InvalidCACertificateKind", "Kind " + describe(ref.group, ref.kind) +
                                            " is not supported as a certificate authority, only "
                                            "ConfigMap and Secret"};
  }
  if (!model.permitted(read, from, ref.group, ref.kind, target.key)) {
    return not_permitted(from, ref.kind, target.key);
  }
  const CaBundle* bundle = read.get(model.ca_bundles, target);
  if (bundle == nullptr) {
    return {"InvalidCACertificateRef", to_string(target) + " does not exist"};
  }
  if (bundle->invalid) {
    return {"InvalidCACertificateRef", to_string(target) + ": " + bundle->invalid.message};
  }
  return {};
}

// Client certificates (GEP-91): per port, else the Gateway's default; HTTPS only.
void resolve_client_validation(const Model& model, engine::Read& read,
                               const BoundListener& listener, ListenerTlsState& state) {
  if (listener.protocol != Protocol::kHttps) return;
  const GatewayFacts* facts = read.get(model.gateway_facts, listener.id.gateway);
  if (facts == nullptr || !facts->frontend) return;
  const FrontendValidation* validation = validation_for(*facts->frontend, listener.port);
  if (validation == nullptr) return;
  state.validate_clients = true;
  state.allow_insecure_fallback =
      validation->mode == FrontendValidationMode::kAllowInsecureFallback;
  const ObjectRef from{Kind::kGateway, listener.id.gateway};
  for (const AnyObjectRef& ref : validation->ca_certificate_refs) {
    const ObjectRef target{kind_of(ref.group, ref.kind), key_in(from.ns(), ref.ns, ref.name)};
    Fault fault = check_ca(model, read, from, ref, target);
    if (!fault) state.ca_references.push_back(target);
    note(state.unresolved, std::move(fault));
  }
  if (!state.ca_references.empty()) return;
  state.unaccepted = {"NoValidCACertificate",
                      "Clients must be validated, but none of the caCertificateRefs is usable"};
  note(state.unresolved, {"InvalidCACertificateRef", "There are no caCertificateRefs"});
}

ClientCheck validation_of(const ListenerTlsState& state) {
  if (!state.validate_clients) return ClientCheck::kNone;
  return state.allow_insecure_fallback ? ClientCheck::kInsecureFallback : ClientCheck::kByAuthority;
}

void read_options(const BoundListener& listener, ListenerTlsState& state) {
  const StringMap none;
  ParsedTlsOptions parsed =
      parse_tls_options(listener.spec->tls ? listener.spec->tls->options : none,
                        listener.protocol == Protocol::kHttps, validation_of(state));
  state.options = std::move(parsed.options);
  note(state.unaccepted, std::move(parsed.fault));
  note(state.warning, std::move(parsed.warning));
}

std::optional<ListenerTlsState> judge_tls(const Model& model, const ListenerId& id,
                                          engine::Read& read) {
  const OwnerListeners* owner = read.get(model.owner_listeners, id.owner);
  const BoundListener* listener = owner == nullptr ? nullptr : owner->find(id.name);
  if (listener == nullptr) return std::nullopt;
  ListenerTlsState state;
  resolve_certificates(model, read, *listener, state);
  resolve_client_validation(model, read, *listener, state);
  read_options(*listener, state);
  return state;
}

GatewayFacts facts_of(const Model& model, const ObjectKey& key, const Gateway& gateway,
                      engine::Read& read) {
  GatewayFacts facts;
  if (!gateway.tls) return facts;
  facts.frontend = gateway.tls->frontend;
  if (facts.frontend) {
    const auto is_insecure = [](const FrontendTlsConfig& config) {
      return config.validation &&
             config.validation->mode == FrontendValidationMode::kAllowInsecureFallback;
    };
    facts.insecure_frontend =
        is_insecure(facts.frontend->default_config) ||
        std::ranges::any_of(facts.frontend->per_port, is_insecure, &FrontendTlsPort::tls);
  }
  if (gateway.tls->backend && gateway.tls->backend->client_certificate_ref) {
    CheckedCertificate checked = check_certificate(model, read, {Kind::kGateway, key},
                                                   *gateway.tls->backend->client_certificate_ref,
                                                   "InvalidClientCertificateRef");
    facts.unresolved = std::move(checked.fault);
    if (checked.certificate != nullptr) facts.client_certificate = checked.key;
  }
  return facts;
}

}  // namespace

engine::Derived<ObjectKey, GatewayFacts>& make_gateway_facts(engine::Graph& graph,
                                                             const Model& model) {
  return graph.derived<ObjectKey, GatewayFacts>("gateway facts")
      .from(model.own_gateways,
            [&model](const ObjectKey& key, const Meaning<Gateway>& gateway, engine::Read& read) {
              return std::optional(facts_of(model, key, *gateway, read));
            });
}

engine::Index<ListenerId, ObjectRef, OwnerListeners>& make_tls_listeners(engine::Graph& graph,
                                                                         const Model& model) {
  return graph.index<ListenerId>(
      model.owner_listeners, "tls listeners",
      [](const ObjectRef&, const OwnerListeners& owner, auto&& emit) {
        for (const BoundListener& listener : owner.listeners) {
          if (listener.protocol == Protocol::kHttps ||
              (listener.protocol == Protocol::kTls && listener.tls_mode == TlsMode::kTerminate)) {
            emit(listener.id);
          }
        }
      });
}

engine::Derived<ListenerId, ListenerTlsState>& make_listener_tls(engine::Graph& graph,
                                                                 const Model& model) {
  return graph.derived<ListenerId, ListenerTlsState>("listener tls")
      .from(model.tls_listeners, [&model](const ListenerId& id, engine::Read& read) {
        return judge_tls(model, id, read);
      });
}

}  // namespace kgw::attach
