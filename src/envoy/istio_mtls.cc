#include "envoy/istio_mtls.h"

#include "envoy/cluster.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/encode.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace kgw::envoy {
namespace {
namespace proto = ::envoy::config::cluster::v3;
namespace sockets = ::envoy::extensions::transport_sockets;

constexpr const char* kTlsMode = "tlsMode";
constexpr const char* kIstio = "istio";

void from_file(const FileSecret& secret, const std::string& watched_directory,
               sockets::tls::v3::SdsSecretConfig& config) {
  config.set_name(secret.name);
  auto& source = *config.mutable_sds_config();
  source.set_resource_api_version(::envoy::config::core::v3::V3);
  auto& file = *source.mutable_path_config_source();
  file.set_path(secret.path);
  file.mutable_watched_directory()->set_path(watched_directory);
}

// How Istio names a port of a Service to the proxies of its mesh.
std::string mesh_name(const attach::ClusterId& id) {
  return "outbound_." + std::to_string(id.port) + "_._." + id.backend.name().str() + "." +
         id.backend.ns().str() + ".svc.cluster.local";
}

}  // namespace

bool is_in_mesh(const Pod& pod) {
  const auto mode = pod.metadata.labels.find(Pod::kTlsMode);
  return mode != pod.metadata.labels.end() && mode->second == kIstio;
}

bool takes_istio_mtls(const attach::ClusterId& id, const attach::ServiceFacts& service) {
  return id.protocol != attach::BackendProtocol::kUdp && !service.no_istio_mtls &&
         Discovery::of(id, service).type == Discovery::Type::kEds;
}

void set_istio_mtls(const attach::ClusterId& id, const IstioMtls& istio, proto::Cluster& cluster) {
  sockets::tls::v3::UpstreamTlsContext context;
  context.set_sni(mesh_name(id));
  auto& common = *context.mutable_common_tls_context();
  common.add_alpn_protocols(kIstio);
  from_file(istio.certificate, istio.watched_directory,
            *common.add_tls_certificate_sds_secret_configs());
  from_file(istio.authority, istio.watched_directory,
            *common.mutable_validation_context_sds_secret_config());

  auto& mtls = *cluster.add_transport_socket_matches();
  mtls.set_name("tlsMode-istio");
  (*mtls.mutable_match()->mutable_fields())[kTlsMode].set_string_value(kIstio);
  mtls.mutable_transport_socket()->set_name("envoy.transport_sockets.tls");
  pack(context, *mtls.mutable_transport_socket()->mutable_typed_config());

  auto& plain = *cluster.add_transport_socket_matches();
  plain.set_name("tlsMode-disabled");
  plain.mutable_match();
  plain.mutable_transport_socket()->set_name("envoy.transport_sockets.raw_buffer");
  pack(sockets::raw_buffer::v3::RawBuffer(),
       *plain.mutable_transport_socket()->mutable_typed_config());
}

void mark_in_mesh(::envoy::config::core::v3::Metadata& metadata) {
  auto& match = (*metadata.mutable_filter_metadata())["envoy.transport_socket_match"];
  (*match.mutable_fields())[kTlsMode].set_string_value(kIstio);
}

}  // namespace kgw::envoy
