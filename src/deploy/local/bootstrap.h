// The bootstrap of an Envoy that this host runs for a Gateway: who it is, where its configuration
// comes from (delta ADS over the controller's Unix socket), and its admin socket. Everything else
// arrives over xDS.
#pragma once

#include <string>

#include "api/ref.h"
#include "deploy/local/host_limits.h"

namespace envoy::config::bootstrap::v3 {
class Bootstrap;
}

namespace kgw::deploy {

struct Locality {
  std::string region;
  std::string zone;
  std::string sub_zone;

  friend bool operator==(const Locality&, const Locality&) = default;
};

struct BootstrapSpec {
  ObjectKey gateway;
  unsigned instance = 0;  // distinguishes the Envoys of one Gateway while one replaces another
  Locality locality;
  std::string xds_socket;    // path, at most 107 bytes
  std::string admin_socket;  // path, at most 107 bytes
  HostLimits limits;
};

// node.id "<name>-<instance>.<namespace>".
std::string node_id(const ObjectKey& gateway, unsigned instance);

::envoy::config::bootstrap::v3::Bootstrap make_bootstrap(const BootstrapSpec& spec);

// The same as JSON, as `envoy -c` reads it, with the overload manager.
std::string bootstrap_json(const BootstrapSpec& spec);

}  // namespace kgw::deploy
