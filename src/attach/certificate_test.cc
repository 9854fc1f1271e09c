#include "attach/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_certificates.h"

namespace kgw::attach {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Certificate parse(const Pair& pair) { return parse_certificate(tls_secret("ns", "s", pair)); }

const Pair& good() {
  static const Pair pair = make_pair();
  return pair;
}

TEST(Certificate, GoodPair) {
  const Certificate certificate = parse(good());
  EXPECT_FALSE(certificate.invalid) << certificate.invalid.message.str();
  EXPECT_FALSE(certificate.warning);
  EXPECT_THAT(certificate.dns_names, ElementsAre("a.example.com"));
  EXPECT_GT(certificate.not_after, 0);
  EXPECT_EQ(certificate.chain_pem, good().certificate);
}

// What follows was tried on Envoy 1.40 with `--mode validate`.
TEST(Certificate, KeysThatEnvoyTakes) {
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    EXPECT_FALSE(parse(self_signed("a.com", EVP_EC_gen(curve))).invalid) << curve;
  }
  EXPECT_FALSE(parse(self_signed("a.com", EVP_RSA_gen(2048))).invalid);
  EXPECT_FALSE(parse(self_signed("a.com", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))).invalid);
}

TEST(Certificate, KeysThatEnvoyRefuses) {
  EXPECT_THAT(parse(self_signed("a.com", EVP_RSA_gen(1024))).invalid.message, HasSubstr("2048"));
  EXPECT_THAT(parse(self_signed("a.com", EVP_EC_gen("P-224"))).invalid.message, HasSubstr("P-256"));
  EXPECT_THAT(parse(self_signed("a.com", EVP_EC_gen("secp256k1"))).invalid.message,
              HasSubstr("secp256k1"));
}

TEST(Certificate, TextAroundThePemIsHarmless) {
  EXPECT_FALSE(parse({"Bag attributes\n" + good().certificate + "trailing text\n",
                      "text\n" + good().key + "text"})
                   .invalid);
  EXPECT_FALSE(parse({good().certificate + good().key, good().key}).invalid);
}

// Envoy takes no text that is not UTF-8, and quotes what it does not take, keys as well.
TEST(Certificate, OnlyTheBlocksAreKept) {
  const Certificate certificate =
      parse({"caf\xe9\n" + good().certificate + "\xff\n", "caf\xe9\n" + good().key});
  EXPECT_FALSE(certificate.invalid);
  EXPECT_EQ(certificate.chain_pem, good().certificate);
  EXPECT_EQ(certificate.key_pem, good().key);
  EXPECT_EQ(parse_ca_bundle("caf\xe9\n" + good().certificate).pem, good().certificate);
}

TEST(Certificate, ABrokenBlockAnywhereIsRefused) {
  for (const char* tail : {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                           "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
                           "-----BEGIN CERTIFICATE-----\n"}) {
    EXPECT_TRUE(parse({good().certificate + tail, good().key}).invalid) << tail;
  }
}

TEST(Certificate, WrongOrMissingParts) {
  const auto reason = [](const Pair& pair) { return parse(pair).invalid.reason; };
  EXPECT_EQ(reason({"", good().key}), "InvalidCertificateRef");
  EXPECT_EQ(reason({"not pem", good().key}), "InvalidCertificateRef");
  EXPECT_EQ(reason({good().certificate, ""}), "InvalidCertificateRef");
  EXPECT_EQ(reason({good().certificate, good().certificate}), "InvalidCertificateRef");
  EXPECT_EQ(reason({good().certificate, make_pair().key}), "InvalidCertificateRef");
  Secret secret = tls_secret("ns", "s", good());
  secret.data.erase("tls.key");
  EXPECT_THAT(parse_certificate(secret).invalid.message, HasSubstr("tls.key"));
  EXPECT_THAT(parse_certificate(Secret()).invalid.message, HasSubstr("tls.crt"));
}

TEST(Certificate, ExpiredIsAWarning) {
  const Certificate certificate = parse(self_signed("a.com", EVP_EC_gen("P-256"), -60));
  EXPECT_FALSE(certificate.invalid);
  EXPECT_EQ(certificate.warning.reason, "Expired");
}

TEST(CaBundle, NeedsCertificates) {
  EXPECT_FALSE(parse_ca_bundle(good().certificate + make_pair().certificate).invalid);
  EXPECT_TRUE(parse_ca_bundle("").invalid);
  EXPECT_TRUE(parse_ca_bundle("text").invalid);
  EXPECT_TRUE(parse_ca_bundle(good().key).invalid);
  EXPECT_TRUE(parse_ca_bundle(good().certificate + "-----BEGIN CERTIFICATE-----\n").invalid);
}

}  // namespace
}  // namespace kgw::attach
