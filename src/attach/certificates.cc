// Tables `certificates` and `ca_bundles`: only what somebody refers to is parsed, once per version.
#include "attach/certificate.h"
#include "attach/tables.h"

namespace kgw::attach {
namespace {

ObjectKey key_in(const Name& own, const std::optional<std::string>& ns, const std::string& name) {
  return {ns ? Name(*ns) : own, name};
}

// f(const AnyObjectRef&) for each reference to a certificate authority.
template <typename F>
void for_each_ca(const Gateway& gateway, F&& f) {
  if (!gateway.tls || !gateway.tls->frontend) return;
  const auto visit = [&](const FrontendTlsConfig& config) {
    if (!config.validation) return;
    for (const AnyObjectRef& ref : config.validation->ca_certificate_refs) f(ref);
  };
  visit(gateway.tls->frontend->default_config);
  for (const FrontendTlsPort& port : gateway.tls->frontend->per_port) visit(port.tls);
}

std::optional<CaReferences> ca_references_of(const Gateway& gateway) {
  CaReferences result;
  for_each_ca(gateway, [&](const AnyObjectRef& ref) {
    const Kind kind = kind_of(ref.group, ref.kind);
    result.objects.push_back({kind, key_in(gateway.metadata.ns, ref.ns, ref.name)});
  });
  return result.objects.empty() ? std::nullopt : std::optional(std::move(result));
}

std::optional<CaReferences> ca_references_of(const BackendTlsPolicy& policy) {
  CaReferences result;
  for (const LocalObjectRef& ref : policy.ca_certificate_refs) {
    result.objects.push_back({kind_of(ref.group, ref.kind), {policy.metadata.ns, ref.name}});
  }
  return result.objects.empty() ? std::nullopt : std::optional(std::move(result));
}

template <typename T>
std::optional<CaBundle> bundle_of(const T* object) {
  if (object == nullptr) return std::nullopt;
  const auto pem = object->data.find("ca.crt");
  if (pem != object->data.end()) return parse_ca_bundle(pem->second);
  return CaBundle{{}, {"InvalidCACertificateRef", "it has no key ca.crt"}};
}

// Falls back on the last good version of the Secret: a broken renewal must not take a site down.
std::optional<Certificate> certificate_of(const Model& model, const ObjectKey& key,
                                          engine::Read& read) {
  const Secret* secret = read.get(model.inputs.secrets, key);
  if (secret == nullptr) return std::nullopt;
  Certificate current = parse_certificate(*secret);
  if (!current.invalid) return current;
  const Secret* before = read.get(model.good_secrets, key);
  if (before == nullptr) return current;
  Certificate previous = parse_certificate(*before);
  previous.warning = {"InvalidCertificateRef",
                      current.invalid.message + "; the previous certificate stays in force"};
  return previous;
}

bool comes_from(const Certificate& certificate, const Secret& secret) {
  const auto chain = secret.data.find("tls.crt");
  const auto key = secret.data.find("tls.key");
  return chain != secret.data.end() && key != secret.data.end() &&
         chain->second == certificate.chain_pem && key->second == certificate.key_pem;
}

}  // namespace

engine::Index<ObjectKey, ObjectKey, GatewayListeners>& make_certificate_users(engine::Graph& graph,
                                                                              const Model& model) {
  return graph.index<ObjectKey>(
      model.listeners, "gateways by certificate",
      [](const ObjectKey& key, const GatewayListeners& gateway, auto&& emit) {
        for (const BoundListener& listener : gateway.listeners) {
          if (!listener.spec->tls) continue;
          for (const SecretObjectRef& ref : listener.spec->tls->certificate_refs) {
            emit(key_in(listener.id.owner.ns(), ref.ns, ref.name));
          }
        }
        const auto& tls = gateway.gateway->tls;
        if (!tls || !tls->backend || !tls->backend->client_certificate_ref) return;
        const SecretObjectRef& ref = *tls->backend->client_certificate_ref;
        emit(key_in(key.ns, ref.ns, ref.name));
      });
}

engine::Derived<ObjectRef, CaReferences>& make_ca_references(engine::Graph& graph,
                                                             const Model& model) {
  return graph.derived<ObjectRef, CaReferences>("ca references")
      .from(
          model.own_gateways, [](const ObjectKey& key) { return ObjectRef{Kind::kGateway, key}; },
          [](const ObjectKey&, const Meaning<Gateway>& gateway, engine::Read&) {
            return ca_references_of(*gateway);
          })
      .from(
          model.inputs.backend_tls_policies,
          [](const ObjectKey& key) { return ObjectRef{Kind::kBackendTlsPolicy, key}; },
          [](const ObjectKey&, const BackendTlsPolicy& policy, engine::Read&) {
            return ca_references_of(policy);
          });
}

engine::Index<ObjectRef, ObjectRef, CaReferences>& make_ca_users(engine::Graph& graph,
                                                                 const Model& model) {
  return graph.index<ObjectRef>(model.ca_references, "users by ca",
                                [](const ObjectRef&, const CaReferences& references, auto&& emit) {
                                  for (const ObjectRef& ref : references.objects) emit(ref);
                                });
}

engine::Derived<ObjectKey, Certificate>& make_certificates(engine::Graph& graph,
                                                           const Model& model) {
  return graph.derived<ObjectKey, Certificate>("certificates")
      .from(model.certificate_users, [&model](const ObjectKey& key, engine::Read& read) {
        return certificate_of(model, key, read);
      });
}

engine::Derived<ObjectRef, CaBundle>& make_ca_bundles(engine::Graph& graph, const Model& model) {
  return graph.derived<ObjectRef, CaBundle>("ca bundles")
      .from(model.ca_users,
            [&model](const ObjectRef& ref, engine::Read& read) -> std::optional<CaBundle> {
              if (ref.kind == Kind::kConfigMap) {
                return bundle_of(read.get(model.inputs.config_maps, ref.key));
              }
              if (ref.kind == Kind::kSecret) {
                return bundle_of(read.get(model.inputs.secrets, ref.key));
              }
              return std::nullopt;
            });
}

// What a commit finds good is staged here for the next one, and the next one reads it only if the
// Secret has turned bad in it; so the fallback is in force in the very commit that needs it.
void keep_good_secrets(engine::Graph& graph, const Model& model) {
  graph.watch(model.certificates,
              [&model](std::span<const engine::Change<ObjectKey, Certificate>> changes) {
                for (const auto& change : changes) {
                  const auto secret = model.inputs.secrets.find_shared(change.key);
                  if (change.after == nullptr) {
                    model.good_secrets.erase(change.key);
                  } else if (secret != nullptr && !change.after->invalid &&
                             comes_from(*change.after, *secret)) {
                    model.good_secrets.set(change.key, secret);
                  }
                }
              });
}

}  // namespace kgw::attach
