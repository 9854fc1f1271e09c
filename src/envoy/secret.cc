#include "envoy/secret.h"

#include <algorithm>

#include "envoy/encode.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace kgw::envoy {
namespace tls = ::envoy::extensions::transport_sockets::tls::v3;
namespace {

void refer(const SecretId& id, tls::SdsSecretConfig& config) {
  config.set_name(secret_name(id).str());
  from_ads(*config.mutable_sds_config());
}

}  // namespace

SecretId certificate_id(const ObjectKey& secret) {
  return {SecretId::Type::kCertificate, {{Kind::kSecret, secret}}};
}

SecretId authority_id(std::vector<ObjectRef> objects) {
  std::ranges::sort(objects);
  const auto repeated = std::ranges::unique(objects);
  objects.erase(repeated.begin(), repeated.end());
  return {SecretId::Type::kAuthority, std::move(objects)};
}

std::string to_string(const SecretId& id) {
  std::string text;
  for (const ObjectRef& object : id.objects) {
    text += text.empty() ? (id.type == SecretId::Type::kCertificate ? "cert" : "ca") : "+";
    if (id.type == SecretId::Type::kAuthority) {
      text += object.kind == Kind::kSecret ? "~secret" : "~configmap";
    }
    text += "~" + object.ns().str() + "~" + object.name().str();
  }
  return text;
}

Name secret_name(const SecretId& id) { return Name(to_string(id)); }

Resource encode_certificate(const SecretId& id, const attach::Certificate& certificate) {
  const Name name = secret_name(id);
  tls::Secret secret;
  secret.set_name(name.str());
  tls::TlsCertificate& pair = *secret.mutable_tls_certificate();
  pair.mutable_certificate_chain()->set_inline_string(certificate.chain_pem);
  pair.mutable_private_key()->set_inline_string(certificate.key_pem);
  return make_resource(name, encode(secret));
}

Resource encode_authority(const SecretId& id, const std::string& pem) {
  const Name name = secret_name(id);
  tls::Secret secret;
  secret.set_name(name.str());
  secret.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(pem);
  return make_resource(name, encode(secret));
}

void present_certificate(const SecretId& id, tls::CommonTlsContext& context) {
  refer(id, *context.add_tls_certificate_sds_secret_configs());
}

void verify_peer(const SecretId& authority, tls::CertificateValidationContext rules,
                 tls::CommonTlsContext& context) {
  auto& combined = *context.mutable_combined_validation_context();
  *combined.mutable_default_validation_context() = std::move(rules);
  refer(authority, *combined.mutable_validation_context_sds_secret_config());
}

}  // namespace kgw::envoy
