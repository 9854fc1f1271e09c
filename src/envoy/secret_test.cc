#include "envoy/secret.h"

#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using ::envoy::extensions::transport_sockets::tls::v3::Secret;

TEST(Secret, Certificate) {
  attach::Certificate certificate;
  certificate.chain_pem = "CHAIN";
  certificate.key_pem = "KEY";
  expect_resource<Secret>(encode_certificate(certificate_id({"infra", "web"}), certificate), R"pb(
    name: "cert~infra~web"
    tls_certificate {
      certificate_chain { inline_string: "CHAIN" }
      private_key { inline_string: "KEY" }
    }
  )pb");
}

TEST(Secret, AuthorityOfSeveralObjectsHasOneNameWhateverTheirOrder) {
  const ObjectRef map{Kind::kConfigMap, {"a", "ca"}};
  const ObjectRef secret{Kind::kSecret, {"b", "ca"}};
  EXPECT_EQ(authority_id({map, secret}), authority_id({secret, map, secret}));
  EXPECT_EQ(secret_name(authority_id({map, secret})), secret_name(authority_id({secret, map})));
  expect_resource<Secret>(encode_authority(authority_id({map}), "PEM"), R"pb(
    name: "ca~configmap~a~ca"
    validation_context { trusted_ca { inline_string: "PEM" } }
  )pb");
}

TEST(Secret, DifferentObjectsHaveDifferentNames) {
  EXPECT_NE(secret_name(authority_id({{Kind::kConfigMap, {"a", "b"}}})),
            secret_name(authority_id({{Kind::kSecret, {"a", "b"}}})));
  EXPECT_NE(secret_name(authority_id({{Kind::kSecret, {"a", "b"}}})),
            secret_name(certificate_id({"a", "b"})));
}

}  // namespace
}  // namespace kgw::envoy
