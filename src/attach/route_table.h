// Where the hosts of a listener live. A route table is what Envoy calls a RouteConfiguration: one
// per plain HTTP port ("listener~80", shared by the HTTP listeners of that port), one per HTTPS
// listener (its own name). A table is modelled as a set of shards from the start; today every table
// has one.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "api/ref.h"

namespace kgw::attach {

struct RouteTableId {
  ObjectKey gateway;
  Name name;

  friend auto operator<=>(const RouteTableId&, const RouteTableId&) = default;
  friend bool operator==(const RouteTableId&, const RouteTableId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const RouteTableId& id) {
    return H::combine(std::move(h), id.gateway, id.name);
  }
};

// One virtual host: a table and a domain ("a.example.com", "*.example.com", "*").
struct HostId {
  RouteTableId table;
  Name domain;

  friend auto operator<=>(const HostId&, const HostId&) = default;
  friend bool operator==(const HostId&, const HostId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const HostId& id) {
    return H::combine(std::move(h), id.table, id.domain);
  }
};

struct ShardId {
  RouteTableId table;
  std::uint32_t shard = 0;

  friend auto operator<=>(const ShardId&, const ShardId&) = default;
  friend bool operator==(const ShardId&, const ShardId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ShardId& id) {
    return H::combine(std::move(h), id.table, id.shard);
  }
};

inline std::string to_string(const RouteTableId& id) {
  return kgw::to_string(id.gateway) + "|" + id.name.str();
}
inline std::string to_string(const HostId& id) {
  return to_string(id.table) + "|" + id.domain.str();
}
inline std::string to_string(const ShardId& id) {
  return to_string(id.table) + "#" + std::to_string(id.shard);
}

}  // namespace kgw::attach
