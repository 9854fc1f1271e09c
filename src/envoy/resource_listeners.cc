#include <algorithm>

#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/constraints.h"
#include "envoy/listener_http.h"
#include "envoy/listener_stream.h"
#include "envoy/resource_tables.h"

namespace kgw::envoy {
namespace {
using attach::Protocol;
using policy::BoundStreamRoute;

StreamBackends backends_of(const BoundStreamRoute* route) {
  StreamBackends backends;
  if (route == nullptr) return backends;
  for (const policy::WeightedCluster& backend : route->backends) {
    backends.push_back(
        {backend.valid ? attach::cluster_name(backend.cluster) : Name(), backend.weight});
  }
  return backends;
}

// Each host of the listener with the backends of the route that has it.
std::vector<StreamHost> stream_hosts(const Resources& resources,
                                     const Resources::StreamRules& rules,
                                     const ListenerShape& shape, Read& read) {
  std::vector<StreamHost> hosts;
  const StreamOwners* owners = read.get(resources.stream_owners, shape);
  if (owners == nullptr) return hosts;
  for (const StreamOwner& owner : *owners) {
    hosts.push_back({owner.host, backends_of(read.get(rules, owner.route))});
  }
  return hosts;
}

// Of a TCP or UDP listener.
StreamBackends stream_backends(const Resources& resources, const Resources::StreamRules& rules,
                               const ListenerShape& shape, Read& read) {
  const std::vector<StreamHost> hosts = stream_hosts(resources, rules, shape, read);
  return hosts.empty() ? StreamBackends() : hosts.front().backends;
}

attach::Layout layout_of(const Resources::LayoutTable& layouts, const ListenerShape& shape,
                         Read& read) {
  const TableLayout* layout = read.get(layouts, {shape.port.gateway, shape.route_table});
  return layout == nullptr ? attach::Layout() : layout->serving;
}

// Why Envoy would refuse the chain, and the whole listener with it.
std::optional<std::string> broken_chain(const ListenerChains& listener, const FilterChain& chain) {
  const auto& type = listener.port.udp
                         ? *::envoy::config::listener::v3::ListenerFilter::descriptor()
                         : *::envoy::config::listener::v3::FilterChain::descriptor();
  return broken_constraint(type, *chain.body);
}

}  // namespace

ListenerChains compute_chains(const Model& model, const Resources& resources,
                              const Resources::StreamRules& stream_rules,
                              const Resources::LayoutTable& layouts, const ListenerShape& shape,
                              Read& read) {
  const Settings& settings = resources.settings;
  const attach::ListenerTlsState* tls =
      shape.terminates_tls() ? read.get(model.listener_tls, shape.id) : nullptr;
  switch (shape.protocol) {
    case Protocol::kHttp:
      return http_chains(shape, settings, layout_of(layouts, shape, read));
    case Protocol::kHttps:
      return https_chains(shape, tls, settings, layout_of(layouts, shape, read));
    case Protocol::kTls:
      return tls_chains(shape, tls, stream_hosts(resources, stream_rules, shape, read));
    case Protocol::kTcp:
      return tcp_chains(shape, stream_backends(resources, stream_rules, shape, read));
    case Protocol::kUdp:
      return udp_chains(shape, stream_backends(resources, stream_rules, shape, read));
  }
  return {};
}

std::optional<Resource> compute_listener(const Resources& resources, const GatewayResourceId& id,
                                         Read& read) {
  const std::vector<std::string>* addresses = read.get(resources.bind_addresses, id.gateway);
  if (addresses == nullptr) return std::nullopt;
  const ListenerChains* any = nullptr;
  std::vector<const FilterChain*> chains;
  read.each(resources.chains_by_listener, id,
            [&](const ListenerShape&, const ListenerChains& listener) {
              any = &listener;
              for (const FilterChain& chain : listener.chains) {
                if (!broken_chain(listener, chain)) chains.push_back(&chain);
              }
            });
  for (const FilterChain*& chain : chains) {
    const auto* held = read.get(resources.quarantined_filter_chains, Name(chain->hash));
    if (held != nullptr) chain = held->instead ? &*held->instead : nullptr;
  }
  std::erase(chains, nullptr);
  if (any == nullptr) return std::nullopt;
  return assemble_listener(any->port, *addresses, any->protocol, chains);
}

std::optional<ListenerCarrier> Resources::carrier(Read& read,
                                                  const attach::BoundListener& listener) const {
  const std::optional<ListenerShape> shape = shape_of(listener);
  if (!shape) return std::nullopt;
  ListenerCarrier result{.listener = listener_name(shape->port), .route_table = shape->route_table};
  const ListenerChains* carried = read.get(chains, chain_shape(*shape));
  if (carried == nullptr) return result;
  for (const SecretId& secret : carried->secrets) result.secrets.push_back(secret_name(secret));
  for (const FilterChain& chain : carried->chains) {
    if (!chain.closes) result.serves = true;
    if (auto broken = broken_chain(*carried, chain); broken && result.quarantined.empty()) {
      result.quarantined = "it breaks a constraint, " + *broken;
    }
    const auto* held = read.get(quarantined_filter_chains, Name(chain.hash));
    if (held == nullptr) continue;
    const bool first = result.quarantined.empty();
    if (first) result.quarantined = held->envoy_message;
    result.keeps_last = held->instead.has_value() && (first || result.keeps_last);
  }
  return result;
}

std::vector<const FilterChain*> Resources::listener_chains(
    const GatewayResourceId& listener) const {
  std::vector<const FilterChain*> result;
  chains.for_each([&](const ListenerShape& shape, const ListenerChains& part) {
    if (GatewayResourceId{shape.port.gateway, listener_name(shape.port)} != listener) return;
    for (const FilterChain& chain : part.chains) result.push_back(&chain);
  });
  return result;
}

}  // namespace kgw::envoy
