#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/test_certificates.h"
#include "attach/tls_options.h"

namespace kgw::attach {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Tls : public testing::Test {
 protected:
  const ListenerTlsState& of(const char* listener, Kind owner = Kind::kGateway,
                             const char* ns = "infra", const char* name = "gw") {
    const auto* found =
        world_.model.listener_tls.find({{"infra", "gw"}, ref(owner, ns, name), listener});
    return found == nullptr ? none_ : *found;
  }
  const GatewayFacts& facts() { return *world_.model.gateway_facts.find({"infra", "gw"}); }

  void with_certificate_ref(SecretObjectRef secret) {
    Listener https = tls_listener("https", 443, "");
    https.tls->certificate_refs.push_back(std::move(secret));
    world_.set(gateway("infra", "gw", {https}));
  }

  World world_;
  Pair pair_ = make_pair();
  ListenerTlsState none_;
};

// GatewayInvalidTLSConfiguration
TEST_F(Tls, BadCertificateRefs) {
  auto malformed = tls_secret("infra", "malformed", pair_);
  malformed.data["tls.crt"] = "Hello world\n";
  world_.set(malformed);
  world_.set(tls_secret("infra", "good", pair_));
  const std::vector<SecretObjectRef> bad = {{.name = "missing"},
                                            {.group = "wrong.io", .name = "good"},
                                            {.kind = "WrongKind", .name = "good"},
                                            {.name = "malformed"}};
  for (const SecretObjectRef& secret : bad) {
    with_certificate_ref(secret);
    world_.commit();
    EXPECT_EQ(of("https").unresolved.reason, "InvalidCertificateRef") << secret.name.view();
    EXPECT_FALSE(of("https").usable());
  }
  with_certificate_ref({.name = "good"});
  world_.commit();
  EXPECT_FALSE(of("https").unresolved);
  EXPECT_TRUE(of("https").usable());
  EXPECT_THAT(of("https").options.alpn, ElementsAre("h2", "http/1.1"));
}

// HTTPRouteHTTPSListener: the Secret comes after the Gateway.
TEST_F(Tls, FollowsTheSecret) {
  world_.set(gateway("infra", "gw", {tls_listener("https", 443, "late")}));
  world_.commit();
  EXPECT_TRUE(of("https").unresolved);
  world_.set(tls_secret("infra", "late", pair_));
  world_.commit();
  EXPECT_THAT(of("https").certificates, ElementsAre(ObjectKey{"infra", "late"}));
  world_.erase(ref(Kind::kSecret, "infra", "late"));
  world_.commit();
  EXPECT_EQ(of("https").unresolved.reason, "InvalidCertificateRef");
}

// GatewaySecretMissingReferenceGrant, ...InvalidReferenceGrant, ...AllInNamespace, ...Specific
TEST_F(Tls, SecretsElsewhereNeedAGrant) {
  world_.set(tls_secret("web", "cert", pair_));
  with_certificate_ref({.name = "missing", .ns = "web"});
  world_.commit();
  EXPECT_EQ(of("https").unresolved.reason, "RefNotPermitted");

  with_certificate_ref({.name = "cert", .ns = "web"});
  const GrantFrom from{kGatewayApi, "Gateway", "infra"};
  for (const ReferenceGrant& miss :
       {grant("infra", "a", from, {"", "Secret", {}}),
        grant("web", "b", {kGatewayApi, "Gateway", "web"}, {"", "Secret", {}}),
        grant("web", "c", {"wrong.io", "Gateway", "infra"}, {"", "Secret", {}}),
        grant("web", "d", {kGatewayApi, "HTTPRoute", "infra"}, {"", "Secret", {}}),
        grant("web", "e", from, {"wrong.io", "Secret", {}}),
        grant("web", "f", from, {"", "Service", {}}),
        grant("web", "g", from, {"", "Secret", "not-this-one"})}) {
    world_.set(miss);
  }
  world_.commit();
  EXPECT_EQ(of("https").unresolved.reason, "RefNotPermitted");
  EXPECT_THAT(of("https").certificates, IsEmpty());

  world_.set(grant("web", "h", from, {"", "Secret", "cert"}));
  world_.commit();
  EXPECT_FALSE(of("https").unresolved);
}

// ListenerSetReferenceGrant
TEST_F(Tls, AListenerSetNeedsAGrantOfItsOwn) {
  auto gw = gateway("infra", "gw", {listener("web", "HTTP", 80)});
  gw.allowed_listeners.from = FromNamespaces::kAll;
  world_.set(gw);
  world_.set(tls_secret("web", "cert", pair_));
  auto https = tls_listener("https", 443, "cert");
  https.tls->certificate_refs[0].ns = "web";
  world_.set(listener_set("app", "set", "infra", "gw", {https}));
  world_.set(grant("web", "a", {kGatewayApi, "Gateway", "infra"}, {"", "Secret", {}}));
  world_.set(grant("web", "b", {kGatewayApi, "ListenerSet", "infra"}, {"", "Secret", {}}));
  world_.commit();
  EXPECT_EQ(of("https", Kind::kListenerSet, "app", "set").unresolved.reason, "RefNotPermitted");
  world_.set(grant("web", "c", {kGatewayApi, "ListenerSet", "app"}, {"", "Secret", {}}));
  world_.commit();
  EXPECT_FALSE(of("https", Kind::kListenerSet, "app", "set").unresolved);
}

TEST_F(Tls, OneBadCertificateOfSeveralIsLeftOut) {
  world_.set(tls_secret("infra", "a", pair_));
  world_.set(tls_secret("infra", "b", make_pair("b.com")));
  auto https = tls_listener("https", 443, "a");
  https.tls->certificate_refs.push_back({.name = "missing"});
  https.tls->certificate_refs.push_back({.name = "b"});
  https.tls->certificate_refs.push_back({.name = "a"});
  world_.set(gateway("infra", "gw", {https}));
  world_.commit();
  EXPECT_EQ(of("https").unresolved.reason, "InvalidCertificateRef");
  EXPECT_THAT(of("https").certificates,
              ElementsAre(ObjectKey{"infra", "a"}, ObjectKey{"infra", "b"}));
  EXPECT_TRUE(of("https").usable());
}

TEST_F(Tls, ABadRenewalKeepsThePreviousCertificate) {
  world_.set(gateway("infra", "gw", {tls_listener("https", 443, "cert")}));
  world_.set(tls_secret("infra", "cert", pair_));
  world_.commit();
  auto broken = tls_secret("infra", "cert", pair_);
  broken.data["tls.key"] = make_pair().key;
  for (int round = 0; round < 2; ++round) {  // also a second bad version
    broken.data["note"] = std::to_string(round);
    world_.set(broken);
    world_.commit();
    EXPECT_TRUE(of("https").usable());
    EXPECT_EQ(of("https").unresolved.reason, "InvalidCertificateRef");
    EXPECT_THAT(of("https").warning.message, HasSubstr("stays in force"));
    const Certificate& certificate = *world_.model.certificates.find({"infra", "cert"});
    EXPECT_EQ(certificate.chain_pem, pair_.certificate);
    EXPECT_FALSE(certificate.invalid);
  }
  const Pair next = make_pair();
  world_.set(tls_secret("infra", "cert", next));
  world_.commit();
  EXPECT_FALSE(of("https").unresolved);
  EXPECT_FALSE(of("https").warning);
  EXPECT_EQ(world_.model.certificates.find({"infra", "cert"})->chain_pem, next.certificate);
  // Gone means gone: nothing is remembered for a Secret that is created anew.
  world_.erase(ref(Kind::kSecret, "infra", "cert"));
  world_.commit();
  world_.set(broken);
  world_.commit();
  EXPECT_FALSE(of("https").usable());
}

TEST_F(Tls, SecretsThatNobodyNamesAreNotParsed) {
  world_.set(gateway("infra", "gw", {tls_listener("https", 443, "cert")}));
  world_.set(tls_secret("infra", "cert", pair_));
  world_.set(tls_secret("infra", "unused", pair_));
  world_.set(ca_map("infra", "kube-root-ca.crt", pair_.certificate));
  world_.commit();
  EXPECT_EQ(world_.model.certificates.size(), 1u);
  EXPECT_EQ(world_.model.ca_bundles.size(), 0u);
}

TEST_F(Tls, TerminatingTlsListenersNeedCertificatesToo) {
  auto pass = listener("pass", "TLS", 443, "p.com");
  pass.tls = ListenerTls{.mode = TlsMode::kPassthrough};
  world_.set(gateway("infra", "gw", {listener("term", "TLS", 443, "t.com"), pass}));
  world_.commit();
  EXPECT_EQ(of("term").unresolved.reason, "InvalidCertificateRef");
  EXPECT_THAT(of("term").options.alpn, IsEmpty());
  EXPECT_EQ(world_.model.listener_tls.size(), 1u);
}

class ClientValidation : public Tls {
 protected:
  ClientValidation() {
    world_.set(tls_secret("infra", "cert", pair_));
    world_.set(ca_map("infra", "ca", pair_.certificate));
    world_.set(ca_map("infra", "port-ca", pair_.certificate));
    gw_ = gateway("infra", "gw",
                  {listener("http", "HTTP", 80), tls_listener("default", 443, "cert"),
                   tls_listener("own", 8443, "cert")});
    gw_.tls = GatewayTls{};
    gw_.tls->frontend = GatewayFrontendTls{};
    gw_.tls->frontend->default_config.validation =
        FrontendValidation{{{"", "ConfigMap", "ca", {}}}};
  }
  void port_ca(AnyObjectRef ca) {
    gw_.tls->frontend->per_port = {{8443, {FrontendValidation{{std::move(ca)}}}}};
    world_.set(gw_);
    world_.commit();
  }
  Gateway gw_;
};

// GatewayFrontendClientCertificateValidation
TEST_F(ClientValidation, PortBeatsDefault) {
  port_ca({"", "ConfigMap", "port-ca", {}});
  EXPECT_TRUE(of("default").validate_clients);
  EXPECT_THAT(of("default").ca_references, ElementsAre(ref(Kind::kConfigMap, "infra", "ca")));
  EXPECT_THAT(of("own").ca_references, ElementsAre(ref(Kind::kConfigMap, "infra", "port-ca")));
  EXPECT_TRUE(of("own").usable());
}

// GatewayInvalidFrontendClientCertificateValidation,
// GatewayFrontendInvalidDefaultClientCertificateValidation
TEST_F(ClientValidation, ErrorsHitTheirPortOnly) {
  const auto expect = [&](AnyObjectRef ca, const char* reason) {
    port_ca(std::move(ca));
    EXPECT_EQ(of("own").unresolved.reason, reason);
    EXPECT_EQ(of("own").unaccepted.reason, "NoValidCACertificate");
    EXPECT_FALSE(of("own").usable());
    EXPECT_FALSE(of("default").unresolved);
    EXPECT_TRUE(of("default").usable());
  };
  world_.set(ca_map("infra", "junk", "junk"));
  world_.set(ca_map("other", "ca", pair_.certificate));
  expect({"", "ConfigMap", "missing", {}}, "InvalidCACertificateRef");
  expect({"", "ConfigMap", "junk", {}}, "InvalidCACertificateRef");
  expect({"", "Service", "ca", {}}, "InvalidCACertificateKind");
  expect({"", "ConfigMap", "ca", "other"}, "RefNotPermitted");
  world_.set(grant("other", "g", {kGatewayApi, "Gateway", "infra"}, {"", "ConfigMap", {}}));
  world_.commit();
  EXPECT_FALSE(of("own").unresolved);
}

TEST_F(ClientValidation, InsecureFallback) {
  gw_.tls->frontend->default_config.validation->mode =
      FrontendValidationMode::kAllowInsecureFallback;
  world_.set(gw_);
  world_.commit();
  EXPECT_TRUE(of("default").allow_insecure_fallback);
  EXPECT_TRUE(facts().insecure_frontend);
}

// GatewayInvalidTLSBackendConfiguration
TEST_F(ClientValidation, ClientCertificateOfTheGateway) {
  const auto with = [&](SecretObjectRef ref) {
    gw_.tls->backend = GatewayBackendTls{std::move(ref)};
    world_.set(gw_);
    world_.commit();
    return facts();
  };
  EXPECT_EQ(with({.name = "missing"}).unresolved.reason, "InvalidClientCertificateRef");
  EXPECT_EQ(with({.group = "x.io", .name = "cert"}).unresolved.reason,
            "InvalidClientCertificateRef");
  EXPECT_EQ(with({.kind = "X", .name = "cert"}).unresolved.reason, "InvalidClientCertificateRef");
  EXPECT_EQ(with({.name = "cert", .ns = "other"}).unresolved.reason, "RefNotPermitted");
  EXPECT_FALSE(with({.name = "cert"}).unresolved);
  EXPECT_EQ(facts().client_certificate, (ObjectKey{"infra", "cert"}));
}

Fault option(const char* key, const char* value, TlsOptions* out = nullptr) {
  ParsedTlsOptions parsed = parse_tls_options({{std::string("kgateway.dev/") + key, value}}, true,
                                              ClientCheck::kByAuthority);
  EXPECT_FALSE(parsed.warning);
  if (out != nullptr) *out = parsed.options;
  return parsed.fault;
}

ParsedTlsOptions parse(const StringMap& options, ClientCheck clients = ClientCheck::kNone) {
  return parse_tls_options(options, true, clients);
}

TEST(TlsOptions, AreTakenOver) {
  TlsOptions result;
  EXPECT_FALSE(option("cipher-suites",
                      "ECDHE-RSA-AES128-GCM-SHA256, [ECDHE-ECDSA-AES128-GCM-SHA256|"
                      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]",
                      &result));
  EXPECT_EQ(result.cipher_suites.size(), 2u);
  EXPECT_FALSE(option("ecdh-curves", "X25519,P-256,P-256", &result));
  EXPECT_THAT(result.ecdh_curves, ElementsAre("X25519", "P-256"));
  EXPECT_FALSE(option("alpn-protocols", "allow-empty", &result));
  EXPECT_THAT(result.alpn, IsEmpty());
  EXPECT_FALSE(option("alpn-protocols", "http/1.1", &result));
  EXPECT_THAT(result.alpn, ElementsAre("http/1.1"));
  EXPECT_FALSE(option("min-tls-version", "1.3", &result));
  EXPECT_EQ(result.min_version, "1.3");
  EXPECT_FALSE(option("signature-algorithms", "ecdsa_secp256r1_sha256"));
  EXPECT_FALSE(option("verify-certificate-hash", std::string(64, 'a').c_str()));
  EXPECT_FALSE(option("verify-subject-alt-names", "a.com,b.com"));
}

