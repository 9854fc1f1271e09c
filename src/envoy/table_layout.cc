#include "envoy/table_layout.h"

#include <algorithm>
#include <numeric>

namespace kgw::envoy {
namespace {

using engine::Read;

// Wildcards that would stand in every shard.
std::size_t repeated(const HostCounts& counts, std::uint8_t label) {
  const auto begin = counts.wildcards.begin();
  const auto end = label == 0 ? counts.wildcards.end() : begin + label;
  return std::accumulate(begin, end, std::size_t{0});
}

// The largest label that leaves no more than `allowed` wildcards to be repeated; 0 if that label
// would tell nothing apart (top level domains).
std::uint8_t label_for(const HostCounts& counts, std::size_t allowed) {
  for (std::uint8_t label = kMaxLabel; label > 1; --label) {
    if (repeated(counts, label) <= allowed) return label;
  }
  return 0;
}

std::uint8_t class_of(std::string_view domain) {
  if (!domain.starts_with('*')) return HostClass::kExact;
  return static_cast<std::uint8_t>(std::min<std::size_t>(fixed_labels(domain), kMaxLabel));
}

HostCounts count_hosts(const Layouts& layouts, const RouteLoads& loads, const RouteTableId& table,
                       Read& read) {
  HostCounts counts;
  counts.entries = loads.entries(read, table);
  counts.exact = read.count(layouts.hosts_by_class, HostClass{table, HostClass::kExact});
  for (std::uint8_t labels = 0; labels <= kMaxLabel; ++labels) {
    counts.wildcards[labels] = read.count(layouts.hosts_by_class, HostClass{table, labels});
  }
  return counts;
}

std::optional<ShardingMode> mode_of_parameters(const attach::Model& model, const ObjectKey& key,
                                               Read& read) {
  const GatewayParameters* parameters = read.get(model.inputs.gateway_parameters, key);
  if (parameters == nullptr || !parameters->kube || !parameters->kube->route_sharding) return {};
  return sharding_mode(*parameters->kube->route_sharding);
}

ShardingMode mode_of(const attach::Model& model, const Gateway& gateway, Read& read) {
  const auto annotation = gateway.metadata.annotations.find(std::string(kShardingAnnotation));
  if (annotation != gateway.metadata.annotations.end()) {
    if (const auto mode = sharding_mode(annotation->second)) return *mode;
  }
  if (gateway.infrastructure && gateway.infrastructure->parameters_ref) {
    const ObjectKey key{gateway.metadata.ns, gateway.infrastructure->parameters_ref->name};
    if (const auto mode = mode_of_parameters(model, key, read)) return *mode;
  }
  const GatewayClass* gateway_class =
      read.get(model.inputs.gateway_classes, ObjectKey{{}, gateway.gateway_class_name});
  if (gateway_class == nullptr || !gateway_class->parameters_ref) return ShardingMode::kAuto;
  const ParametersRef& ref = *gateway_class->parameters_ref;
  if (!ref.ns) return ShardingMode::kAuto;
  return mode_of_parameters(model, {*ref.ns, ref.name}, read).value_or(ShardingMode::kAuto);
}

}  // namespace

std::optional<ShardingMode> sharding_mode(std::string_view text) {
  if (text == "Auto") return ShardingMode::kAuto;
  if (text == "Always") return ShardingMode::kAlways;
  if (text == "Never") return ShardingMode::kNever;
  return std::nullopt;
}

std::size_t HostCounts::total() const { return exact + repeated(*this, 0); }

Layout choose_layout(ShardingMode mode, const ShardingLimits& limits, const HostCounts& counts,
                     const Layout* serving) {
  const bool sharded = serving != nullptr && serving->sharded;
  // What has no past may be what a restart has forgotten: scopes that proxies use must not go.
  const bool grows = serving != nullptr && !sharded;
  const bool spread = counts.total() >= limits.spread;
  const bool large =
      counts.total() >= (grows ? limits.cut : limits.join) ||
      (spread && counts.entries >= (grows ? limits.cut_entries : limits.join_entries));
  if (mode == ShardingMode::kNever || (mode == ShardingMode::kAuto && !large)) return {};
  // Repeated in every shard, they may take as much room as all hosts do once.
  const std::size_t allowed = std::max(limits.repeated, counts.total() / kShards);
  if (sharded && repeated(counts, serving->label) <= 2 * allowed) {
    const bool better = serving->label != 0 && repeated(counts, 0) <= allowed / 2;
    if (!better) return *serving;
  }
  if (repeated(counts, 0) <= allowed) return {true, 0};
  const std::uint8_t label = label_for(counts, allowed);
  if (label == 0 && mode == ShardingMode::kAuto) return {};
  return {true, label};
}

TableLayout layout_of(const Layout& wanted, const LayoutHistory* history) {
  TableLayout layout{wanted, std::nullopt, {wanted}};
  if (history == nullptr) return layout;
  if (wanted != history->serving && wanted != history->ready) {
    layout.serving = history->serving;
    layout.next = wanted;
  }
  layout.published.push_back(history->serving);
  layout.published.insert(layout.published.end(), history->retiring.begin(),
                          history->retiring.end());
  std::ranges::sort(layout.published);
  const auto repeats = std::ranges::unique(layout.published);
  layout.published.erase(repeats.begin(), repeats.end());
  return layout;
}

LayoutHistory history_of(const TableLayout& layout) {
  LayoutHistory history{layout.serving, std::nullopt, layout.published};
  std::erase_if(history.retiring, [&](const Layout& published) {
    return published == layout.serving || published == layout.next;
  });
  return history;
}

std::string to_string(const HostClass& id) {
  return to_string(id.table) +
         (id.fixed_labels == HostClass::kExact ? " exact" : " *" + std::to_string(id.fixed_labels));
}

Layouts::Layouts(engine::Graph& graph, attach::Model& model, Claims& claims_by_host,
                 const RouteLoads& loads, ShardingLimits limits)
    : history(graph.input<RouteTableId, LayoutHistory>("layout history")),
      hosts(graph.derived<HostId, HostFacts>("hosts").from(
          claims_by_host,
          [&claims_by_host](const HostId& host, Read& read) {
            HostFacts facts;
            read.each(claims_by_host, host, [&](const ObjectRef&, const HostClaims& claims) {
              facts.misdirected |= std::ranges::binary_search(claims.misdirected, host);
            });
            return std::optional(facts);
          })),
      hosts_by_table(graph.index<RouteTableId>(
          hosts, "hosts by table",
          [](const HostId& host, const HostFacts&, auto&& emit) { emit(host.table); })),
      hosts_by_class(
          graph.index<HostClass>(hosts, "hosts by class",
                                 [](const HostId& host, const HostFacts&, auto&& emit) {
                                   emit(HostClass{host.table, class_of(host.domain.view())});
                                 })),
      modes(graph.derived<ObjectKey, ShardingMode>("route sharding")
                .from(model.listeners,
                      [&model](const ObjectKey&, const attach::GatewayListeners& listeners,
                               Read& read) {
                        return std::optional(mode_of(model, *listeners.gateway, read));
                      })),
      table(graph.derived<RouteTableId, TableLayout>("table layouts")
                .from(hosts_by_table,
                      [this, &loads, limits](const RouteTableId& id, Read& read) {
                        const LayoutHistory* past = read.get(history, id);
                        const ShardingMode* mode = read.get(modes, id.gateway);
                        const Layout wanted =
                            choose_layout(mode == nullptr ? ShardingMode::kAuto : *mode, limits,
                                          count_hosts(*this, loads, id, read),
                                          past == nullptr ? nullptr : &past->serving);
                        return std::optional(layout_of(wanted, past));
                      })),
      shards(graph.index<ShardId>(
          table, "shards by table",
          [](const RouteTableId& id, const TableLayout& layout, auto&& emit) {
            for (const Layout& published : layout.published) {
              for (std::uint32_t i = 0; i < (published.sharded ? kShards : 1); ++i) {
                emit(ShardId{id, published, i});
              }
            }
          })) {}

}  // namespace kgw::envoy
