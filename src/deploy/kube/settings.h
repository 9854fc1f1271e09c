// What all proxies of a cluster have in common: where the controller's xDS server is, how proxies
// prove who they are, and which image they run.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace kgw::deploy::kube {

// Ports of the proxy's own, which no listener can have.
inline constexpr std::int32_t kReadinessPort = 8082;
inline constexpr std::int32_t kStatsPort = 9091;
inline constexpr std::int32_t kDrainPort = 19000;  // loopback only
// A listener of TCP on one of them cannot be served.
inline constexpr std::array kOwnPorts = {kReadinessPort, kStatsPort, kDrainPort};

// Audience of the ServiceAccount token that a proxy shows to the xDS server.
inline constexpr const char* kXdsAudience = "kgateway";

// With Istio's automatic mTLS: where a proxy finds its certificate of the mesh, which Istio's agent
// renews, and the SDS resources that name it (next to Envoy's configuration).
inline constexpr const char* kIstioCertificateDirectory = "/etc/istio-certs";
inline constexpr const char* kIstioCertificateSecret = "istio_server_cert";
inline constexpr const char* kIstioCertificateFile = "istio_server_cert.json";
inline constexpr const char* kIstioAuthoritySecret = "istio_validation_context";
inline constexpr const char* kIstioAuthorityFile = "istio_validation_context.json";

struct Image {
  std::string registry;    // may be empty
  std::string repository;  // "envoy"
  std::string tag;
  std::string digest;  // "sha256:..."; wins over the tag
  std::string pull_policy;
};
// "registry/repository:tag", "registry/repository@digest".
std::string to_string(const Image& image);

struct Settings {
  std::string xds_host;                // "kgateway.kgateway-system.svc.cluster.local"
  std::vector<std::string> xds_names;  // DNS names, one of which the certificate must carry
  std::int32_t xds_port = 9977;
  bool xds_auth = true;  // send the ServiceAccount token
  bool xds_tls = false;
  std::string xds_ca;  // PEM; REQUIRES: not empty with xds_tls
  Image image;
  std::string dns_lookup_family = "V4_PREFERRED";
  bool bind_ipv6 = true;  // bind the proxy's own ports to [::], IPv4 included
  bool istio_auto_mtls = false;
  std::string istio_discovery_address = "istiod.istio-system.svc:15012";
  std::string version;  // of this controller, for a label
};

}  // namespace kgw::deploy::kube
