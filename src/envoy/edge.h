// The limits of a proxy that faces clients it does not know.
//
// Envoy's own defaults suit a mesh of trusted peers: a client may keep a request unfinished for
// ever, or let one connection hold 16 MiB per stream. The values here follow Envoy's guide for edge
// proxies where an honest client cannot notice them. docs/security.md lists each with its reason.
#pragma once

#include <cstdint>

namespace envoy::config::cluster::v3 {
class Cluster;
}
namespace envoy::config::listener::v3 {
class Listener;
}
namespace envoy::config::route::v3 {
class VirtualHost;
}
namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace kgw::envoy {

// What a proxy calls itself in the header Server.
inline constexpr const char* kServerName = "envoy";

// Envoy takes at most this; a UDP payload has up to 65,507 bytes.
inline constexpr std::uint64_t kMaxDatagramBytes = 65535;

// Buffers of one connection; where reading stops until the other side has caught up.
void limit_buffers(::envoy::config::listener::v3::Listener& listener);
void limit_buffers(::envoy::config::cluster::v3::Cluster& cluster);
// A peer that vanished without a word is noticed after about 10 minutes, also on a quiet stream,
// which nothing else ends. TCP only.
void keep_alive(::envoy::config::listener::v3::Listener& listener);
void keep_alive(::envoy::config::cluster::v3::Cluster& cluster);
// What a request may keep for a retry or a mirror: as much as Envoy's default, in spite of the
// limit on its connection.
void allow_request_buffers(::envoy::config::route::v3::VirtualHost& host);

// Time for the headers of a request, idle connections, HTTP/2 streams and windows.
void limit_http(
    ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager&);

// Removes the headers by which Envoy speaks to itself and, unless clients are trusted
// (attach/trust.h), those by which a proxy in front tells of the original request.
void remove_foreign_headers(
    ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager&);

}  // namespace kgw::envoy
