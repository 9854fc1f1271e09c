#include "deploy/kube/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api/document.h"
#include "deploy/envoy_testing.h"
#include "deploy/kube/testing.h"

namespace kgw::deploy::kube {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const ObjectKey kGateway{"shop", "edge"};

Json tree(const StringMap& files) {
  return Json::parse(
      doc::to_json(doc::parse(files.at("envoy.yaml"), doc::Format::kYaml).documents.at(0)));
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// What Envoy says about the files, as it would find them in a pod; empty when it takes them.
std::string refusal(const StringMap& files) {
  std::string directory = fs::temp_directory_path() / "kgw-bootstrap-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return "no directory";
  for (const auto& [name, content] : files) {
    std::ofstream(directory + "/" + name)
        << replaced(replaced(content, kConfigDirectory, directory), kTokenDirectory, directory);
  }
  std::ofstream(directory + "/" + kTokenFile) << "token";
  const std::string command = envoy_path() + " --mode validate --log-level error --config-path " +
                              directory + "/envoy.yaml --service-node a.b 2>&1";
  std::string said;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  std::array<char, 4096> line;
  while (fgets(line.data(), line.size(), pipe) != nullptr) said += line.data();
  const int status = pclose(pipe);
  fs::remove_all(directory);
  return status == 0 ? "" : "status " + std::to_string(status) + ": " + said;
}

// A certificate authority for nothing in particular.
constexpr const char* kAuthority = R"(-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUeQXLt1t0dxQp/I2J4fVe2zW3vWcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyNDAwMjgwNVoYDzIxMjYxMDMx
MDAyODA1WjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATUhfXTja1V1zfXVmxiSrCaYg2HjLi1CkkTzi9lnQ2xDELK5VUkAFsh
IhItKu4NOsaj2U+Eh4KYy8bRXcCBLB25o1MwUTAdBgNVHQ4EFgQUl9m0uhfGONJQ
7999NF6mLku7D4cwHwYDVR0jBBgwFoAUl9m0uhfGONJQ7999NF6mLku7D4cwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA3oelPqHOcqhe+Y0dY1AR
ZU4whLZHq7wPzt97lWZ9hk0CIE8j/+NnY6Edb4bJriqZNrIV6s1n72imxAYzeqhs
hxXi
-----END CERTIFICATE-----
)";

KubeParameters everything() {
  KubeParameters parameters;
  parameters.stats = StatsParameters{.route_prefix_rewrite = "/stats/prometheus"};
  StatsMatcher matcher;
  matcher.exclusion = {
      {.exact = "a"}, {.contains = "b", .ignore_case = true}, {.safe_regex = "c.*"}};
  parameters.stats->matcher = matcher;
  EnvoyBootstrapParameters own;
  own.log_format = EnvoyLogFormat{.json = R"({"level": "%l", "message": "%j"})"};
  own.udp_max_queries = 0;
  own.readiness_proxy_protocol = true;
  EnvoyContainerParameters container;
  container.bootstrap = own;
  parameters.envoy_container = container;
  return parameters;
}

TEST(KubeBootstrap, IsTakenByEnvoy) {
  EXPECT_EQ(refusal(bootstrap_files(kGateway, {}, test_settings())), "");
  EXPECT_EQ(refusal(bootstrap_files(kGateway, everything(), test_settings())), "");
  Settings settings = test_settings();
  settings.xds_tls = true;
  settings.xds_ca = kAuthority;
  settings.bind_ipv6 = false;
  EXPECT_EQ(refusal(bootstrap_files(kGateway, {}, settings)), "");
  settings.xds_host = "";
  EXPECT_NE(refusal(bootstrap_files(kGateway, {}, settings)), "") << "a fault would be seen";
}

TEST(KubeBootstrap, SaysWhoseProxyItIs) {
  const Json node = tree(bootstrap_files(kGateway, {}, test_settings()))["node"];
  EXPECT_EQ(node["cluster"], "edge.shop");
  EXPECT_EQ(node["metadata"]["role"], "kgateway-kube-gateway-api~shop~edge");
}

TEST(KubeBootstrap, AdminIsOnLoopbackOnly) {
  const Json bootstrap = tree(bootstrap_files(kGateway, {}, test_settings()));
  EXPECT_EQ(bootstrap["admin"]["address"]["socket_address"]["address"], "127.0.0.1");
  // What is open to others leads to single paths of it, and only to read.
  for (const Json& listener : bootstrap["static_resources"]["listeners"]) {
    const Json& manager = listener["filter_chains"][0]["filters"][0]["typed_config"];
    for (const Json& route : manager["route_config"]["virtual_hosts"][0]["routes"]) {
      EXPECT_TRUE(route["match"].contains("path"));
      EXPECT_EQ(route["match"]["headers"][0]["string_match"]["exact"], "GET");
    }
  }
}

TEST(KubeBootstrap, ProvesItselfAndVerifiesTheController) {
  Settings settings = test_settings();
  settings.xds_tls = true;
  settings.xds_ca = "pem";
  const StringMap files = bootstrap_files(kGateway, {}, settings);
  EXPECT_EQ(files.at("ca.crt"), "pem");
  EXPECT_THAT(files.at("xds_service_account_token.json"),
              HasSubstr(R"("filename":"/var/run/secrets/tokens/xds-token")"));
  const Json cluster = tree(files)["static_resources"]["clusters"][0];
  const Json& tls = cluster["transport_socket"]["typed_config"]["common_tls_context"];
  EXPECT_EQ(tls["validation_context"]["trusted_ca"]["filename"], "/etc/envoy/ca.crt");
  EXPECT_EQ(tls["validation_context"]["match_typed_subject_alt_names"].size(), 2);

  settings.xds_tls = settings.xds_auth = false;
  const StringMap plain = bootstrap_files(kGateway, {}, settings);
  EXPECT_EQ(plain.size(), 1);
  EXPECT_THAT(plain.at("envoy.yaml"), Not(HasSubstr("credential_injector")));
  EXPECT_THAT(plain.at("envoy.yaml"), Not(HasSubstr("transport_socket")));
}

TEST(KubeBootstrap, HasFilesThatNameIstiosCertificate) {
  Settings settings = test_settings();
  EXPECT_FALSE(bootstrap_files(kGateway, {}, settings).contains(kIstioCertificateFile));
  settings.istio_auto_mtls = true;
  const StringMap files = bootstrap_files(kGateway, {}, settings);
  const Json certificate = Json::parse(files.at(kIstioCertificateFile))["resources"][0];
  EXPECT_EQ(certificate["name"], kIstioCertificateSecret);
  EXPECT_EQ(certificate["tls_certificate"]["private_key"]["filename"], "/etc/istio-certs/key.pem");
  const Json authority = Json::parse(files.at(kIstioAuthorityFile))["resources"][0];
  EXPECT_EQ(authority["name"], kIstioAuthoritySecret);
  EXPECT_EQ(authority["validation_context"]["trusted_ca"]["filename"],
            "/etc/istio-certs/root-cert.pem");
}

}  // namespace
}  // namespace kgw::deploy::kube