TEST(TlsOptions, MistakesNameTheKeyAndTheValue) {
  for (const auto& [key, value] : {std::pair("cipher-suites", "ECDHE-RSA-AES256-SHA384"),
                                   {"cipher-suites", "TLS_AES_128_GCM_SHA256"},
                                   {"ecdh-curves", "P-224"},
                                   {"signature-algorithms", "rsa_pss_pss_sha256"},
                                   {"min-tls-version", "1.4"},
                                   {"max-tls-version", "TLSv1_2"},
                                   {"verify-certificate-hash", "abc"}}) {
    const Fault fault = option(key, value);
    EXPECT_EQ(fault.reason, "UnsupportedValue") << key;
    EXPECT_THAT(fault.message, HasSubstr(std::string("kgateway.dev/") + key));
    EXPECT_THAT(fault.message, HasSubstr(value));
  }
  EXPECT_THAT(option("min-tls-versions", "1.2").message, HasSubstr("min-tls-versions"));
  EXPECT_TRUE(option("cipher-suites", " , "));
}

TEST(TlsOptions, HashesMayBeListedWithCommasOrAsInYaml) {
  const std::string a(64, 'a');
  std::string b = "bb";
  for (int i = 1; i < 32; ++i) b += ":bb";
  for (const std::string& list : {a + "," + b, "- " + a + " - " + b, "- " + a + "\n- " + b + "\n",
                                  a + " - " + b, a + "-" + b, " " + a + " ,\n" + b}) {
    TlsOptions result;
    EXPECT_FALSE(option("verify-certificate-hash", list.c_str(), &result)) << list;
    EXPECT_THAT(result.verify_certificate_hashes, ElementsAre(a, b)) << list;
  }
  EXPECT_TRUE(option("verify-certificate-hash", " - , - "));
  EXPECT_TRUE(option("verify-certificate-hash", (a + " " + b).c_str()));
}

