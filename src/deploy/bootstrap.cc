#include "deploy/bootstrap.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <envoy/config/core/v3/config_source.pb.h>
#include <envoy/config/core/v3/grpc_service.pb.h>
#include <google/protobuf/util/json_util.h>

#include <stdexcept>

namespace kgw::deploy {
namespace {

namespace core = envoy::config::core::v3;
using ::envoy::config::bootstrap::v3::Bootstrap;

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

Bootstrap common_bootstrap(const ObjectKey& gateway) {
  Bootstrap bootstrap;
  core::Node& node = *bootstrap.mutable_node();
  node.set_cluster(gateway.name.str() + "." + gateway.ns.str());
  (*node.mutable_metadata()->mutable_fields())["role"].set_string_value(node_role(gateway));

  auto& dynamic = *bootstrap.mutable_dynamic_resources();
  set_ads(*dynamic.mutable_ads_config());
  use_ads(*dynamic.mutable_lds_config());
  use_ads(*dynamic.mutable_cds_config());

  // Statistics of clusters that see no traffic cost no memory. Names are Envoy's own.
  bootstrap.mutable_deferred_stat_options()->set_enable_deferred_creation_stats(true);
  // /runtime_modify works; everything else stays at Envoy's defaults.
  auto& layer = *bootstrap.mutable_layered_runtime()->add_layers();
  layer.set_name("admin");
  layer.mutable_admin_layer();
  return bootstrap;
}

std::string to_json(const Bootstrap& bootstrap) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(bootstrap, &json, options);
  if (!status.ok()) throw std::logic_error("bootstrap: " + status.ToString());
  return json;
}

}  // namespace kgw::deploy
