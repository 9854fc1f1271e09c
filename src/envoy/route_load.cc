#include "envoy/route_load.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace kgw::envoy {
namespace {

using attach::RouteTableId;
using engine::Read;

constexpr std::uint8_t kBlocks = 64;

std::uint8_t block_of(const ObjectRef& route) {
  const std::string_view name = route.key.name.view();
  return XXH3_64bits(name.data(), name.size()) % kBlocks;
}

std::set<ObjectKey> gateways_of(const RouteLoad& load) {
  std::set<ObjectKey> gateways;
  for (const RouteLoad::Table& table : load.tables) gateways.insert(table.table.gateway);
  return gateways;
}

std::optional<std::uint64_t> sum_of_block(const RouteLoads& all, const TableBlock& id, Read& read) {
  std::uint64_t sum = 0;
  read.each(all.loads_by_table, id,
            [&](const ObjectRef&, const RouteLoad& load) { sum += load.entries_of(id.whole); });
  return sum;
}

std::optional<std::uint64_t> sum_of_block(const RouteLoads& all, const TenantBlock& id,
                                          Read& read) {
  std::uint64_t sum = 0;
  read.each(all.loads_by_tenant, id, [&](const ObjectRef&, const RouteLoad& load) {
    sum += load.entries_at(id.whole.gateway);
  });
  return sum;
}

std::optional<Overload> overload_of(const RouteLoads& all, const TenantId& tenant, Read& read) {
  Overload overload;
  std::vector<TenantBlock> blocks;
  read.each(all.sums_by_tenant, tenant, [&](const TenantBlock& block, const std::uint64_t& sum) {
    overload.entries += sum;
    blocks.push_back(block);
  });
  if (overload.entries <= all.limit) return std::nullopt;
  std::vector<RouteSize> routes;
  for (const TenantBlock& block : blocks) {
    read.each(all.loads_by_tenant, block, [&](const ObjectRef& route, const RouteLoad& load) {
      routes.push_back({load.creation_time, route, load.entries_at(tenant.gateway)});
    });
  }
  overload.refused = refuse_newest(std::move(routes), all.limit);
  return overload;
}

}  // namespace

std::string to_string(const TenantId& id) { return kgw::to_string(id.gateway) + " " + id.ns.str(); }

std::uint64_t RouteLoad::entries_of(const RouteTableId& table) const {
  const auto found = std::ranges::find(tables, table, &Table::table);
  return found == tables.end() ? 0 : found->entries;
}

std::uint64_t RouteLoad::entries_at(const ObjectKey& gateway) const {
  std::uint64_t sum = 0;
  for (const Table& table : tables) {
    if (table.table.gateway == gateway) sum += table.entries;
  }
  return sum;
}

RouteLoad load_of(const policy::BoundRoute& route, const attach::RouteAttachment& attachment) {
  std::uint64_t matches = 0;
  for (const policy::BoundRule& rule : route.rules) matches += rule.matches.size();
  std::map<RouteTableId, std::uint64_t> hosts;
  for (const attach::ParentBinding& parent : attachment.parents) {
    for (const attach::ListenerAttachment& listener : parent.listeners) {
      hosts[listener.table] += listener.hosts.size();
    }
  }
  RouteLoad load{route.creation_time, {}};
  for (const auto& [table, number] : hosts) {
    if (number * matches > 0) load.tables.push_back({table, number * matches});
  }
  return load;
}

std::vector<ObjectRef> refuse_newest(std::vector<RouteSize> routes, std::uint64_t limit) {
  std::ranges::sort(routes, {}, [](const RouteSize& route) {
    return std::tie(route.creation_time, route.route.key, route.route.kind);
  });
  std::vector<ObjectRef> refused;
  std::uint64_t sum = 0;
  for (const RouteSize& route : routes) {
    if (sum + route.entries <= limit) {
      sum += route.entries;
    } else {
      refused.push_back(route.route);
    }
  }
  std::ranges::sort(refused);
  return refused;
}

RouteLoads::RouteLoads(engine::Graph& graph, attach::Model& model, policy::Rules& rules,
                       std::uint64_t given)
    : limit(given),
      loads(graph.derived<ObjectRef, RouteLoad>("route loads")
                .from(rules.rules,
                      [&model](const ObjectRef& ref, const policy::BoundRoute& route,
                               Read& read) -> std::optional<RouteLoad> {
                        const auto* attachment = read.get(model.attachments, ref);
                        if (attachment == nullptr) return std::nullopt;
                        RouteLoad load = load_of(route, *attachment);
                        if (load.tables.empty()) return std::nullopt;
                        return load;
                      })),
      loads_by_table(
          graph.index<TableBlock>(loads, "route loads by table",
                                  [](const ObjectRef& ref, const RouteLoad& load, auto&& emit) {
                                    for (const auto& table : load.tables)
                                      emit(TableBlock{table.table, block_of(ref)});
                                  })),
      table_sums(
          graph.derived<TableBlock, std::uint64_t>("entries of tables")
              .from(loads_by_table, [this](const TableBlock& id,
                                           Read& read) { return sum_of_block(*this, id, read); })),
      sums_by_table(graph.index<RouteTableId>(
          table_sums, "entries by table",
          [](const TableBlock& id, const std::uint64_t&, auto&& emit) { emit(id.whole); })),
      loads_by_tenant(graph.index<TenantBlock>(
          loads, "route loads by tenant",
          [given](const ObjectRef& ref, const RouteLoad& load, auto&& emit) {
            if (given == 0) return;
            for (const ObjectKey& gateway : gateways_of(load)) {
              emit(TenantBlock{{gateway, ref.key.ns}, block_of(ref)});
            }
          })),
      tenant_sums(
          graph.derived<TenantBlock, std::uint64_t>("entries of tenants")
              .from(loads_by_tenant, [this](const TenantBlock& id,
                                            Read& read) { return sum_of_block(*this, id, read); })),
      sums_by_tenant(graph.index<TenantId>(
          tenant_sums, "entries by tenant",
          [](const TenantBlock& id, const std::uint64_t&, auto&& emit) { emit(id.whole); })),
      overloads(graph.derived<TenantId, Overload>("overloads")
                    .from(sums_by_tenant, [this](const TenantId& tenant, Read& read) {
                      return overload_of(*this, tenant, read);
                    })) {}

std::uint64_t RouteLoads::entries(Read& read, const RouteTableId& table) const {
  std::uint64_t sum = 0;
  read.each(sums_by_table, table,
            [&](const TableBlock&, const std::uint64_t& block) { sum += block; });
  return sum;
}

const Overload* RouteLoads::overload(Read& read, const ObjectRef& route,
                                     const ObjectKey& gateway) const {
  if (limit == 0) return nullptr;
  const Overload* found = read.get(overloads, TenantId{gateway, route.key.ns});
  const bool refused = found != nullptr && std::ranges::binary_search(found->refused, route);
  return refused ? found : nullptr;
}

bool RouteLoads::refused(Read& read, const ObjectRef& route, const ObjectKey& gateway) const {
  return overload(read, route, gateway) != nullptr;
}

attach::Fault RouteLoads::refusal(Read& read, const ObjectRef& route,
                                  const ObjectKey& gateway) const {
  const Overload* found = overload(read, route, gateway);
  if (found == nullptr) return {};
  return {"TooManyRouteEntries",
          "The routes of namespace " + route.key.ns.str() + " on Gateway " +
              kgw::to_string(gateway) + " make " + std::to_string(found->entries) +
              " entries (a match under one host of one listener is one); " + std::to_string(limit) +
              " are allowed, and this route, among the newest, does not fit."};
}

}  // namespace kgw::envoy
