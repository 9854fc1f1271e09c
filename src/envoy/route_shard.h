// Route tables: Envoy's RouteConfigurations, spliced from their virtual hosts.
//
// A table is a set of shards, because Envoy rebuilds a whole RouteConfiguration for each change in
// it. A small table is one shard, which carries the table's name. Of a table that is cut, each
// shard is an ordinary RouteConfiguration with some of the hosts and those that stand in every
// shard (shard_key.h), and a scope takes the requests whose key is the shard's name to it. Scopes
// never change while a layout is in force.
#pragma once

#include <cstdint>
#include <string_view>

#include "attach/route_table.h"
#include "engine/graph.h"
#include "envoy/resource.h"
#include "envoy/shard_key.h"
#include "envoy/virtual_host.h"

namespace kgw::envoy {

// The request header that carries the key between the mutation and the choice of a scope: set by
// Envoy whatever a client sends, and taken away before the request goes on.
inline constexpr std::string_view kShardHeader = "x-kgateway-shard";

// The name of the RouteConfiguration, of its scope, and the key of that.
Name shard_name(const ShardId& shard);

using HostsByShard = engine::Index<ShardId, HostId, VirtualHost>;

Resource splice_shard(const ShardId& shard, const HostsByShard& hosts, engine::Read& read);
// REQUIRES: shard.layout.sharded
Resource scope_of(const ShardId& shard);

}  // namespace kgw::envoy
