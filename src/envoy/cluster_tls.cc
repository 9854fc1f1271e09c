#include "envoy/cluster_tls.h"

#include <re2/re2.h>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/encode.h"
#include "envoy/endpoint.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace kgw::envoy {
namespace {
namespace tls_proto = ::envoy::extensions::transport_sockets::tls::v3;
using attach::BackendProtocol;
using tls_proto::CertificateValidationContext;
using tls_proto::SubjectAltNameMatcher;

::envoy::type::matcher::v3::StringMatcher& add_san(SubjectAltNameMatcher::SanType type,
                                                   CertificateValidationContext& rules) {
  auto& matcher = *rules.add_match_typed_subject_alt_names();
  matcher.set_san_type(type);
  return *matcher.mutable_matcher();
}

// Envoy compares an exact DNS matcher as TLS clients do: a certificate for *.example.com is good
// for a.example.com. A wildcard that the policy asks for stands for one label.
void add_hostname(const std::string& hostname, CertificateValidationContext& rules) {
  if (is_ip_address(hostname)) {
    add_san(SubjectAltNameMatcher::IP_ADDRESS, rules).set_exact(hostname);
    return;
  }
  add_san(SubjectAltNameMatcher::DNS, rules).set_exact(hostname);
  if (!hostname.starts_with("*.")) return;
  add_san(SubjectAltNameMatcher::DNS, rules)
      .mutable_safe_regex()
      ->set_regex("[^.*]+" + re2::RE2::QuoteMeta(hostname.substr(1)));
}

// Any one of them is enough.
CertificateValidationContext rules_for(const attach::BackendTls& tls) {
  CertificateValidationContext rules;
  for (const SubjectAltName& san : tls.sans) {
    if (san.type == "URI") {
      add_san(SubjectAltNameMatcher::URI, rules).set_exact(san.uri);
    } else {
      add_hostname(san.hostname, rules);
    }
  }
  if (tls.sans.empty()) add_hostname(tls.sni, rules);
  return rules;
}

void set_alpn(BackendProtocol protocol, tls_proto::CommonTlsContext& common) {
  if (protocol == BackendProtocol::kHttp2) common.add_alpn_protocols("h2");
  if (protocol == BackendProtocol::kAuto) common.add_alpn_protocols("http/1.1");
}

}  // namespace

std::vector<SecretId> set_upstream_tls(const ClusterVariant& variant, const attach::BackendTls& tls,
                                       const std::string& system_ca_path,
                                       ::envoy::config::core::v3::TransportSocket& socket) {
  std::vector<SecretId> secrets;
  tls_proto::UpstreamTlsContext context;
  if (!is_ip_address(tls.sni)) context.set_sni(tls.sni);
  auto& common = *context.mutable_common_tls_context();
  set_alpn(variant.id.protocol, common);

  CertificateValidationContext rules = rules_for(tls);
  if (tls.system_ca) {
    rules.mutable_trusted_ca()->set_filename(system_ca_path);
    *common.mutable_validation_context() = std::move(rules);
  } else {
    secrets.push_back(authority_id(tls.ca_references));
    verify_peer(secrets.back(), std::move(rules), common);
  }
  if (!variant.client_certificate.name.empty()) {
    secrets.push_back(certificate_id(variant.client_certificate));
    present_certificate(secrets.back(), common);
  }
  socket.set_name("envoy.transport_sockets.tls");
  pack(context, *socket.mutable_typed_config());
  return secrets;
}

}  // namespace kgw::envoy
