// X.509 in PEM, checked as Envoy (BoringSSL) would check it, so that nothing that Envoy would
// refuse is ever sent to it. Pure functions but for the clock, which only words a warning.
#pragma once

#include <string_view>

#include "attach/model.h"

namespace kgw::attach {

// A TLS Secret (keys tls.crt and tls.key, whatever its type).
Certificate parse_certificate(const Secret& secret);

// A bundle of certificate authorities: one PEM certificate or more.
CaBundle parse_ca_bundle(std::string_view pem);

}  // namespace kgw::attach
