// How a Gateway's listeners become BoundListeners: each judged alone (bind_listener), then against
// the others (judge_conflicts). Pure functions.
#pragma once

#include <memory>
#include <span>

#include "attach/listeners.h"

namespace kgw::attach {

// REQUIRES: `spec` is part of *owner.
// `own_ports`: TCP ports that a proxy uses itself.
BoundListener bind_listener(const ObjectKey& gateway, std::shared_ptr<const Object> owner,
                            const Listener& spec, std::span<const std::int32_t> own_ports = {});

// Accepted=False of the Gateway as such: the types of its addresses.
Fault judge_gateway(const Gateway& gateway);

// Sets `conflicted` and `overlapping`. `listeners` are in precedence order, and of two that cannot
// share a port the later one loses. A listener that is not usable by itself takes no part.
//   port number: TCP and UDP are different ports
//   HTTP         with HTTP by hostname
//   HTTPS, TLS   with HTTPS and TLS by hostname (SNI)
//   TCP, UDP     alone
// Source: Gateway API v1 GatewaySpec.listeners ("Distinct Listeners"), ListenerSet precedence.
void judge_conflicts(std::span<BoundListener> listeners);

}  // namespace kgw::attach
