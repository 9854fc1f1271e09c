// Addresses that mean the proxy's own host or pod: a backend there would be the proxy's own ports,
// its sidecars, or the cloud's metadata service, reached with the proxy's place in the network.
//
//   loopback     127.0.0.0/8, ::1, localhost, *.localhost and its names in /etc/hosts
//   unspecified  0.0.0.0/8, ::        (Linux connects them to loopback)
//   link-local   169.254.0.0/16, fe80::/10
// and IPv6 addresses that stand for such an IPv4 address.
//
// A name that resolves to one of them when Envoy asks is not found here: docs/security.md says what
// listens there.
#pragma once

#include <string_view>

#include "api/backend.h"
#include "attach/listeners.h"

namespace kgw::attach {

// `host`: an IP address, or a DNS name in any case.
bool is_local(std::string_view host);

// Empty when none of the hosts is local.
Fault local_host(const StaticBackend& backend);
Fault local_host(std::string_view external_name);

}  // namespace kgw::attach
