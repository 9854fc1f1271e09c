#include "envoy/edge.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "attach/trust.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/encode.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.pb.h"

namespace kgw::envoy {
namespace {
namespace hcm = ::envoy::extensions::filters::network::http_connection_manager::v3;
namespace mutation = ::envoy::extensions::http::early_header_mutation::header_mutation::v3;

constexpr std::uint32_t kConnectionBufferBytes = 32 * 1024;
constexpr std::uint64_t kRequestBufferBytes = 1024 * 1024;

constexpr int kRequestHeadersSeconds = 30;
// Longer than load balancers in front keep a connection that they may still use (AWS: 350 s,
// Google: 600 s), or a request could meet one that has just been closed.
constexpr int kIdleConnectionSeconds = 3600;

constexpr std::uint32_t kStreams = 100;
// An upload gets one window per round trip; all streams of a connection share its window, which is
// thus what a client can make the proxy hold.
constexpr std::uint32_t kStreamWindowBytes = 256 * 1024;
constexpr std::uint32_t kConnectionWindowBytes = 1024 * 1024;

constexpr int kKeepaliveSeconds = 300, kProbeSeconds = 60, kProbes = 5;

constexpr const char* kForwardedHeaders[] = {"forwarded", "x-forwarded-host", "x-forwarded-port"};

}  // namespace

void limit_buffers(::envoy::config::listener::v3::Listener& listener) {
  listener.mutable_per_connection_buffer_limit_bytes()->set_value(kConnectionBufferBytes);
}

void limit_buffers(::envoy::config::cluster::v3::Cluster& cluster) {
  cluster.mutable_per_connection_buffer_limit_bytes()->set_value(kConnectionBufferBytes);
}

void keep_alive(::envoy::config::listener::v3::Listener& listener) {
  const auto set = [&](const char* description, int level, int name, int value) {
    auto& option = *listener.add_socket_options();
    option.set_description(description);
    option.set_level(level);
    option.set_name(name);
    option.set_int_value(value);
  };
  set("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1);
  set("TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveSeconds);
  set("TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, kProbeSeconds);
  set("TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

void keep_alive(::envoy::config::cluster::v3::Cluster& cluster) {
  auto& keepalive = *cluster.mutable_upstream_connection_options()->mutable_tcp_keepalive();
  keepalive.mutable_keepalive_time()->set_value(kKeepaliveSeconds);
  keepalive.mutable_keepalive_interval()->set_value(kProbeSeconds);
  keepalive.mutable_keepalive_probes()->set_value(kProbes);
}

void allow_request_buffers(::envoy::config::route::v3::VirtualHost& host) {
  host.mutable_request_body_buffer_limit()->set_value(kRequestBufferBytes);
}

void limit_http(hcm::HttpConnectionManager& manager) {
  manager.mutable_request_headers_timeout()->set_seconds(kRequestHeadersSeconds);
  manager.mutable_common_http_protocol_options()->mutable_idle_timeout()->set_seconds(
      kIdleConnectionSeconds);
  auto& http2 = *manager.mutable_http2_protocol_options();
  http2.mutable_max_concurrent_streams()->set_value(kStreams);
  http2.mutable_initial_stream_window_size()->set_value(kStreamWindowBytes);
  http2.mutable_initial_connection_window_size()->set_value(kConnectionWindowBytes);
  // A malformed request ends its stream, not the whole connection: proxies in front send requests
  // of many clients over one. So does a WebSocket over HTTP/2 (RFC 8441), which is not offered:
  // Envoy would send it to a backend of HTTP/1.1 without the Sec-WebSocket-Key that this demands,
  // while browsers that are not offered it use HTTP/1.1.
  http2.mutable_override_stream_error_on_invalid_http_message()->set_value(true);
}

void remove_foreign_headers(hcm::HttpConnectionManager& manager) {
  mutation::HeaderMutation removal;
  removal.add_mutations()->mutable_remove_on_match()->mutable_key_matcher()->set_prefix("x-envoy-");
  if (!attach::trust().forwarded_headers) {
    for (const char* header : kForwardedHeaders) removal.add_mutations()->set_remove(header);
  }
  auto& extension = *manager.add_early_header_mutation_extensions();
  extension.set_name("envoy.http.early_header_mutation.header_mutation");
  pack(removal, *extension.mutable_typed_config());
}

}  // namespace kgw::envoy
