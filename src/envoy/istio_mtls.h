// Istio's automatic mTLS: endpoints whose Pods are in the mesh are spoken to as Istio's own proxies
// do, with a certificate of the mesh; the others of the same Service in plain text.
//
// An endpoint in the mesh is marked (metadata envoy.transport_socket_match), and the cluster has a
// transport socket for those that are marked. The peer's certificate must come from the mesh's
// authority; which workload it names is not checked. Certificate and authority do not come from
// us: Istio's agent keeps them in files of the proxy, which reads them itself.
#pragma once

#include <string>

#include "attach/model.h"

namespace envoy::config::cluster::v3 {
class Cluster;
}
namespace envoy::config::core::v3 {
class Metadata;
}

namespace kgw::envoy {

// A secret that a proxy reads from a file of its own: an SDS resource of this name, in JSON.
struct FileSecret {
  std::string name;
  std::string path;
};

struct IstioMtls {
  FileSecret certificate;
  FileSecret authority;
  std::string watched_directory;  // both are read again when a file is moved into it
};

bool is_in_mesh(const Pod& pod);

// Whether endpoints of this port of a Service may be spoken to with the mesh's mTLS: not with UDP,
// not without EDS, and not where the Service opts out.
bool takes_istio_mtls(const attach::ClusterId& id, const attach::ServiceFacts& service);

void set_istio_mtls(const attach::ClusterId& id, const IstioMtls& istio,
                    ::envoy::config::cluster::v3::Cluster& cluster);
void mark_in_mesh(::envoy::config::core::v3::Metadata& metadata);

}  // namespace kgw::envoy
