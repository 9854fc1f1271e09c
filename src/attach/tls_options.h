// listeners[].tls.options with keys kgateway.dev/..., validated against what Envoy accepts.
#pragma once

#include "api/meta.h"
#include "attach/listeners.h"

namespace kgw::attach {

// Fills `result`, with defaults for what is not given (ALPN of HTTPS: h2, http/1.1). The fault
// names the key and the value: a listener with a misspelt cipher must not be served with weaker
// settings than its owner asked for. Keys of other vendors are ignored.
Fault parse_tls_options(const StringMap& options, bool https, bool validates_clients,
                        TlsOptions& result);

}  // namespace kgw::attach
