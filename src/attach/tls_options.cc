#include "attach/tls_options.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kgw::attach {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kPrefix = "kgateway.dev/";

// What Envoy 1.40 takes, tried one by one with `envoy --mode validate`. The suites of TLS 1.3 are
// not among them: BoringSSL offers no choice there.
constexpr std::array kCiphers = {
    "ECDHE-ECDSA-AES128-GCM-SHA256"sv,
    "ECDHE-RSA-AES128-GCM-SHA256"sv,
    "ECDHE-ECDSA-AES256-GCM-SHA384"sv,
    "ECDHE-RSA-AES256-GCM-SHA384"sv,
    "ECDHE-ECDSA-CHACHA20-POLY1305"sv,
    "ECDHE-RSA-CHACHA20-POLY1305"sv,
    "ECDHE-PSK-CHACHA20-POLY1305"sv,
    "ECDHE-ECDSA-AES128-SHA256"sv,
    "ECDHE-RSA-AES128-SHA256"sv,
    "ECDHE-ECDSA-AES128-SHA"sv,
    "ECDHE-RSA-AES128-SHA"sv,
    "ECDHE-PSK-AES128-CBC-SHA"sv,
    "ECDHE-ECDSA-AES256-SHA"sv,
    "ECDHE-RSA-AES256-SHA"sv,
    "ECDHE-PSK-AES256-CBC-SHA"sv,
    "AES128-GCM-SHA256"sv,
    "AES256-GCM-SHA384"sv,
    "AES128-SHA"sv,
    "AES256-SHA"sv,
    "PSK-AES128-CBC-SHA"sv,
    "PSK-AES256-CBC-SHA"sv,
    "DES-CBC3-SHA"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"sv,
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"sv,
    "TLS_RSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_RSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_RSA_WITH_AES_128_CBC_SHA"sv,
    "TLS_RSA_WITH_AES_256_CBC_SHA"sv,
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA"sv,
};
constexpr std::array kCurves = {
    "X25519"sv,     "x25519"sv,    "P-256"sv,     "P-384"sv,          "P-521"sv,
    "prime256v1"sv, "secp384r1"sv, "secp521r1"sv, "X25519MLKEM768"sv, "MLKEM1024"sv,
};
constexpr std::array kSignatures = {
    "ecdsa_secp256r1_sha256"sv,
    "ecdsa_secp384r1_sha384"sv,
    "ecdsa_secp521r1_sha512"sv,
    "rsa_pss_rsae_sha256"sv,
    "rsa_pss_rsae_sha384"sv,
    "rsa_pss_rsae_sha512"sv,
    "rsa_pkcs1_sha256"sv,
    "rsa_pkcs1_sha384"sv,
    "rsa_pkcs1_sha512"sv,
    "rsa_pkcs1_sha1"sv,
    "ecdsa_sha1"sv,
    "ed25519"sv,
};
constexpr std::array kVersions = {"1.0"sv, "1.1"sv, "1.2"sv, "1.3"sv};

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

