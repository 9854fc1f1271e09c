// Which group a proxy may have: by what it says of itself, checked by whoever knows better.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "api/ref.h"
#include "xds/request.h"

namespace kgw::xds {

// What the connection says of the client.
struct Peer {
  std::string address;                  // "unix:...", "ipv4:..."
  std::string bearer_token;             // of the `authorization` header, without "Bearer "
  std::vector<std::string> identities;  // of the client certificate, if TLS verified one
};

// The Gateway whose resources this proxy gets, or why it gets none (sent to it as
// PERMISSION_DENIED). Thread: called on a gRPC thread, for several streams at once; may block for a
// moment.
using Authoriser = std::function<std::expected<ObjectKey, std::string>(const Peer&, const Node&)>;

// The group that the proxy names: metadata.role "kgateway-kube-gateway-api~NAMESPACE~GATEWAY", else
// node.cluster "GATEWAY.NAMESPACE". Proves nothing.
std::expected<ObjectKey, std::string> group_of(const Node& node);

}  // namespace kgw::xds
