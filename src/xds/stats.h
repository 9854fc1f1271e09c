// Counters of the ADS server since its start, for /metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "xds/latency.h"
#include "xds/snapshot.h"

namespace kgw::xds {

struct TypeStats {
  std::uint64_t responses = 0;
  std::uint64_t resources = 0;  // in those responses, removals not counted
  std::uint64_t removals = 0;
  std::uint64_t bytes = 0;  // of the response messages
  std::uint64_t acks = 0;
  std::uint64_t nacks = 0;
  Latency until_answered;  // from handing a response to the transport to its ACK or NACK

  std::uint64_t answers() const { return acks + nacks; }
};

struct Stats {
  std::array<TypeStats, kTypeCount> types;  // by ResourceType
  std::size_t streams = 0;                  // open now
  std::uint64_t streams_opened = 0;
  std::uint64_t streams_refused = 0;  // not authorised, malformed, too many
  std::uint64_t gates_released = 0;   // orderings given up because a proxy did not answer

  TypeStats& of(ResourceType type) { return types[index_of(type)]; }
  const TypeStats& of(ResourceType type) const { return types[index_of(type)]; }
};

}  // namespace kgw::xds
