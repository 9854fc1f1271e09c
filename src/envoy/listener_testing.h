// For tests: listeners of one Gateway.
#pragma once

#include <string>

#include "envoy/listener.h"

namespace kgw::envoy {

inline const ObjectKey kGateway{"infra", "gw"};

inline attach::BoundListener bound(const std::string& name, std::int32_t port,
                                   attach::Protocol protocol, const Name& hostname = {}) {
  attach::BoundListener listener;
  listener.id = {kGateway, {Kind::kGateway, kGateway}, name};
  listener.port = port;
  listener.protocol = protocol;
  listener.hostname = hostname;
  return listener;
}

inline ListenerShape shape(const std::string& name, std::int32_t port, attach::Protocol protocol,
                           const Name& hostname = {}) {
  return *shape_of(bound(name, port, protocol, hostname));
}

inline attach::ListenerTlsState tls_state() {
  attach::ListenerTlsState state;
  state.certificates = {{"infra", "cert"}};
  return state;
}

}  // namespace kgw::envoy
