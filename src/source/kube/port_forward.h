// One connection to a port of a pod, carried by the API server ("port-forward"). It reaches what
// listens on the pod's loopback only, which the `proxy` subresource does not.
//
// Over WebSocket with the subprotocol v4.channel.k8s.io: the first byte of a message is its channel
// (0 data, 1 what went wrong), and the first message of each channel repeats the port.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "api/ref.h"
#include "source/kube/config.h"
#include "source/kube/connection.h"

namespace kgw::kube {

struct PodPort {
  ObjectKey pod;
  std::uint16_t port = 0;
};

// Sends `text` and hands on what comes back, until `on_data` returns false or the pod has closed.
// Blocks; nothing may keep silent for longer than `timeout`. Error: what the API server or the node
// said (Forbidden, NotFound, PortForwardFailed, ...), Unreachable, Timeout.
Result<void> talk_to_pod(const Config& config, const PodPort& to, const std::string& text,
                         const BodySink& on_data,
                         std::chrono::milliseconds timeout = std::chrono::seconds(15));

}  // namespace kgw::kube
