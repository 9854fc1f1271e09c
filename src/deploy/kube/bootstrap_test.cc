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
std::string refusal(const StringMap& files, const std::string& of_pod = "") {
  std::string directory = fs::temp_directory_path() / "kgw-bootstrap-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return "no directory";
  for (const auto& [name, content] : files) {
    std::ofstream(directory + "/" + name) << replaced(
        replaced(replaced(content, kConfigDirectory, directory), kTokenDirectory, directory),
        kRunDirectory, directory);
  }
  std::ofstream(directory + "/" + kTokenFile) << "token";
  const std::string command = envoy_path() + " --mode validate --log-level error --config-path " +
                              directory + "/envoy.yaml --service-node a.b" +
                              (of_pod.empty() ? "" : " --config-yaml '" + of_pod + "'") + " 2>&1";
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

// With what the variables of a pod stand for.
std::string of_a_pod() {
  return replaced(replaced(bootstrap_of_pod(), "$(KGATEWAY_MEMORY_LIMIT)", "1073741824"), "$(",
                  "x");
}

TEST(KubeBootstrap, WhatPodsAddIsTakenByEnvoy) {
  const StringMap files = bootstrap_files(kGateway, {}, test_settings());
  EXPECT_EQ(refusal(files, of_a_pod()), "");
  EXPECT_NE(refusal(files, replaced(of_a_pod(), "1073741824", "much")), "") << "it is read";
}

TEST(KubeBootstrap, OnlyWhoKnowsThePodCanDrainIt) {
  const Json listener = Json::parse(bootstrap_of_pod())["static_resources"]["listeners"][0];
  EXPECT_EQ(listener["address"]["socket_address"]["address"], "127.0.0.1");
  const Json& manager = listener["filter_chains"][0]["filters"][0]["typed_config"];
  const Json& routes = manager["route_config"]["virtual_hosts"][0]["routes"];
  ASSERT_EQ(routes.size(), 1);
  EXPECT_EQ(routes[0]["match"]["path"], "/drain/$(POD_UID)");
  EXPECT_EQ(routes[0]["route"]["prefix_rewrite"], "/healthcheck/fail");
}

TEST(KubeBootstrap, AProxyThatIsFullStillAnswersTheKubelet) {
  const Json bootstrap = tree(bootstrap_files(kGateway, {}, test_settings()));
  for (const Json& listener : bootstrap["static_resources"]["listeners"]) {
    EXPECT_EQ(listener["bypass_overload_manager"], true);
    EXPECT_EQ(listener["ignore_global_conn_limit"], true);
  }
}

TEST(KubeBootstrap, AdminIsOnASocketOfThePod) {
  const Json bootstrap = tree(bootstrap_files(kGateway, {}, test_settings()));
  EXPECT_EQ(bootstrap["admin"]["address"]["pipe"]["path"], "/run/kgateway/admin.sock");
  EXPECT_EQ(bootstrap["admin"]["address"]["pipe"]["mode"], 0600);
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
