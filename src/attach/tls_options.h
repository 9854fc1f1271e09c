// listeners[].tls.options with keys kgateway.dev/..., validated against what Envoy accepts.
#pragma once

#include "api/meta.h"
#include "attach/listeners.h"

namespace kgw::attach {

// How a listener verifies the certificates of its clients apart from its options (GEP-91).
enum class ClientCheck { kNone, kInsecureFallback, kByAuthority };

struct ParsedTlsOptions {
  TlsOptions options;  // with defaults for what is not given (ALPN of HTTPS: h2, http/1.1)
  // Names the key and the value: a listener with a misspelt cipher must not be served with weaker
  // settings than its owner asked for.
  Fault fault;
  Fault warning;  // an option without effect
};
ParsedTlsOptions parse_tls_options(const StringMap& options, bool https, ClientCheck clients);

// Of a listener that passes TLS through: no option has an effect. Empty for others.
Fault ineffective_tls_options(const BoundListener& listener);

}  // namespace kgw::attach
