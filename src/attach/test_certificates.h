// Certificates made on the spot, for the tests of attach/.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "attach/test_world.h"

namespace kgw::attach {

struct Pair {
  std::string certificate;
  std::string key;
};

namespace test_detail {
inline std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}
}  // namespace test_detail

// A self-signed certificate for the DNS name `host`. Owns: nothing, `key` is consumed.
inline Pair self_signed(const char* host, EVP_PKEY* key, long seconds_valid = 3600) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> owned(key, EVP_PKEY_free);
  std::unique_ptr<X509, decltype(&X509_free)> cert(X509_new(), X509_free);
  X509_set_version(cert.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -7200);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), seconds_valid);
  X509_set_pubkey(cert.get(), key);
  X509_NAME* name = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host),
                             -1, -1, 0);
  X509_set_issuer_name(cert.get(), name);
  const std::string san = std::string("DNS:") + host;
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san.c_str());
  X509_add_ext(cert.get(), extension, -1);
  X509_EXTENSION_free(extension);
  const bool no_digest = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  X509_sign(cert.get(), key, no_digest ? nullptr : EVP_sha256());
  BIO* cert_pem = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(cert_pem, cert.get());
  BIO* key_pem = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_pem, key, nullptr, nullptr, 0, nullptr, nullptr);
  return {test_detail::contents(cert_pem), test_detail::contents(key_pem)};
}

inline Pair make_pair(const char* host = "a.example.com") {
  return self_signed(host, EVP_EC_gen("P-256"));
}

inline Secret tls_secret(const char* ns, const char* name, const Pair& pair) {
  auto secret = named(Secret(), ns, name);
  secret.type = "kubernetes.io/tls";
  secret.data = {{"tls.crt", pair.certificate}, {"tls.key", pair.key}};
  return secret;
}

inline ConfigMap ca_map(const char* ns, const char* name, const std::string& pem) {
  auto map = named(ConfigMap(), ns, name);
  map.data = {{"ca.crt", pem}};
  return map;
}

}  // namespace kgw::attach