TEST(TlsOptions, Contradictions) {
  const auto reason = [](const StringMap& options, ClientCheck clients = ClientCheck::kNone) {
    return parse(options, clients).fault.message.str();
  };
  EXPECT_THAT(
      reason({{"kgateway.dev/min-tls-version", "1.3"}, {"kgateway.dev/max-tls-version", "1.2"}}),
      HasSubstr("higher than max-tls-version"));
  // Envoy would take it and refuse every handshake.
  EXPECT_THAT(reason({{"kgateway.dev/max-tls-version", "1.1"}}), HasSubstr("the default"));
  EXPECT_EQ(
      reason({{"kgateway.dev/min-tls-version", "1.0"}, {"kgateway.dev/max-tls-version", "1.1"}}),
      "");
  const StringMap names = {{"kgateway.dev/verify-subject-alt-names", "a.com"}};
  EXPECT_THAT(reason(names), HasSubstr("needs a CA"));
  EXPECT_EQ(reason(names, ClientCheck::kByAuthority), "");
  const StringMap hashes = {{"kgateway.dev/verify-certificate-hash", std::string(64, 'a')}};
  EXPECT_EQ(reason(hashes), "");
  for (const StringMap& options : {names, hashes}) {
    EXPECT_THAT(reason(options, ClientCheck::kInsecureFallback),
                HasSubstr("no certificate is refused"));
  }
}

TEST(TlsOptions, WhatHasNoEffectIsReported) {
  const ParsedTlsOptions foreign = parse({{"example.com/x", "y"}});
  EXPECT_FALSE(foreign.fault);
  EXPECT_THAT(foreign.warning.message, HasSubstr("example.com/x has no effect"));
  EXPECT_THAT(parse({{"kgateway.dev/cipher-suites", "ECDHE-RSA-AES128-GCM-SHA256"},
                     {"kgateway.dev/min-tls-version", "1.3"}})
                  .warning.message,
              HasSubstr("kgateway.dev/cipher-suites has no effect"));
  EXPECT_FALSE(parse({{"kgateway.dev/min-tls-version", "1.3"}}).warning);
}

}  // namespace
}  // namespace kgw::attach
