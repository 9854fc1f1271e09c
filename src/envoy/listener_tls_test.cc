#include "envoy/listener_tls.h"

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/listener_testing.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using ::envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using testing::ElementsAre;

const ObjectRef kAuthority{Kind::kConfigMap, {"infra", "clients"}};

DownstreamTlsContext context_of(const attach::ListenerTlsState& state,
                                std::vector<SecretId>* secrets = nullptr) {
  ::envoy::config::listener::v3::FilterChain chain;
  const auto used = terminate_tls(state, chain);
  if (secrets != nullptr) *secrets = used;
  EXPECT_EQ(chain.transport_socket_connect_timeout().seconds(), 15);
  DownstreamTlsContext context;
  EXPECT_TRUE(chain.transport_socket().typed_config().UnpackTo(&context));
  return context;
}

TEST(ListenerTls, SeveralCertificatesInTheirOrderEachOnce) {
  attach::ListenerTlsState state;
  state.certificates = {{"infra", "b"}, {"infra", "a"}, {"infra", "b"}};
  state.options.alpn = {"h2", "http/1.1"};
  std::vector<SecretId> secrets;
  expect_text(context_of(state, &secrets), R"pb(
    common_tls_context {
      alpn_protocols: "h2"
      alpn_protocols: "http/1.1"
      tls_certificate_sds_secret_configs {
        name: "cert~infra~b"
        sds_config {
          ads {}
          resource_api_version: V3
        }
      }
      tls_certificate_sds_secret_configs {
        name: "cert~infra~a"
        sds_config {
          ads {}
          resource_api_version: V3
        }
      }
    }
  )pb");
  EXPECT_THAT(secrets, ElementsAre(certificate_id({"infra", "b"}), certificate_id({"infra", "a"})));
}

TEST(ListenerTls, ClientsMustShowAValidCertificate) {
  attach::ListenerTlsState state = tls_state();
  state.validate_clients = true;
  state.ca_references = {kAuthority};
  state.options.verify_subject_alt_names = {"client.example.com"};
  state.options.verify_certificate_hashes = {"ab"};
  std::vector<SecretId> secrets;
  DownstreamTlsContext context = context_of(state, &secrets);
  EXPECT_THAT(secrets, testing::Contains(authority_id({kAuthority})));
  context.mutable_common_tls_context()->clear_tls_certificate_sds_secret_configs();
  expect_text(context, R"pb(
    common_tls_context {
      combined_validation_context {
        default_validation_context {
          verify_certificate_hash: "ab"
          match_typed_subject_alt_names {
            san_type: DNS
            matcher { exact: "client.example.com" }
          }
          match_typed_subject_alt_names {
            san_type: URI
            matcher { exact: "client.example.com" }
          }
          match_typed_subject_alt_names {
            san_type: EMAIL
            matcher { exact: "client.example.com" }
          }
        }
        validation_context_sds_secret_config {
          name: "ca~configmap~infra~clients"
          sds_config {
            ads {}
            resource_api_version: V3
          }
        }
      }
    }
    require_client_certificate { value: true }
  )pb");
}

TEST(ListenerTls, WithoutAuthorityTheHashAloneDecides) {
  attach::ListenerTlsState state = tls_state();
  state.options.verify_certificate_hashes = {"ab", "cd"};
  DownstreamTlsContext context = context_of(state);
  context.mutable_common_tls_context()->clear_tls_certificate_sds_secret_configs();
  expect_text(context, R"pb(
    common_tls_context {
      validation_context { verify_certificate_hash: "ab" verify_certificate_hash: "cd" }
    }
    require_client_certificate { value: true }
  )pb");
}

TEST(ListenerTls, TheInsecureFallbackAsksForACertificateAndTakesAny) {
  attach::ListenerTlsState state = tls_state();
  state.validate_clients = true;
  state.allow_insecure_fallback = true;
  state.ca_references = {kAuthority};
  const DownstreamTlsContext context = context_of(state);
  EXPECT_FALSE(context.require_client_certificate().value());
  expect_text(
      context.common_tls_context().combined_validation_context().default_validation_context(),
      R"pb(trust_chain_verification: ACCEPT_UNTRUSTED)pb");
}

TEST(ListenerTls, Parameters) {
  attach::ListenerTlsState state = tls_state();
  state.options.min_version = "1.2";
  state.options.max_version = "1.3";
  state.options.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256"};
  state.options.ecdh_curves = {"X25519"};
  state.options.signature_algorithms = {"rsa_pss_rsae_sha256"};
  expect_text(context_of(state).common_tls_context().tls_params(), R"pb(
    tls_minimum_protocol_version: TLSv1_2
    tls_maximum_protocol_version: TLSv1_3
    cipher_suites: "ECDHE-RSA-AES128-GCM-SHA256"
    ecdh_curves: "X25519"
    signature_algorithms: "rsa_pss_rsae_sha256"
  )pb");
  EXPECT_FALSE(context_of(tls_state()).common_tls_context().has_tls_params());
}

}  // namespace
}  // namespace kgw::envoy
