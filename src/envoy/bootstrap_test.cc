#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "envoy/bootstrap_testing.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/encode.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"

namespace kgw::envoy {
namespace {
using ::envoy::config::bootstrap::v3::Bootstrap;
using ::envoy::config::cluster::v3::Cluster;

// An ADS server is only named: validation does not connect.
void use_ads(Bootstrap& bootstrap) {
  auto& ads = *bootstrap.mutable_dynamic_resources()->mutable_ads_config();
  ads.set_api_type(::envoy::config::core::v3::ApiConfigSource::DELTA_GRPC);
  ads.set_transport_api_version(::envoy::config::core::v3::V3);
  ads.add_grpc_services()->mutable_envoy_grpc()->set_cluster_name("xds");
  Cluster& cluster = *bootstrap.mutable_static_resources()->add_clusters();
  cluster.set_name("xds");
  cluster.mutable_load_assignment()->set_cluster_name("xds");
  ::envoy::extensions::upstreams::http::v3::HttpProtocolOptions options;
  options.mutable_explicit_http_config()->mutable_http2_protocol_options();
  pack(options, (*cluster.mutable_typed_extension_protocol_options())
                    ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]);
}

// Assignments stand in no bootstrap, so each gets a cluster around it.
void add_assignment(const Resource& assignment, Bootstrap& bootstrap) {
  Cluster& cluster = *bootstrap.mutable_static_resources()->add_clusters();
  cluster.mutable_load_assignment()->ParseFromString(*assignment.body);
  cluster.set_name("assignment " + assignment.name.str());
}

Bootstrap bootstrap_of(const StaticResources& resources) {
  Bootstrap bootstrap;
  bootstrap.mutable_node()->set_id("test");
  bootstrap.mutable_node()->set_cluster("test");
  use_ads(bootstrap);
  auto& to = *bootstrap.mutable_static_resources();
  for (const Resource& r : resources.listeners) to.add_listeners()->ParseFromString(*r.body);
  for (const Resource& r : resources.clusters) to.add_clusters()->ParseFromString(*r.body);
  for (const Resource& r : resources.secrets) to.add_secrets()->ParseFromString(*r.body);
  for (const Resource& r : resources.assignments) add_assignment(r, bootstrap);
  return bootstrap;
}

struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "kgw-envoy-XXXXXX";
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace

const std::string_view kTestCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUD6J+8rFRs1ulyOQS64FqNcQ2bxowCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjMxNjI5NTlaGA8yMTI2MTAzMDE2Mjk1
OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAmh
W1YYAtGaX9Trpin2gppkPykNp+EVjvbOrFIOvWYrBrdVbNM7nrY2alTzBHRbTwHR
fMT3rQ4tv+lX7UtatZijbTBrMB0GA1UdDgQWBBT3Hk64l6M0Xbk4kjZMJSpeunVZ
TzAfBgNVHSMEGDAWgBT3Hk64l6M0Xbk4kjZMJSpeunVZTzAPBgNVHRMBAf8EBTAD
AQH/MBgGA1UdEQQRMA+CDSouZXhhbXBsZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIg
MlbQcUhvSYVBTT/UQisaioj0EVbNUDoPHS3GyDxlDW0CIQC14Q2p8MnGfJjxQEB0
DPo4Xj9+gaMduHr7IGaS3RGXVg==
-----END CERTIFICATE-----
)";

const std::string_view kTestKey = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIN58H2AntJk83A9VvDtrsdbdDH8pQyqsfzp50AU0FKPFoAoGCCqGSM49
AwEHoUQDQgAECaFbVhgC0Zpf1OumKfaCmmQ/KQ2n4RWO9s6sUg69ZisGt1Vs0zue
tjZqVPMEdFtPAdF8xPetDi2/6VftS1q1mA==
-----END EC PRIVATE KEY-----
)";

std::string envoy_binary() {
  const char* path = std::getenv("KGW_ENVOY");
  return path == nullptr ? "" : path;
}

std::string validate(const StaticResources& resources) {
  const TemporaryFolder folder;
  const std::string file = folder.path / "bootstrap.pb";
  std::ofstream(file, std::ios::binary) << encode(bootstrap_of(resources));
  const std::string command =
      envoy_binary() + " --mode validate -l error --config-path " + file + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  std::string output;
  std::array<char, 4096> part;
  while (std::size_t size = std::fread(part.data(), 1, part.size(), pipe)) {
    output.append(part.data(), size);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return "exit status " + std::to_string(status) + ": " + output;
}

}  // namespace kgw::envoy
