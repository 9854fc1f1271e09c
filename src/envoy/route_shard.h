// Route tables: Envoy's RouteConfigurations, spliced from their virtual hosts.
//
// A table is a set of shards, because Envoy rebuilds a whole RouteConfiguration for each change in
// it. Today every table has one shard, which carries the table's name.
#pragma once

#include <cstdint>

#include "attach/route_table.h"
#include "engine/graph.h"
#include "envoy/resource.h"
#include "envoy/virtual_host.h"

namespace kgw::envoy {

using attach::ShardId;

inline constexpr std::uint32_t kShards = 1;

ShardId shard_of(const HostId& host);
// The name of the RouteConfiguration.
Name shard_name(const ShardId& shard);

using HostsByShard = engine::Index<ShardId, HostId, VirtualHost>;

Resource splice_shard(const ShardId& shard, const HostsByShard& hosts, engine::Read& read);

}  // namespace kgw::envoy
