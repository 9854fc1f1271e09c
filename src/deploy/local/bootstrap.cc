#include "deploy/local/bootstrap.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <envoy/config/cluster/v3/cluster.pb.h>
#include <envoy/config/core/v3/address.pb.h>
#include <envoy/config/core/v3/config_source.pb.h>
#include <envoy/config/core/v3/grpc_service.pb.h>
#include <envoy/config/endpoint/v3/endpoint.pb.h>
#include <envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h>
#include <google/protobuf/util/json_util.h>

#include <stdexcept>

namespace kgw::deploy {
namespace {

namespace core = envoy::config::core::v3;
using ::envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::cluster::v3::Cluster;

constexpr const char* kXdsCluster = "xds_cluster";
constexpr const char* kHttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

void set_node(core::Node& node, const BootstrapSpec& spec) {
  node.set_id(node_id(spec.gateway, spec.instance));
  node.set_cluster(spec.gateway.name.str() + "." + spec.gateway.ns.str());
  (*node.mutable_metadata()->mutable_fields())["role"].set_string_value(node_role(spec.gateway));
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

void set_ads(core::ApiConfigSource& ads) {
  ads.set_api_type(core::ApiConfigSource::DELTA_GRPC);
  ads.set_transport_api_version(core::ApiVersion::V3);
  ads.set_set_node_on_first_message_only(true);
  core::GrpcService::EnvoyGrpc& grpc = *ads.add_grpc_services()->mutable_envoy_grpc();
  grpc.set_cluster_name(kXdsCluster);
  // A restarted controller is back within a second; Envoy's default waits up to 30.
  core::BackoffStrategy& backoff = *grpc.mutable_retry_policy()->mutable_retry_back_off();
  backoff.mutable_base_interval()->set_nanos(100'000'000);
  backoff.mutable_max_interval()->set_seconds(2);
}

// Without a limit on the first fetch: /ready then says that the configuration has arrived, not
// that waiting for it was given up.
void use_ads(core::ConfigSource& source) {
  source.mutable_ads();
  source.set_resource_api_version(core::ApiVersion::V3);
  source.mutable_initial_fetch_timeout()->set_seconds(0);
}

}  // namespace

std::string node_role(const ObjectKey& gateway) {
  return "kgateway-kube-gateway-api~" + gateway.ns.str() + "~" + gateway.name.str();
}

std::string node_id(const ObjectKey& gateway, unsigned instance) {
  return gateway.name.str() + "-" + std::to_string(instance) + "." + gateway.ns.str();
}

Bootstrap make_bootstrap(const BootstrapSpec& spec) {
  Bootstrap bootstrap;
  set_node(*bootstrap.mutable_node(), spec);
  set_xds_cluster(*bootstrap.mutable_static_resources()->add_clusters(), spec.xds_socket);

  auto& dynamic = *bootstrap.mutable_dynamic_resources();
  set_ads(*dynamic.mutable_ads_config());
  use_ads(*dynamic.mutable_lds_config());
  use_ads(*dynamic.mutable_cds_config());

  core::Pipe& pipe = *bootstrap.mutable_admin()->mutable_address()->mutable_pipe();
  pipe.set_path(spec.admin_socket);
  pipe.set_mode(0600);

  // Statistics of clusters that see no traffic cost no memory. Names are Envoy's own.
  bootstrap.mutable_deferred_stat_options()->set_enable_deferred_creation_stats(true);
  // /runtime_modify works; everything else stays at Envoy's defaults.
  auto& layer = *bootstrap.mutable_layered_runtime()->add_layers();
  layer.set_name("admin");
  layer.mutable_admin_layer();
  return bootstrap;
}

std::string bootstrap_json(const BootstrapSpec& spec) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(make_bootstrap(spec), &json, options);
  if (!status.ok()) throw std::logic_error("bootstrap: " + status.ToString());
  return json;
}

}  // namespace kgw::deploy
