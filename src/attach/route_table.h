// Where the hosts of a listener live. A route table is what Envoy calls a RouteConfiguration: one
// per plain HTTP port ("listener~80", shared by the HTTP listeners of that port), one per HTTPS
// listener (its own name). A table is cut into shards: one, or as many as its layout says
// (envoy/table_layout.h).
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

// How the hosts of a table are spread over shards.
struct Layout {
  bool sharded = false;    // false: everything is in shard 0
  std::uint8_t label = 0;  // by which label of a host, counted from its end; 0: by the whole host

  friend auto operator<=>(const Layout&, const Layout&) = default;
  friend bool operator==(const Layout&, const Layout&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Layout& layout) {
    return H::combine(std::move(h), layout.sharded, layout.label);
  }
};

struct ShardId {
  RouteTableId table;
  Layout layout;
  std::uint32_t shard = 0;

  friend auto operator<=>(const ShardId&, const ShardId&) = default;
  friend bool operator==(const ShardId&, const ShardId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ShardId& id) {
    return H::combine(std::move(h), id.table, id.layout, id.shard);
  }
};

inline std::string to_string(const RouteTableId& id) {
  return kgw::to_string(id.gateway) + "|" + id.name.str();
}
inline std::string to_string(const HostId& id) {
  return to_string(id.table) + "|" + id.domain.str();
}
// "", "#" or "#3.": what stands between the name of a table and the number of a shard.
inline std::string to_string(const Layout& layout) {
  if (!layout.sharded) return "";
  return layout.label == 0 ? "#" : "#" + std::to_string(layout.label) + ".";
}
inline std::string to_string(const ShardId& id) {
  return to_string(id.table) + to_string(id.layout) +
         (id.layout.sharded ? std::to_string(id.shard) : "");
}

}  // namespace kgw::attach