// Without empty items and repeats; Envoy refuses a curve or signature algorithm given twice.
std::vector<std::string> split(std::string_view text, std::string_view separators = ",") {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    const auto item = trim(text.substr(0, end));
    if (!item.empty() && std::ranges::find(items, item) == items.end()) items.emplace_back(item);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

Fault bad(std::string_view key, std::string_view what) {
  return {"UnsupportedValue",
          "tls.options: " + std::string(kPrefix) + std::string(key) + ": " + std::string(what)};
}

Fault choose(std::string_view key, std::string_view value,
             std::span<const std::string_view> allowed, std::vector<std::string>& out) {
  out = split(value);
  if (out.empty()) return bad(key, "the list is empty");
  for (const std::string& item : out) {
    if (std::ranges::find(allowed, item) == allowed.end()) {
      return bad(key, "\"" + item + "\" is not supported");
    }
  }
  return {};
}

// Each item a cipher, or ciphers of equal preference: "[A|B]".
Fault read_ciphers(std::string_view key, std::string_view value, std::vector<std::string>& out) {
  out = split(value);
  if (out.empty()) return bad(key, "the list is empty");
  for (const std::string& item : out) {
    const bool group = item.size() > 2 && item.front() == '[' && item.back() == ']';
    const auto ciphers =
        group ? split(item.substr(1, item.size() - 2), "|") : std::vector<std::string>{item};
    for (const std::string& cipher : ciphers) {
      if (std::ranges::find(kCiphers, cipher) != kCiphers.end()) continue;
      return bad(key, "\"" + cipher + "\" is not a cipher suite that can be chosen");
    }
  }
  return {};
}

Fault read_alpn(std::string_view key, std::string_view value, std::vector<std::string>& out) {
  out = split(value);
  if (out == std::vector<std::string>{"allow-empty"}) {
    out.clear();
    return {};
  }
  if (out.empty()) return bad(key, "the list is empty; \"allow-empty\" turns ALPN off");
  for (const std::string& item : out) {
    if (item.size() > 255) return bad(key, "a protocol name is longer than 255 bytes");
  }
  return {};
}

Fault read_version(std::string_view key, std::string_view value, std::string& out) {
  out = trim(value);
  if (std::ranges::find(kVersions, out) != kVersions.end()) return {};
  return bad(key, "\"" + out + "\" is not a TLS version, only 1.0, 1.1, 1.2 and 1.3");
}

// SHA-256 in hex, perhaps with colons. A list is separated by commas, or written as in YAML: each
// item after a dash.
Fault read_hashes(std::string_view key, std::string_view value, std::vector<std::string>& out) {
  out = split(value, ",-\n");
  if (out.empty()) return bad(key, "the list is empty");
  for (const std::string& item : out) {
    const auto digits =
        std::ranges::count_if(item, [](unsigned char c) { return std::isxdigit(c) != 0; });
    const auto colons = std::ranges::count(item, ':');
    const auto size = static_cast<std::ptrdiff_t>(item.size());
    const bool plain = size == 64 && digits == 64;
    const bool with_colons = size == 95 && digits == 64 && colons == 31;
    if (!plain && !with_colons) return bad(key, "\"" + item + "\" is not a SHA-256 in hex");
  }
  return {};
}

Fault read_option(std::string_view key, std::string_view value, TlsOptions& result) {
  if (key == "alpn-protocols") return read_alpn(key, value, result.alpn);
  if (key == "cipher-suites") return read_ciphers(key, value, result.cipher_suites);
  if (key == "ecdh-curves") return choose(key, value, kCurves, result.ecdh_curves);
  if (key == "signature-algorithms") {
    return choose(key, value, kSignatures, result.signature_algorithms);
  }
  if (key == "min-tls-version") return read_version(key, value, result.min_version);
  if (key == "max-tls-version") return read_version(key, value, result.max_version);
  if (key == "verify-certificate-hash") {
    return read_hashes(key, value, result.verify_certificate_hashes);
  }
  if (key == "verify-subject-alt-names") {
    result.verify_subject_alt_names = split(value);
    return result.verify_subject_alt_names.empty() ? bad(key, "the list is empty") : Fault{};
  }
  return bad(key, "the key is not known");
}

// What Envoy takes as the lowest version where none is given.
constexpr std::string_view kDefaultMinVersion = "1.2";

Fault contradiction(const TlsOptions& options, ClientCheck clients) {
  const std::string_view lowest =
      options.min_version.empty() ? kDefaultMinVersion : std::string_view(options.min_version);
  if (!options.max_version.empty() && lowest > options.max_version) {
    return options.min_version.empty()
               ? bad("max-tls-version", "it is lower than the default of min-tls-version, 1.2")
               : bad("min-tls-version", "it is higher than max-tls-version");
  }
  const bool names = !options.verify_subject_alt_names.empty();
  if (names && clients == ClientCheck::kNone) {
    return bad("verify-subject-alt-names", "it needs a CA for client validation");
  }
  if (clients == ClientCheck::kInsecureFallback &&
      (names || !options.verify_certificate_hashes.empty())) {
    return bad(names ? "verify-subject-alt-names" : "verify-certificate-hash",
               "with mode AllowInsecureFallback no certificate is refused");
  }
  return {};
}

Fault no_effect(std::string_view key, std::string_view why) {
  return {"UnsupportedValue",
          "tls.options: " + std::string(key) + " has no effect: " + std::string(why)};
}

Fault ineffective(const StringMap& options, const TlsOptions& parsed) {
  for (const auto& [key, value] : options) {
    if (!key.starts_with(kPrefix)) {
      return no_effect(key, "the keys of this controller start with " + std::string(kPrefix));
    }
  }
  if (!parsed.cipher_suites.empty() && parsed.min_version == "1.3") {
    return no_effect("kgateway.dev/cipher-suites", "those of TLS 1.3 cannot be chosen");
  }
  return {};
}

}  // namespace

ParsedTlsOptions parse_tls_options(const StringMap& options, bool https, ClientCheck clients) {
  ParsedTlsOptions result;
  if (https) result.options.alpn = {"h2", "http/1.1"};
  for (const auto& [key, value] : options) {
    if (!key.starts_with(kPrefix)) continue;
    result.fault = read_option(std::string_view(key).substr(kPrefix.size()), value, result.options);
    if (result.fault) return result;
  }
  result.fault = contradiction(result.options, clients);
  result.warning = ineffective(options, result.options);
  return result;
}

Fault ineffective_tls_options(const BoundListener& listener) {
  const auto& tls = listener.spec->tls;
  if (!tls || tls->mode != TlsMode::kPassthrough || tls->options.empty()) return {};
  return no_effect(tls->options.begin()->first, "the listener passes TLS through");
}

}  // namespace kgw::attach
