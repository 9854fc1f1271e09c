// What the command line says, checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "envoy/route_load.h"

namespace kgw::app {

inline constexpr const char* kDefaultAdmin = "127.0.0.1:9095";

// kgateway run
struct RunOptions {
  std::vector<std::string> config;  // files and directories
  std::string bind = "0.0.0.0";     // where listeners of Gateways without spec.addresses bind
  std::string envoy;                // path of the binary; empty: found by find_envoy()
  std::string state_dir;            // empty: the default of deploy::default_state_dir()
  std::string admin = kDefaultAdmin;
  std::vector<std::string> admin_hosts;  // names by which clients may ask for it
  std::string zone;                      // of this host, for topology-aware endpoints
  std::string log_level = "info";
  std::string log_format = "text";  // text or json
  std::string envoy_log_level = "warning";
  unsigned concurrency = 0;  // Envoy's worker threads; 0 = one per CPU
  std::chrono::seconds drain{10};
  std::uint64_t max_route_entries = envoy::kMaxRouteEntries;
  bool keep_proxies = false;     // leave the Envoys running at the end
  bool weighted_routes = false;  // annotation kgateway.dev/route-weight counts
  bool access_log = false;
  bool trust_forwarded_headers = false;  // clients are proxies that can be believed
};

// kgateway controller; what concerns the installation comes from the environment
// (deploy/kube/environment.h).
struct ControllerOptions {
  std::string kubeconfig;                    // empty: as kubectl finds it, or the pod's own
  std::string context;                       // empty: the current one
  std::string xds_tls_dir = "/etc/xds-tls";  // tls.crt, tls.key, ca.crt; read with KGW_XDS_TLS
  // By which other replicas know this one; read when it is used, with KGW_XDS_AUTH.
  std::string xds_token_file = "/var/run/secrets/kgateway/xds-token/token";
  std::string log_format = "json";  // text or json
};

// `--envoy`, else $KGW_ENVOY, else `envoy` beside this program, else on $PATH; empty when there is
// none.
std::string find_envoy(const std::string& option);

int run(const RunOptions& options);

}  // namespace kgw::app
