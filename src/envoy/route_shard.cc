#include "envoy/route_shard.h"

#include "envoy/config/route/v3/route.pb.h"
#include "envoy/splice.h"

namespace kgw::envoy {
namespace {

namespace proto = ::envoy::config::route::v3;
constexpr int kHostsField = proto::RouteConfiguration::kVirtualHostsFieldNumber;

}  // namespace

ShardId shard_of(const HostId& host) { return {host.table, 0}; }

Name shard_name(const ShardId& shard) {
  if (kShards == 1) return shard.table.name;
  return shard.table.name.str() + "#" + std::to_string(shard.shard);
}

Resource splice_shard(const ShardId& shard, const HostsByShard& hosts, engine::Read& read) {
  const Name name = shard_name(shard);
  proto::RouteConfiguration frame;
  frame.set_name(name.str());
  frame.set_ignore_port_in_host_matching(true);
  std::string bytes = frame.SerializeAsString();
  std::size_t size = bytes.size();
  read.each(hosts, shard, [&](const HostId&, const VirtualHost& host) {
    size += field_size(kHostsField, host.bytes.size());
  });
  bytes.reserve(size);
  read.each(hosts, shard, [&](const HostId&, const VirtualHost& host) {
    append_field(kHostsField, host.bytes, bytes);
  });
  return make_resource(name, std::move(bytes));
}

}  // namespace kgw::envoy
