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

// The Gateway whose resources a proxy gets, or why it gets none (sent to it as PERMISSION_DENIED).
using Verdict = std::expected<ObjectKey, std::string>;

// Decides by calling `answer` exactly once: before it returns, or later and on any thread (a
// TokenReview takes a round trip to the API server). Until then the stream is read no further and
// counts among ServerOptions::max_streams; it may end meanwhile, then the answer is void.
// Thread: called on a gRPC thread, for several streams at once; must not block.
using Authoriser = std::function<void(Peer, Node, std::function<void(Verdict)> answer)>;

// Whether a client may say anything at all: asked once per stream, before the first byte of it is
// read. Otherwise like Authoriser.
using Admission =
    std::function<void(const Peer&, std::function<void(std::expected<void, std::string>)> answer)>;

// The group that the proxy names: metadata.role "kgateway-kube-gateway-api~NAMESPACE~GATEWAY", else
// node.cluster "GATEWAY.NAMESPACE". Proves nothing.
Verdict group_of(const Node& node);

}  // namespace kgw::xds
