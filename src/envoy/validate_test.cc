// A real Envoy takes every kind of resource that is made here.
#include <gmock/gmock.h>

#include <fstream>

#include "envoy/bootstrap_testing.h"
#include "envoy/cluster.h"
#include "envoy/endpoint.h"
#include "envoy/listener_http.h"
#include "envoy/listener_stream.h"
#include "envoy/listener_testing.h"

namespace kgw::envoy {
namespace {

using attach::BackendProtocol;
using attach::Protocol;

class Validate : public testing::Test {
 protected:
  void SetUp() override {
    if (envoy_binary().empty()) GTEST_SKIP() << "KGW_ENVOY names no Envoy";
  }

  void add(const ListenerChains& part, std::vector<std::string> addresses = {"127.0.0.1"}) {
    add(std::vector{part}, std::move(addresses));
  }
  void add(const std::vector<ListenerChains>& parts,
           std::vector<std::string> addresses = {"127.0.0.1"}) {
    std::vector<const FilterChain*> chains;
    for (const ListenerChains& part : parts) {
      for (const FilterChain& chain : part.chains) chains.push_back(&chain);
    }
    const auto listener = assemble_listener(parts[0].port, addresses, parts[0].protocol, chains);
    ASSERT_TRUE(listener);
    resources_.listeners.push_back(*listener);
  }

  void add(const ClusterVariant& variant, const Discovery& discovery,
           const attach::BackendTls* tls = nullptr, const IstioMtls* istio = nullptr) {
    const auto ca = "/etc/ssl/certs/ca-certificates.crt";
    resources_.clusters.push_back(build_cluster(variant, discovery, tls, ca, istio).resource);
  }

  StaticResources resources_;
};

const ObjectRef kService{Kind::kService, {"shop", "cart"}};

attach::ListenerTlsState rich_tls() {
  attach::ListenerTlsState tls = tls_state();
  tls.certificates.push_back({"infra", "second"});
  tls.validate_clients = true;
  tls.ca_references = {{Kind::kConfigMap, {"infra", "ca"}}};
  tls.options.alpn = {"h2", "http/1.1"};
  tls.options.min_version = "1.2";
  tls.options.max_version = "1.3";
  tls.options.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256"};
  tls.options.ecdh_curves = {"X25519", "P-256"};
  tls.options.signature_algorithms = {"rsa_pss_rsae_sha256"};
  tls.options.verify_subject_alt_names = {"client.example.com"};
  return tls;
}

TEST_F(Validate, RefusesWhatEnvoyRefuses) {
  const attach::ListenerTlsState tls = tls_state();
  add(https_chains(shape("web", 443, Protocol::kHttps, "a*.com"), &tls, {}));
  EXPECT_THAT(validate(resources_), testing::HasSubstr("partial wildcards are not supported"));
}

TEST_F(Validate, HttpListeners) {
  Settings settings;
  settings.access_log = true;
  add(http_chains(shape("web", 80, Protocol::kHttp), settings), {"127.0.0.1", "127.0.0.2"});
  add(http_chains(shape("web", 8080, Protocol::kHttp), {}), {"::"});
  attach::ListenerTlsState fallback = rich_tls();
  fallback.allow_insecure_fallback = true;
  const attach::ListenerTlsState strict = rich_tls();
  add({https_chains(shape("a", 443, Protocol::kHttps, "a.com"), &strict, {}),
       https_chains(shape("b", 443, Protocol::kHttps, "*.b.com"), &fallback, {}),
       https_chains(shape("c", 443, Protocol::kHttps, "c.com"), nullptr, {})});
  attach::ListenerTlsState pinned = tls_state();
  pinned.options.verify_certificate_hashes = {std::string(64, 'a')};
  add(https_chains(shape("pinned", 444, Protocol::kHttps), &pinned, {}));
  EXPECT_EQ(validate(resources_), "");
}

TEST_F(Validate, StreamListeners) {
  const attach::ListenerTlsState tls = tls_state();
  ListenerShape passthrough = shape("pass", 443, Protocol::kTls);
  passthrough.tls_mode = TlsMode::kPassthrough;
  const std::vector<StreamHost> hosts = {{"*", {{"a"}}}, {"*.x.com", {{"a", 1}, {"", 3}}}};
  const std::vector<StreamHost> terminated = {{"t.com", {{"a"}}}};
  add({https_chains(shape("web", 443, Protocol::kHttps, "a.com"), &tls, {}),
       tls_chains(passthrough, nullptr, hosts),
       tls_chains(shape("term", 443, Protocol::kTls, "t.com"), &tls, terminated)});
  add(tcp_chains(shape("tcp", 9000, Protocol::kTcp), {{"a", 70}, {"b", 30}}));
  add(tcp_chains(shape("none", 9001, Protocol::kTcp), {}));
  add(udp_chains(shape("udp", 53, Protocol::kUdp), {{"a", 70}, {"b", 30}, {"", 7}}));
  EXPECT_EQ(validate(resources_), "");
}

TEST_F(Validate, Clusters) {
  add({{kService, 80, BackendProtocol::kAuto}, {}}, {});
  add({{kService, 81, BackendProtocol::kHttp2}, {}}, {});
  add({{kService, 82, BackendProtocol::kTcp}, {}}, {});
  add({{kService, 83, BackendProtocol::kUdp}, {}}, {});
  add({{kService, 84, BackendProtocol::kAuto}, {}},
      {Discovery::Type::kDns, {{"localhost", 80}, {"127.0.0.1", 81}}});
  attach::BackendTls tls;
  tls.sni = "a.example.com";
  tls.system_ca = true;
  add({{kService, 85, BackendProtocol::kHttp2}, {}}, {}, &tls);
  tls.system_ca = false;
  tls.ca_references = {{Kind::kConfigMap, {"shop", "ca"}}};
  tls.sans = {{"Hostname", "*.example.com", ""}, {"URI", "", "spiffe://a/b"}};
  add({{kService, 86, BackendProtocol::kAuto}, {"infra", "client"}}, {}, &tls);
  const std::string sds = testing::TempDir() + "istio_sds.json";
  std::ofstream(sds) << R"({"resources": []})";
  const IstioMtls istio{{"certificate", sds}, {"authority", sds}, testing::TempDir()};
  add({{kService, 88, BackendProtocol::kHttp2}, {}}, {}, nullptr, &istio);
  tls.invalid = {"NoValidCACertificate", "none"};
  add({{kService, 87, BackendProtocol::kAuto}, {}}, {}, &tls);
  EXPECT_EQ(validate(resources_), "");
}

TEST_F(Validate, SecretsAndAssignments) {
  attach::Certificate certificate;
  certificate.chain_pem = kTestCertificate;
  certificate.key_pem = kTestKey;
  resources_.secrets.push_back(encode_certificate(certificate_id({"infra", "cert"}), certificate));
  resources_.secrets.push_back(encode_authority(authority_id({{Kind::kConfigMap, {"a", "b"}}}),
                                                std::string(kTestCertificate)));
  const Proximity here{"a", ""};
  EndpointSlice slice;
  slice.address_type = "IPv4";
  slice.ports = {{"", 80}};
  slice.endpoints = {{.addresses = {"10.0.0.1"}, .zone = "a"},
                     {.addresses = {"10.0.0.2"}, .zone = "b"},
                     {.addresses = {"fd00::1"}}};
  EndpointCollector near({.traffic_distribution = "PreferClose"}, here), none({}, here);
  near.add(slice);
  resources_.assignments = {near.build("one"), none.build("two")};
  EXPECT_EQ(validate(resources_), "");
}

}  // namespace
}  // namespace kgw::envoy
