#include "envoy/listener_tls.h"

#include <algorithm>

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/encode.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace kgw::envoy {
namespace {
namespace tls = ::envoy::extensions::transport_sockets::tls::v3;

// A client that opens a connection and never finishes the handshake must not hold it for ever.
constexpr int kHandshakeTimeoutSeconds = 15;

tls::TlsParameters::TlsProtocol version(const std::string& text) {
  if (text == "1.0") return tls::TlsParameters::TLSv1_0;
  if (text == "1.1") return tls::TlsParameters::TLSv1_1;
  if (text == "1.2") return tls::TlsParameters::TLSv1_2;
  if (text == "1.3") return tls::TlsParameters::TLSv1_3;
  return tls::TlsParameters::TLS_AUTO;
}

void copy(const std::vector<std::string>& from,
          google::protobuf::RepeatedPtrField<std::string>& to) {
  to.Assign(from.begin(), from.end());
}

void set_parameters(const attach::TlsOptions& options, tls::CommonTlsContext& common) {
  tls::TlsParameters parameters;
  parameters.set_tls_minimum_protocol_version(version(options.min_version));
  parameters.set_tls_maximum_protocol_version(version(options.max_version));
  copy(options.cipher_suites, *parameters.mutable_cipher_suites());
  copy(options.ecdh_curves, *parameters.mutable_ecdh_curves());
  copy(options.signature_algorithms, *parameters.mutable_signature_algorithms());
  if (parameters.ByteSizeLong() != 0) *common.mutable_tls_params() = std::move(parameters);
  copy(options.alpn, *common.mutable_alpn_protocols());
}

// GEP-91. With the insecure fallback a certificate is asked for, but neither missing nor bad ones
// matter.
SecretId validate_clients(const attach::ListenerTlsState& state,
                          tls::DownstreamTlsContext& context) {
  tls::CertificateValidationContext rules;
  if (state.allow_insecure_fallback) {
    rules.set_trust_chain_verification(tls::CertificateValidationContext::ACCEPT_UNTRUSTED);
  } else {
    context.mutable_require_client_certificate()->set_value(true);
    for (const std::string& name : state.options.verify_subject_alt_names) {
      for (const auto type : {tls::SubjectAltNameMatcher::DNS, tls::SubjectAltNameMatcher::URI,
                              tls::SubjectAltNameMatcher::EMAIL}) {
        auto& matcher = *rules.add_match_typed_subject_alt_names();
        matcher.set_san_type(type);
        matcher.mutable_matcher()->set_exact(name);
      }
    }
    copy(state.options.verify_certificate_hashes, *rules.mutable_verify_certificate_hash());
  }
  const SecretId authority = authority_id(state.ca_references);
  verify_peer(authority, std::move(rules), *context.mutable_common_tls_context());
  return authority;
}

// Clients show one of these certificates, whoever issued it.
void pin_clients(const attach::ListenerTlsState& state, tls::DownstreamTlsContext& context) {
  context.mutable_require_client_certificate()->set_value(true);
  copy(state.options.verify_certificate_hashes, *context.mutable_common_tls_context()
                                                     ->mutable_validation_context()
                                                     ->mutable_verify_certificate_hash());
}

}  // namespace

std::vector<SecretId> terminate_tls(const attach::ListenerTlsState& state,
                                    ::envoy::config::listener::v3::FilterChain& chain) {
  std::vector<SecretId> secrets;
  tls::DownstreamTlsContext context;
  for (const ObjectKey& certificate : state.certificates) {
    SecretId id = certificate_id(certificate);
    // A certificate that is listed twice counts once.
    if (std::ranges::find(secrets, id) != secrets.end()) continue;
    present_certificate(id, *context.mutable_common_tls_context());
    secrets.push_back(std::move(id));
  }
  set_parameters(state.options, *context.mutable_common_tls_context());
  if (state.validate_clients) {
    secrets.push_back(validate_clients(state, context));
  } else if (!state.options.verify_certificate_hashes.empty()) {
    pin_clients(state, context);
  }
  auto& socket = *chain.mutable_transport_socket();
  socket.set_name("envoy.transport_sockets.tls");
  pack(context, *socket.mutable_typed_config());
  chain.mutable_transport_socket_connect_timeout()->set_seconds(kHandshakeTimeoutSeconds);
  return secrets;
}

void match_sni(const Name& server_name, ::envoy::config::listener::v3::FilterChain& chain) {
  auto& match = *chain.mutable_filter_chain_match();
  match.set_transport_protocol("tls");
  if (!server_name.empty()) match.add_server_names(server_name.str());
}

}  // namespace kgw::envoy
