// Clusters: what a backend port is to Envoy.
//
// A cluster's name says what it connects to (attach::ClusterId). Its content may also depend on the
// Gateway: one that has a client certificate of its own presents it to backends that speak TLS. So
// a cluster is encoded once per ClusterVariant and shared by all Gateways of that variant.
//
//   Service                  EDS; endpoints come and go without touching the cluster
//   Service ExternalName     DNS
//   Backend, only addresses  EDS as well
//   Backend with host names  DNS
//   invalid BackendTLSPolicy no endpoints: requests fail (503), never in plain text
//
// Losing an endpoint loses no request: Envoy lets requests on its connections finish (hosts that
// are gone are dropped at once, ignore_health_on_host_removal, and their connections drained).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attach/model.h"
#include "envoy/istio_mtls.h"
#include "envoy/resource.h"
#include "envoy/secret.h"

namespace kgw::envoy {

struct ClusterVariant {
  attach::ClusterId id;
  ObjectKey client_certificate;  // of the Gateway; empty unless the backend speaks TLS

  friend auto operator<=>(const ClusterVariant&, const ClusterVariant&) = default;
  friend bool operator==(const ClusterVariant&, const ClusterVariant&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ClusterVariant& v) {
    return H::combine(std::move(h), v.id, v.client_certificate);
  }
};
std::string to_string(const ClusterVariant& variant);

struct BuiltCluster {
  Resource resource;
  bool eds = false;               // a ClusterLoadAssignment of the same name belongs to it
  std::vector<SecretId> secrets;  // what it fetches by SDS

  friend bool operator==(const BuiltCluster&, const BuiltCluster&) = default;
};

// Where a cluster's endpoints come from.
struct Discovery {
  enum class Type : std::uint8_t { kEds, kDns, kNone };
  Type type = Type::kEds;
  std::vector<BackendHost> hosts;  // kDns: names or addresses
  // kDns; a name of envoy.config.cluster.v3.Cluster.DnsLookupFamily.
  std::string dns_lookup_family = "V4_PREFERRED";

  static Discovery of(const attach::ClusterId& id, const attach::ServiceFacts& service);
  static Discovery of(std::vector<BackendHost> hosts);
};

// The hosts of a Backend that a cluster is made of: of several ports only the one referred to.
std::vector<BackendHost> hosts_of(const attach::ClusterId& id, const StaticBackend& backend);

// `tls`: the BackendTLSPolicy in force, if any. `system_ca_path`: where a proxy finds the
// certificate authorities of its operating system. `istio`: null where the mesh's mTLS is out of
// the question; a policy wins over it.
BuiltCluster build_cluster(const ClusterVariant& variant, const Discovery& discovery,
                           const attach::BackendTls* tls, const std::string& system_ca_path,
                           const IstioMtls* istio = nullptr);

}  // namespace kgw::envoy
