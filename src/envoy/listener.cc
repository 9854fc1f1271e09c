#include "envoy/listener.h"

#include <absl/container/flat_hash_set.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <xxhash.h>

#include <algorithm>

#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/edge.h"
#include "envoy/encode.h"
#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"

namespace kgw::envoy {
namespace {
namespace proto = ::envoy::config::listener::v3;
using attach::Protocol;

std::string_view protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
      return "HTTP";
    case Protocol::kHttps:
      return "HTTPS";
    case Protocol::kTls:
      return "TLS";
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
  }
  return "";
}

void set_address(const std::string& text, const PortId& port,
                 ::envoy::config::core::v3::Address& address) {
  auto& socket = *address.mutable_socket_address();
  socket.set_address(text);
  socket.set_port_value(port.port);
  if (text == "::") socket.set_ipv4_compat(true);
  if (port.udp) socket.set_protocol(::envoy::config::core::v3::SocketAddress::UDP);
}

// All but the chains.
proto::Listener frame(const PortId& port, std::span<const std::string> addresses,
                      Protocol protocol) {
  proto::Listener listener;
  listener.set_name(listener_name(port).str());
  set_address(addresses.front(), port, *listener.mutable_address());
  for (const std::string& more : addresses.subspan(1)) {
    set_address(more, port, *listener.add_additional_addresses()->mutable_address());
  }
  if (protocol == Protocol::kHttps || protocol == Protocol::kTls) {
    auto& inspector = *listener.add_listener_filters();
    inspector.set_name("envoy.filters.listener.tls_inspector");
    pack(::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector(),
         *inspector.mutable_typed_config());
  }
  if (port.udp) {
    auto& socket = *listener.mutable_udp_listener_config()->mutable_downstream_socket_config();
    socket.mutable_max_rx_datagram_size()->set_value(kMaxDatagramBytes);
  } else {
    limit_buffers(listener);
    keep_alive(listener);
  }
  return listener;
}

void append_field(int field, std::string_view body, std::string& out) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream output(&stream);
  output.WriteTag(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  output.WriteVarint32(body.size());
  output.WriteRaw(body.data(), static_cast<int>(body.size()));
}

}  // namespace

std::string to_string(const PortId& id) {
  return kgw::to_string(id.gateway) + ":" + std::to_string(id.port) + (id.udp ? "/udp" : "");
}

Name listener_name(const PortId& id) {
  return Name((id.udp ? "listener~udp~" : "listener~") + std::to_string(id.port));
}

bool ListenerShape::terminates_tls() const {
  return protocol == Protocol::kHttps ||
         (protocol == Protocol::kTls && tls_mode == TlsMode::kTerminate);
}

std::string to_string(const ListenerShape& shape) {
  return to_string(shape.port) + " " + std::string(protocol_name(shape.protocol)) + " " +
         chain_name(shape);
}

std::optional<ListenerShape> shape_of(const attach::BoundListener& listener) {
  if (!listener.usable()) return std::nullopt;
  ListenerShape shape;
  shape.protocol = *listener.protocol;
  shape.port = {listener.id.gateway, listener.port, shape.protocol == Protocol::kUdp};
  shape.id = listener.id;
  if (shape.protocol == Protocol::kTls) shape.tls_mode = listener.tls_mode;
  shape.route_table = attach::route_table_of(listener).name;
  if (shape.protocol == Protocol::kHttps || shape.protocol == Protocol::kTls) {
    shape.hostname = listener.hostname;
  }
  return shape;
}

ListenerShape chain_shape(ListenerShape shape) {
  if (shape.protocol == Protocol::kHttp) shape.id = {.gateway = shape.port.gateway};
  return shape;
}

std::string chain_name(const ListenerShape& shape) {
  const attach::ListenerId& id = shape.id;
  if (id.name.empty()) return "http";
  if (id.owner.kind == Kind::kGateway) return id.name.str();
  return kgw::to_string(id.owner.key) + "/" + id.name.str();
}

FilterChain make_chain(std::string name, Name server_name, std::string body, bool closes) {
  const Version hash{XXH3_64bits(body.data(), body.size())};
  return {std::move(name), std::move(server_name),
          std::make_shared<const std::string>(std::move(body)), closes, to_string(hash)};
}

std::optional<Resource> assemble_listener(const PortId& port,
                                          std::span<const std::string> addresses,
                                          attach::Protocol protocol,
                                          std::span<const FilterChain* const> chains) {
  const auto closes = [](const FilterChain* chain) { return chain->closes; };
  if (std::ranges::all_of(chains, closes)) return std::nullopt;
  const int field = port.udp ? proto::Listener::kListenerFiltersFieldNumber
                             : proto::Listener::kFilterChainsFieldNumber;
  std::string body = encode(frame(port, addresses, protocol));
  absl::flat_hash_set<Name> taken;
  for (const FilterChain* chain : chains) {
    if (taken.insert(chain->server_name).second) append_field(field, *chain->body, body);
  }
  return make_resource(listener_name(port), std::move(body));
}

}  // namespace kgw::envoy
