#include "envoy/cluster.h"

#include <algorithm>
#include <limits>

#include "envoy/cluster_tls.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/edge.h"
#include "envoy/encode.h"
#include "envoy/endpoint.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"

namespace kgw::envoy {
namespace {
namespace proto = ::envoy::config::cluster::v3;
namespace dns = ::envoy::extensions::clusters;
using attach::BackendProtocol;
using ::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;

constexpr int kConnectTimeoutSeconds = 5;

// Envoy's own limit of 1,024 connections and requests per cluster hits busy services long before
// anything is wrong. Retries are bounded as a share of the load instead of Envoy's fixed 3.
void set_limits(proto::Cluster& cluster) {
  constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();
  auto& limits = *cluster.mutable_circuit_breakers()->add_thresholds();
  limits.mutable_max_connections()->set_value(kUnlimited);
  limits.mutable_max_pending_requests()->set_value(kUnlimited);
  limits.mutable_max_requests()->set_value(kUnlimited);
  auto& retries = *limits.mutable_retry_budget();
  retries.mutable_budget_percent()->set_value(25);
  retries.mutable_min_retry_concurrency()->set_value(20);
}

void set_http_protocol(BackendProtocol protocol, proto::Cluster& cluster) {
  if (protocol == BackendProtocol::kTcp || protocol == BackendProtocol::kUdp) return;
  HttpProtocolOptions options;
  auto& config = *options.mutable_explicit_http_config();
  if (protocol == BackendProtocol::kHttp2) {
    config.mutable_http2_protocol_options();
  } else {
    config.mutable_http_protocol_options();
  }
  pack(options, (*cluster.mutable_typed_extension_protocol_options())
                    ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]);
}

void set_eds(proto::Cluster& cluster) {
  cluster.set_type(proto::Cluster::EDS);
  from_ads(*cluster.mutable_eds_cluster_config()->mutable_eds_config());
}

// A proxy is not ready before every cluster has looked up its names once, and a changed cluster
// replaces the old one no earlier: so no request meets an empty one. Thousands of names, or some
// that nobody answers for, would keep all tenants of a proxy waiting.
constexpr std::size_t kAwaitedNames = 8;

void set_dns(const Discovery& discovery, proto::Cluster& cluster) {
  if (discovery.hosts.size() > kAwaitedNames) {
    cluster.mutable_wait_for_warm_on_init()->set_value(false);
  }
  dns::dns::v3::DnsCluster config;
  config.set_respect_dns_ttl(true);
  auto family = dns::common::dns::v3::V4_PREFERRED;
  dns::common::dns::v3::DnsLookupFamily_Parse(discovery.dns_lookup_family, &family);
  config.set_dns_lookup_family(family);
  cluster.mutable_cluster_type()->set_name("envoy.cluster.dns");
  pack(config, *cluster.mutable_cluster_type()->mutable_typed_config());

  auto& assignment = *cluster.mutable_load_assignment();
  assignment.set_cluster_name(cluster.name());
  auto& locality = *assignment.add_endpoints();
  for (const BackendHost& host : discovery.hosts) {
    auto& endpoint = *locality.add_lb_endpoints()->mutable_endpoint();
    auto& address = *endpoint.mutable_address()->mutable_socket_address();
    address.set_address(host.host);
    address.set_port_value(host.port);
    if (!is_ip_address(host.host)) endpoint.set_hostname(host.host);
  }
}

void set_discovery(const Discovery& discovery, proto::Cluster& cluster) {
  switch (discovery.type) {
    case Discovery::Type::kEds:
      return set_eds(cluster);
    case Discovery::Type::kDns:
      return set_dns(discovery, cluster);
    case Discovery::Type::kNone:
      cluster.set_type(proto::Cluster::STATIC);
      cluster.mutable_load_assignment()->set_cluster_name(cluster.name());
  }
}

}  // namespace

std::string to_string(const ClusterVariant& variant) {
  std::string text = to_string(variant.id);
  if (!variant.client_certificate.name.empty()) {
    text += " with certificate " + kgw::to_string(variant.client_certificate);
  }
  return text;
}

Discovery Discovery::of(const attach::ClusterId& id, const attach::ServiceFacts& service) {
  if (service.type != "ExternalName") return {};
  if (service.external_name.empty()) return {Type::kNone, {}};
  return {Type::kDns, {{service.external_name, id.port}}};
}

Discovery Discovery::of(std::vector<BackendHost> hosts) {
  const auto is_address = [](const BackendHost& host) { return is_ip_address(host.host); };
  if (std::ranges::all_of(hosts, is_address)) return {};
  return {Type::kDns, std::move(hosts)};
}

std::vector<BackendHost> hosts_of(const attach::ClusterId& id, const StaticBackend& backend) {
  std::vector<BackendHost> hosts = backend.hosts;
  if (id.port != 0) {
    std::erase_if(hosts, [&](const BackendHost& host) { return host.port != id.port; });
  }
  return hosts;
}

BuiltCluster build_cluster(const ClusterVariant& variant, const Discovery& discovery,
                           const attach::BackendTls* tls, const std::string& system_ca_path,
                           const IstioMtls* istio) {
  const Name name = attach::cluster_name(variant.id);
  const bool fails = tls != nullptr && tls->invalid;
  BuiltCluster built;
  proto::Cluster cluster;
  cluster.set_name(name.str());
  cluster.mutable_connect_timeout()->set_seconds(kConnectTimeoutSeconds);
  cluster.set_ignore_health_on_host_removal(true);
  set_discovery(fails ? Discovery{.type = Discovery::Type::kNone} : discovery, cluster);
  set_limits(cluster);
  limit_buffers(cluster);
  if (variant.id.protocol != BackendProtocol::kUdp) keep_alive(cluster);
  set_http_protocol(variant.id.protocol, cluster);
  if (tls != nullptr && !fails) {
    built.secrets =
        set_upstream_tls(variant, *tls, system_ca_path, *cluster.mutable_transport_socket());
  }
  if (tls == nullptr && istio != nullptr) set_istio_mtls(variant.id, *istio, cluster);
  built.eds = cluster.type() == proto::Cluster::EDS && cluster.has_eds_cluster_config();
  built.resource = make_resource(name, encode(cluster));
  return built;
}

}  // namespace kgw::envoy
