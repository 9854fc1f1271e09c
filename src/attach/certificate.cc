#include "attach/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <limits>
#include <memory>

namespace kgw::attach {
namespace {

struct Deleter {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

Owned<BIO> memory(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return nullptr;
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a passphrase cannot be served; without this OpenSSL would ask at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

struct Chain {
  std::vector<Owned<X509>> certificates;
  bool malformed = false;  // a PEM block that does not parse
};

Chain read_chain(std::string_view pem) {
  Chain chain;
  const Owned<BIO> bio = memory(pem);
  ERR_clear_error();
  while (bio != nullptr) {
    Owned<X509> next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (next == nullptr) break;
    chain.certificates.push_back(std::move(next));
  }
  const unsigned long error = ERR_peek_last_error();
  chain.malformed = error != 0 && !(ERR_GET_LIB(error) == ERR_LIB_PEM &&
                                    ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
  ERR_clear_error();
  return chain;
}

// Empty, or why Envoy does not serve with this key.
std::string judge_key(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return {};
    case EVP_PKEY_RSA:
      if (EVP_PKEY_get_bits(key) >= 2048) return {};
      return "an RSA key of " + std::to_string(EVP_PKEY_get_bits(key)) +
             " bits is too short, at least 2048 are needed";
    case EVP_PKEY_EC: {
      char group[80] = {};
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, group, sizeof group, &size);
      const std::string_view curve(group, size);
      if (curve == "prime256v1" || curve == "secp384r1" || curve == "secp521r1") return {};
      return "the curve " + std::string(curve) + " is not supported, only P-256, P-384 and P-521";
    }
    default:
      return "the key algorithm is not supported, only RSA, ECDSA and Ed25519";
  }
}

std::int64_t seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::vector<std::string> dns_names(X509* certificate) {
  std::vector<std::string> result;
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = name->d.dNSName;
    result.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                        static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return result;
}

Certificate invalid(std::string message) {
  Certificate result;
  result.invalid = {"InvalidCertificateRef", std::move(message)};
  return result;
}

// Empty, or what is wrong with the pair.
std::string judge_pair(const Chain& chain, std::string_view key_pem) {
  if (chain.malformed) return "tls.crt holds a PEM block that is not a certificate";
  if (chain.certificates.empty()) return "tls.crt holds no PEM certificate";
  X509* leaf = chain.certificates.front().get();
  EVP_PKEY* public_key = X509_get0_pubkey(leaf);
  if (public_key == nullptr) return "tls.crt: the public key is not supported";
  if (std::string reason = judge_key(public_key); !reason.empty()) return "tls.crt: " + reason;
  const Owned<BIO> bio = memory(key_pem);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) return "tls.key holds no PEM private key without a passphrase";
  if (X509_check_private_key(leaf, key.get()) != 1) {
    return "the private key in tls.key does not belong to the first certificate in tls.crt";
  }
  return {};
}

constexpr const char* kNoText = "a PEM block holds bytes that are not ASCII";

// Only what stands between the lines of blocks: the rest, often comments, may be anything. Empty if
// a block holds what is no text.
std::string only_blocks(std::string_view pem) {
  std::string blocks;
  bool inside = false;
  while (!pem.empty()) {
    const std::string_view line = pem.substr(0, std::min(pem.find('\n'), pem.size() - 1) + 1);
    pem.remove_prefix(line.size());
    inside |= line.starts_with("-----BEGIN ");
    if (inside) blocks += line;
    inside &= !line.starts_with("-----END ");
  }
  const bool is_text = std::ranges::all_of(blocks, [](unsigned char c) { return c < 0x80; });
  return is_text ? blocks : "";
}

}  // namespace

Certificate parse_certificate(const Secret& secret) {
  const auto chain_pem = secret.data.find("tls.crt");
  if (chain_pem == secret.data.end()) return invalid("the Secret has no key tls.crt");
  const auto key_pem = secret.data.find("tls.key");
  if (key_pem == secret.data.end()) return invalid("the Secret has no key tls.key");

  const Chain chain = read_chain(chain_pem->second);
  std::string reason = judge_pair(chain, key_pem->second);
  ERR_clear_error();
  if (!reason.empty()) return invalid(std::move(reason));

  X509* leaf = chain.certificates.front().get();
  Certificate result{.chain_pem = only_blocks(chain_pem->second),
                     .key_pem = only_blocks(key_pem->second),
                     .not_after = seconds(X509_get0_notAfter(leaf)),
                     .dns_names = dns_names(leaf)};
  if (result.chain_pem.empty() || result.key_pem.empty()) {
    return invalid(kNoText);
  }
  if (result.not_after < std::time(nullptr)) {
    result.warning = {"Expired", "the certificate has expired; clients will refuse it"};
  }
  ERR_clear_error();
  return result;
}

CaBundle parse_ca_bundle(std::string_view pem) {
  const Chain chain = read_chain(pem);
  if (chain.malformed) return {{}, {"InvalidCACertificateRef", "a PEM block is not a certificate"}};
  if (chain.certificates.empty()) {
    return {{}, {"InvalidCACertificateRef", "there is no PEM certificate in it"}};
  }
  std::string blocks = only_blocks(pem);
  if (blocks.empty()) return {{}, {"InvalidCACertificateRef", kNoText}};
  return {std::move(blocks), {}};
}

}  // namespace kgw::attach
