#include "envoy/route_shard.h"

#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/edge.h"
#include "envoy/encode.h"
#include "envoy/splice.h"
#include "policy/header_edit.h"

namespace kgw::envoy {
namespace {

namespace proto = ::envoy::config::route::v3;
constexpr int kHostsField = proto::RouteConfiguration::kVirtualHostsFieldNumber;

template <typename F>
void for_each_host(const ShardId& shard, const HostsByShard& hosts, engine::Read& read, F&& f) {
  read.each(hosts, shard, [&](const HostId&, const VirtualHost& host) { f(host); });
  if (!shard.layout.sharded) return;
  const ShardId common{shard.table, shard.layout, kEveryShard};
  read.each(hosts, common, [&](const HostId&, const VirtualHost& host) { f(host); });
}

// What Envoy would do by itself, but before a route's edits instead of after them.
void set_server_header(proto::RouteConfiguration& table) {
  table.set_most_specific_header_mutations_wins(true);
  policy::overwrite_header("server", kServerName, *table.add_response_headers_to_add());
}

}  // namespace

Name shard_name(const ShardId& shard) {
  if (!shard.layout.sharded) return shard.table.name;
  return Name(shard.table.name.str() + to_string(shard.layout) + std::to_string(shard.shard));
}

Resource splice_shard(const ShardId& shard, const HostsByShard& hosts, engine::Read& read) {
  const Name name = shard_name(shard);
  proto::RouteConfiguration frame;
  frame.set_name(name.str());
  frame.set_ignore_port_in_host_matching(true);
  set_server_header(frame);
  if (shard.layout.sharded) frame.add_request_headers_to_remove(std::string(kShardHeader));
  std::string bytes = frame.SerializeAsString();
  std::size_t size = bytes.size();
  for_each_host(shard, hosts, read, [&](const VirtualHost& host) {
    size += field_size(kHostsField, host.bytes.size());
  });
  bytes.reserve(size);
  for_each_host(shard, hosts, read,
                [&](const VirtualHost& host) { append_field(kHostsField, host.bytes, bytes); });
  return make_resource(name, std::move(bytes));
}

Resource scope_of(const ShardId& shard) {
  const Name name = shard_name(shard);
  proto::ScopedRouteConfiguration scope;
  scope.set_name(name.str());
  scope.set_route_configuration_name(name.str());
  scope.mutable_key()->add_fragments()->set_string_key(name.str());
  return make_resource(name, encode(scope));
}

}  // namespace kgw::envoy
