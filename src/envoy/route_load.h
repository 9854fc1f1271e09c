// How many route entries Envoy gets: for each match of a route one under each of its hosts in each
// table. Entries are what a proxy's memory and the time of its updates grow with.
//
//   rules, attachments -> route loads -> table sums                   -> (table layouts)
//                                     -> tenant sums -> overloads     -> (host claims, statuses)
//
// A tenant is a namespace with routes on a Gateway. Beyond Settings::max_route_entries its newest
// routes are left out, so that no tenant can take a proxy's memory from the others. Older routes
// come first, then the order of names; one that does not fit leaves its place to those after it.
//
// Sums are taken in blocks, so a route that comes costs the reading of its block.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "attach/model.h"
#include "engine/graph.h"
#include "policy/rules.h"

namespace kgw::envoy {

// Of the routes of one namespace on one Gateway, unless a setting says otherwise: some 100 MB of an
// Envoy, or 10,000 routes of five matches under two hosts.
inline constexpr std::uint64_t kMaxRouteEntries = 100'000;

struct RouteLoad {
  struct Table {
    attach::RouteTableId table;
    std::uint64_t entries = 0;

    friend bool operator==(const Table&, const Table&) = default;
  };
  std::int64_t creation_time = 0;
  std::vector<Table> tables;  // sorted, each once

  std::uint64_t entries_of(const attach::RouteTableId& table) const;
  std::uint64_t entries_at(const ObjectKey& gateway) const;
  friend bool operator==(const RouteLoad&, const RouteLoad&) = default;
};
RouteLoad load_of(const policy::BoundRoute& route, const attach::RouteAttachment& attachment);

struct TenantId {
  ObjectKey gateway;
  Name ns;

  friend auto operator<=>(const TenantId&, const TenantId&) = default;
  friend bool operator==(const TenantId&, const TenantId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const TenantId& id) {
    return H::combine(std::move(h), id.gateway, id.ns);
  }
};
std::string to_string(const TenantId& id);

// A share of the routes of a table or of a tenant.
template <typename Whole>
struct BlockOf {
  Whole whole;
  std::uint8_t block = 0;

  friend auto operator<=>(const BlockOf&, const BlockOf&) = default;
  friend bool operator==(const BlockOf&, const BlockOf&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const BlockOf& id) {
    return H::combine(std::move(h), id.whole, id.block);
  }
};
template <typename Whole>
std::string to_string(const BlockOf<Whole>& id) {
  return to_string(id.whole) + "#" + std::to_string(id.block);
}
using TableBlock = BlockOf<attach::RouteTableId>;
using TenantBlock = BlockOf<TenantId>;

// A tenant with more entries than it may have.
struct Overload {
  std::uint64_t entries = 0;
  std::vector<ObjectRef> refused;  // sorted

  friend bool operator==(const Overload&, const Overload&) = default;
};

struct RouteSize {
  std::int64_t creation_time = 0;
  ObjectRef route;
  std::uint64_t entries = 0;
};
// The routes, given in any order, that do not fit into `limit`; sorted.
std::vector<ObjectRef> refuse_newest(std::vector<RouteSize> routes, std::uint64_t limit);

struct RouteLoads {
  // `limit`: entries of a tenant; 0 = any number.
  RouteLoads(engine::Graph& graph, attach::Model& model, policy::Rules& rules, std::uint64_t limit);
  RouteLoads(const RouteLoads&) = delete;
  RouteLoads& operator=(const RouteLoads&) = delete;

  std::uint64_t entries(engine::Read& read, const attach::RouteTableId& table) const;
  // True if the Gateway does not take the route, and the words for it.
  bool refused(engine::Read& read, const ObjectRef& route, const ObjectKey& gateway) const;
  attach::Fault refusal(engine::Read& read, const ObjectRef& route, const ObjectKey& gateway) const;

  const std::uint64_t limit;
  engine::Derived<ObjectRef, RouteLoad>& loads;  // HTTPRoutes and GRPCRoutes

  engine::Index<TableBlock, ObjectRef, RouteLoad>& loads_by_table;
  engine::Derived<TableBlock, std::uint64_t>& table_sums;
  engine::Index<attach::RouteTableId, TableBlock, std::uint64_t>& sums_by_table;

  engine::Index<TenantBlock, ObjectRef, RouteLoad>& loads_by_tenant;
  engine::Derived<TenantBlock, std::uint64_t>& tenant_sums;
  engine::Index<TenantId, TenantBlock, std::uint64_t>& sums_by_tenant;
  engine::Derived<TenantId, Overload>& overloads;

 private:
  const Overload* overload(engine::Read& read, const ObjectRef& route,
                           const ObjectKey& gateway) const;
};

}  // namespace kgw::envoy
