// Which shard a host lives in: the same hash here and in Envoy.
//
// Envoy computes it before it chooses a route, by stock means: a CEL expression in an early header
// mutation (listener_http.h). CEL has no hash function, but it can match regular expressions, and
// "the number of characters of this class is even" is one. So each character has a vector of six
// bits, a host's shard is the XOR of its characters' vectors, and bit b of it is one regular
// expression. Every Host header whatsoever lands in one of the shards; case does not matter, and
// the dot has no bit, so that a trailing one does not either. The port is taken off exactly as
// Envoy does it where it looks for the virtual host, or a client could choose another shard than
// that of the wildcard that covers its host: everything from the last colon on, be it a number or
// not, unless a bracket is closed after it.
//
// What is hashed follows from the layout of the table:
//   whole host   exact names spread best; a wildcard stands in every shard, as any host may match
//   it label n      only the n-th label from the end: "*.shop.example.com" and all that it covers
//   have
//                the third label "shop", so it stands in one shard. Wildcards of fewer labels stand
//                in every shard.
// docs/design/route-shards.md compares this with other ways.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attach/route_table.h"

namespace kgw::envoy {

using attach::Layout;
using attach::ShardId;

inline constexpr std::uint32_t kShardBits = 6;
inline constexpr std::uint32_t kShards = 1U << kShardBits;
// Of a host that stands in each of them.
inline constexpr std::uint32_t kEveryShard = 0xffff;
// The last label that can be hashed: more, and Envoy refuses the expression as too large.
inline constexpr std::uint8_t kMaxLabel = 6;

// `domain`: "a.example.com", "*.example.com", "*".
std::uint32_t shard_of(const Layout& layout, std::string_view domain);
// The shard to which Envoy takes a request with this Host header. REQUIRES: layout.sharded.
std::uint32_t shard_of_request(const Layout& layout, std::string_view host);

// What Envoy takes for the host's name: "a.com" of "a.com:80" and "a.com:", "x:1.a.com" of
// "x:1.a.com:80", and all of "[::1]".
std::string_view without_port(std::string_view host);
// RE2: a host that has a port, and the port.
inline constexpr std::string_view kPortPattern = ":[^]:]*$";

// One RE2 pattern per bit, lowest first: it matches the hosts, all with a port or all without, that
// do not have the bit.
std::vector<std::string> shard_patterns(const Layout& layout, bool has_port);
// The CEL expression for the number of the shard. It cannot fail on any Host header.
std::string shard_expression(const Layout& layout);

// How many labels of a wildcard are fixed: 2 of "*.example.com", 0 of "*".
std::size_t fixed_labels(std::string_view wildcard);

}  // namespace kgw::envoy
