#include "app/xds_certificate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "attach/certificate.h"

namespace kgw::app {
namespace {

template <auto F>
struct Call {
  template <typename T>
  void operator()(T* p) const {
    F(p);
  }
};
using Bio = std::unique_ptr<BIO, Call<BIO_free>>;
using Certificate = std::unique_ptr<X509, Call<X509_free>>;
using Store = std::unique_ptr<X509_STORE, Call<X509_STORE_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Call<X509_STORE_CTX_free>>;

struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;

Chain read_chain(const std::string& pem) {
  Chain chain(sk_X509_new_null());
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(chain.get(), next);
  }
  return chain;
}

// Why a client that trusts `authorities` refuses the chain; empty: it takes it. As Envoy, which is
// content with any certificate of the file as the root.
std::string verify(const std::string& chain_pem, const std::string& authorities_pem) {
  const Chain chain = read_chain(chain_pem);
  const Chain authorities = read_chain(authorities_pem);
  const Store store(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(authorities.get()); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(authorities.get(), i));
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  const Verification verification(X509_STORE_CTX_new());
  X509_STORE_CTX_init(verification.get(), store.get(), sk_X509_value(chain.get(), 0), chain.get());
  X509_STORE_CTX_set_purpose(verification.get(), X509_PURPOSE_SSL_SERVER);
  if (X509_verify_cert(verification.get()) == 1) return "";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::string xds_certificate_problem(const std::string& directory,
                                    const std::vector<std::string>& names) {
  Secret files;
  for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
    std::string text = read_file(directory + "/" + name);
    if (text.empty()) return directory + "/" + name + " cannot be read, or is empty";
    files.data[name] = std::move(text);
  }
  const attach::Certificate certificate = attach::parse_certificate(files);
  if (certificate.invalid) return directory + ": " + certificate.invalid.message;
  const std::string authorities = files.data["ca.crt"];
  if (const auto bundle = attach::parse_ca_bundle(authorities); bundle.invalid) {
    return directory + "/ca.crt: " + bundle.invalid.message;
  }
  if (std::string why = verify(certificate.chain_pem, authorities); !why.empty()) {
    return fmt::format("{}/tls.crt is not accepted by who trusts ca.crt: {}", directory, why);
  }
  const bool named = std::ranges::any_of(certificate.dns_names, [&](const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  });
  if (named) return "";
  return fmt::format("{}/tls.crt is for none of the names of the Service: {}", directory,
                     fmt::join(names, ", "));
}

}  // namespace kgw::app
