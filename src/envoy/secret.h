// Secrets as Envoy gets them (SDS): TLS certificates of listeners and Gateways, and certificate
// authorities for either side. A secret is one resource, shared by all listeners, clusters and
// Gateways that use it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "attach/model.h"
#include "envoy/resource.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class CommonTlsContext;
class CertificateValidationContext;
}  // namespace envoy::extensions::transport_sockets::tls::v3

namespace kgw::envoy {

// What a secret is made of. An authority may be joined from several objects; each combination is a
// secret of its own.
struct SecretId {
  enum class Type : std::uint8_t { kCertificate, kAuthority };
  Type type = Type::kCertificate;
  std::vector<ObjectRef> objects;  // one Secret; or ConfigMaps and Secrets with ca.crt, sorted

  friend auto operator<=>(const SecretId&, const SecretId&) = default;
  friend bool operator==(const SecretId&, const SecretId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const SecretId& id) {
    return H::combine(std::move(h), id.type, id.objects);
  }
};

SecretId certificate_id(const ObjectKey& secret);
SecretId authority_id(std::vector<ObjectRef> objects);

// "cert~<ns>~<name>", "ca~configmap~<ns>~<name>"; the parts of a joined authority stand behind "+".
Name secret_name(const SecretId& id);
std::string to_string(const SecretId& id);

Resource encode_certificate(const SecretId& id, const attach::Certificate& certificate);
// `pem`: all the bundles, joined.
Resource encode_authority(const SecretId& id, const std::string& pem);

// Make a TLS context use the secret.
void present_certificate(const SecretId& id,
                         ::envoy::extensions::transport_sockets::tls::v3::CommonTlsContext& tls);
// Peers must present a certificate of this authority that also satisfies `rules`.
void verify_peer(
    const SecretId& authority,
    ::envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext rules,
    ::envoy::extensions::transport_sockets::tls::v3::CommonTlsContext& tls);

}  // namespace kgw::envoy
