// Where a rule sends traffic: a backendRef resolved to a cluster identity, or the reason why not.
//
// A cluster's identity is what it connects to and how, never who uses it or in which position
// (contract "names never carry positions"), so it is shared by all routes that use it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "api/ref.h"
#include "api/refs.h"
#include "attach/listeners.h"

namespace kgw::attach {

// What is spoken to the backend. kAuto: HTTP/1.1 (or what ALPN says when TLS is in force).
enum class BackendProtocol : std::uint8_t { kAuto, kHttp2, kWebSocket, kTcp, kUdp };

struct ClusterId {
  ObjectRef backend;  // Service or Backend
  std::int32_t port = 0;
  BackendProtocol protocol = BackendProtocol::kAuto;  // kWebSocket is folded into kAuto here

  friend auto operator<=>(const ClusterId&, const ClusterId&) = default;
  friend bool operator==(const ClusterId&, const ClusterId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ClusterId& id) {
    return H::combine(std::move(h), id.backend, id.port, id.protocol);
  }
};

// The Envoy cluster name: "kube_<ns>_<service>_<port>" or "backend_<ns>_<name>_<port>", with a
// suffix for what differs from the default ("_h2", "_udp"). What the Gateway adds (its own client
// certificate, the governing BackendTLSPolicy) changes the cluster's content, not its name.
Name cluster_name(const ClusterId& id);
std::string to_string(const ClusterId& id);

struct ResolvedBackend {
  ClusterId cluster;       // meaningful only without a fault
  bool websocket = false;  // appProtocol kubernetes.io/ws
  Fault unresolved;        // ResolvedRefs: InvalidKind, RefNotPermitted, BackendNotFound,
                           // UnsupportedProtocol

  friend bool operator==(const ResolvedBackend&, const ResolvedBackend&) = default;
};

}  // namespace kgw::attach
