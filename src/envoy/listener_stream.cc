#include "envoy/listener_stream.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <numeric>

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/edge.h"
#include "envoy/encode.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "envoy/extensions/filters/udp/udp_proxy/v3/route.pb.h"
#include "envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy.pb.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/listener_tls.h"

namespace kgw::envoy {
namespace {
namespace proto = ::envoy::config::listener::v3;
namespace udp = ::envoy::extensions::filters::udp::udp_proxy::v3;

// At least one, all of them with a weight and an Envoy cluster name.
StreamBackends complete(StreamBackends backends) {
  std::erase_if(backends, [](const StreamBackend& backend) { return backend.weight == 0; });
  if (backends.empty()) backends.emplace_back();
  for (StreamBackend& backend : backends) {
    if (backend.cluster.empty()) backend.cluster = Name(kBlackhole);
  }
  return backends;
}

void add_tcp_proxy(const std::string& stat_prefix, const StreamBackends& backends,
                   proto::FilterChain& chain) {
  ::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy proxy;
  proxy.set_stat_prefix(stat_prefix);
  if (backends.size() == 1) {
    proxy.set_cluster(backends.front().cluster.str());
  } else {
    for (const StreamBackend& backend : backends) {
      auto& cluster = *proxy.mutable_weighted_clusters()->add_clusters();
      cluster.set_name(backend.cluster.str());
      cluster.set_weight(backend.weight);
    }
  }
  auto& filter = *chain.add_filters();
  filter.set_name("envoy.filters.network.tcp_proxy");
  pack(proxy, *filter.mutable_typed_config());
}

// envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing{threshold = 1,
// modulo = 2}, the one message of Envoy's API that is written by hand here: true when
// hash(input) % modulo >= threshold.
void pack_hash_at_least(std::uint32_t threshold, std::uint32_t modulo, google::protobuf::Any& any) {
  any.set_type_url(
      "type.googleapis.com/"
      "envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing");
  google::protobuf::io::StringOutputStream stream(any.mutable_value());
  google::protobuf::io::CodedOutputStream output(&stream);
  output.WriteTag(1 << 3);
  output.WriteVarint32(threshold);
  output.WriteTag(2 << 3);
  output.WriteVarint32(modulo);
}

void send_to(const Name& cluster, xds::type::matcher::v3::Matcher::OnMatch& match) {
  udp::Route route;
  route.set_cluster(cluster.str());
  match.mutable_action()->set_name("route");
  pack(route, *match.mutable_action()->mutable_typed_config());
}

// Cuts [0, sum of weights) into the backends' parts and tests from the last one down.
void choose_by_source_port(const StreamBackends& backends, udp::UdpProxyConfig& config) {
  auto& matcher = *config.mutable_matcher();
  std::uint32_t total = 0;
  for (const StreamBackend& backend : backends) total += backend.weight;
  std::uint32_t threshold = total;
  for (std::size_t i = backends.size() - 1; i > 0; --i) {
    threshold -= backends[i].weight;
    auto& field = *matcher.mutable_matcher_list()->add_matchers();
    auto& predicate = *field.mutable_predicate()->mutable_single_predicate();
    predicate.mutable_input()->set_name("envoy.matching.inputs.source_port");
    pack(::envoy::extensions::matching::common_inputs::network::v3::SourcePortInput(),
         *predicate.mutable_input()->mutable_typed_config());
    predicate.mutable_custom_match()->set_name("envoy.matching.matchers.consistent_hashing");
    pack_hash_at_least(threshold, total, *predicate.mutable_custom_match()->mutable_typed_config());
    send_to(backends[i].cluster, *field.mutable_on_match());
  }
  send_to(backends.front().cluster, *matcher.mutable_on_no_match());
}

FilterChain stream_chain(const ListenerShape& shape, const std::string& name,
                         const Name& server_name, const StreamBackends& backends,
                         const attach::ListenerTlsState* tls, std::vector<SecretId>* secrets) {
  proto::FilterChain chain;
  chain.set_name(name);
  if (shape.protocol != attach::Protocol::kTcp) match_sni(server_name, chain);
  if (tls != nullptr) *secrets = terminate_tls(*tls, chain);
  add_tcp_proxy(chain_name(shape), complete(backends), chain);
  return make_chain(name, server_name, encode(chain), false);
}

}  // namespace

FilterChain closing_chain(const ListenerShape& shape) {
  FilterChain chain = stream_chain(shape, chain_name(shape), shape.hostname, {}, nullptr, nullptr);
  chain.closes = true;
  return chain;
}

ListenerChains tls_chains(const ListenerShape& shape, const attach::ListenerTlsState* tls,
                          std::span<const StreamHost> hosts) {
  ListenerChains result{shape.port, shape.protocol, {}, {}};
  const bool terminates = shape.terminates_tls();
  if (!terminates) tls = nullptr;
  const bool usable = !terminates || (tls != nullptr && tls->usable());
  if (usable) {
    for (const StreamHost& host : hosts) {
      const Name server_name = host.domain == Name("*") ? Name() : host.domain;
      result.chains.push_back(stream_chain(shape, chain_name(shape) + "~" + host.domain.str(),
                                           server_name, host.backends, tls, &result.secrets));
    }
  }
  result.chains.push_back(closing_chain(shape));
  result.chains.back().closes = !usable;
  return result;
}

ListenerChains tcp_chains(const ListenerShape& shape, const StreamBackends& backends) {
  return {shape.port,
          shape.protocol,
          {stream_chain(shape, chain_name(shape), {}, backends, nullptr, nullptr)},
          {}};
}

ListenerChains udp_chains(const ListenerShape& shape, const StreamBackends& backends) {
  udp::UdpProxyConfig config;
  config.set_stat_prefix(chain_name(shape));
  config.mutable_upstream_socket_config()->mutable_max_rx_datagram_size()->set_value(
      kMaxDatagramBytes);
  choose_by_source_port(complete(backends), config);
  proto::ListenerFilter filter;
  filter.set_name("envoy.filters.udp_listener.udp_proxy");
  pack(config, *filter.mutable_typed_config());
  return {
      shape.port, shape.protocol, {make_chain(chain_name(shape), {}, encode(filter), false)}, {}};
}

}  // namespace kgw::envoy
