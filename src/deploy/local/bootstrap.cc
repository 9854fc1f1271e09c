#include "deploy/local/bootstrap.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <envoy/config/cluster/v3/cluster.pb.h>
#include <envoy/config/core/v3/address.pb.h>
#include <envoy/config/endpoint/v3/endpoint.pb.h>
#include <envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h>

#include <nlohmann/json.hpp>

#include "deploy/bootstrap.h"
#include "deploy/overload.h"

namespace kgw::deploy {
namespace {

namespace core = envoy::config::core::v3;
using ::envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::cluster::v3::Cluster;

constexpr const char* kHttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

void set_node(core::Node& node, const BootstrapSpec& spec) {
  node.set_id(node_id(spec.gateway, spec.instance));
  if (spec.locality == Locality{}) return;
  node.mutable_locality()->set_region(spec.locality.region);
  node.mutable_locality()->set_zone(spec.locality.zone);
  node.mutable_locality()->set_sub_zone(spec.locality.sub_zone);
}

// One HTTP/2 connection to the controller's socket.
void set_xds_cluster(Cluster& cluster, const std::string& socket) {
  cluster.set_name(kXdsCluster);
  cluster.set_type(Cluster::STATIC);
  cluster.mutable_connect_timeout()->set_seconds(1);
  envoy::extensions::upstreams::http::v3::HttpProtocolOptions options;
  options.mutable_explicit_http_config()->mutable_http2_protocol_options();
  (*cluster.mutable_typed_extension_protocol_options())[kHttpOptions].PackFrom(options);
  cluster.mutable_load_assignment()->set_cluster_name(kXdsCluster);
  cluster.mutable_load_assignment()
      ->add_endpoints()
      ->add_lb_endpoints()
      ->mutable_endpoint()
      ->mutable_address()
      ->mutable_pipe()
      ->set_path(socket);
}

}  // namespace

std::string node_id(const ObjectKey& gateway, unsigned instance) {
  return gateway.name.str() + "-" + std::to_string(instance) + "." + gateway.ns.str();
}

Bootstrap make_bootstrap(const BootstrapSpec& spec) {
  Bootstrap bootstrap = common_bootstrap(spec.gateway);
  set_node(*bootstrap.mutable_node(), spec);
  set_xds_cluster(*bootstrap.mutable_static_resources()->add_clusters(), spec.xds_socket);
  core::Pipe& pipe = *bootstrap.mutable_admin()->mutable_address()->mutable_pipe();
  pipe.set_path(spec.admin_socket);
  pipe.set_mode(0600);
  return bootstrap;
}

std::string bootstrap_json(const BootstrapSpec& spec) {
  nlohmann::json bootstrap = nlohmann::json::parse(to_json(make_bootstrap(spec)));
  nlohmann::json overload = limit_connections(spec.limits.connections);
  if (spec.limits.memory_bytes != 0) {
    nlohmann::json heap = limit_heap(spec.limits.memory_bytes);
    overload["resource_monitors"].push_back(std::move(heap["resource_monitors"][0]));
    overload["actions"] = std::move(heap["actions"]);
  }
  bootstrap["overload_manager"] = std::move(overload);
  return bootstrap.dump(1);
}

}  // namespace kgw::deploy
