// Which layout each route table has: one RouteConfiguration, or many, and how they are cut.
//
// A shard key costs each request some microseconds, a large RouteConfiguration costs each change
// some milliseconds, so only large tables are cut (ShardingLimits; measured by
// tools/bench_shards.py). The choice is a function of how many hosts of which kind a table has, of
// what the user wants, and of what is in force: near the limits a table stays what it is.
//
// A listener serves one layout. To change it, the next layout is published beside it; once proxies
// hold it, the listener changes (its filter chain drains, as it must); and the old layout stays,
// up to date, for as long as a draining connection of any proxy uses it. How far that is, is an
// input (`layout history`), set by app/layout_changes.h.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/route_load.h"
#include "envoy/shard_key.h"
#include "envoy/virtual_host.h"

namespace kgw::envoy {

using attach::RouteTableId;

// Annotation kgateway.dev/route-sharding of a Gateway, else spec.kube.routeSharding of its
// GatewayParameters, else of those of its class.
enum class ShardingMode : std::uint8_t { kAuto, kAlways, kNever };
inline constexpr std::string_view kShardingAnnotation = "kgateway.dev/route-sharding";
// "Auto", "Always", "Never".
std::optional<ShardingMode> sharding_mode(std::string_view text);

// In hosts of a table, and in entries (route_load.h): either makes it large.
struct ShardingLimits {
  std::size_t cut = 256;      // cut from here on
  std::size_t join = 128;     // joined again below this
  std::size_t repeated = 16;  // that many wildcards may always stand in every shard
  std::uint64_t cut_entries = 2048;
  std::uint64_t join_entries = 1024;
  std::size_t spread = 8;  // fewer hosts are not cut for their entries: a host is never cut
};

struct HostCounts {
  std::size_t exact = 0;
  // By fixed labels; the last place also counts those of more.
  std::array<std::size_t, kMaxLabel + 1> wildcards = {};
  std::uint64_t entries = 0;  // of all of them

  std::size_t total() const;
};

// `serving`: the layout in force, null for a new table.
Layout choose_layout(ShardingMode mode, const ShardingLimits& limits, const HostCounts& counts,
                     const Layout* serving);

// What has happened to a table since this process serves it.
struct LayoutHistory {
  Layout serving;
  std::optional<Layout> ready;   // proxies hold this one too
  std::vector<Layout> retiring;  // served before, and some proxy may still use it

  friend bool operator==(const LayoutHistory&, const LayoutHistory&) = default;
};

struct TableLayout {
  Layout serving;
  std::optional<Layout> next;     // published and not yet served
  std::vector<Layout> published;  // all of them, sorted

  friend bool operator==(const TableLayout&, const TableLayout&) = default;
};
TableLayout layout_of(const Layout& wanted, const LayoutHistory* history);
// What is in force, as history of the next commit.
LayoutHistory history_of(const TableLayout& layout);

// That a host is in a table.
struct HostFacts {
  bool misdirected = false;

  friend bool operator==(const HostFacts&, const HostFacts&) = default;
};

// Hosts of a table that are alike: exact ones, or wildcards of as many fixed labels.
struct HostClass {
  RouteTableId table;
  std::uint8_t fixed_labels = 0;  // kExact: no wildcard
  static constexpr std::uint8_t kExact = 255;

  friend auto operator<=>(const HostClass&, const HostClass&) = default;
  friend bool operator==(const HostClass&, const HostClass&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const HostClass& id) {
    return H::combine(std::move(h), id.table, id.fixed_labels);
  }
};
std::string to_string(const HostClass& id);

struct Layouts {
  using Claims = engine::Index<HostId, ObjectRef, HostClaims>;

  Layouts(engine::Graph& graph, attach::Model& model, Claims& claims_by_host,
          const RouteLoads& loads, ShardingLimits limits);
  Layouts(const Layouts&) = delete;
  Layouts& operator=(const Layouts&) = delete;

  engine::Input<RouteTableId, LayoutHistory>& history;

  engine::Derived<HostId, HostFacts>& hosts;
  engine::Index<RouteTableId, HostId, HostFacts>& hosts_by_table;
  engine::Index<HostClass, HostId, HostFacts>& hosts_by_class;
  engine::Derived<ObjectKey, ShardingMode>& modes;  // by Gateway
  engine::Derived<RouteTableId, TableLayout>& table;
  engine::Index<ShardId, RouteTableId, TableLayout>& shards;
};

}  // namespace kgw::envoy
