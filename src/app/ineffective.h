// What is written and has no effect, for `check`: the statuses mention it beside a condition that
// is True, or have no place for it.
#pragma once

#include "api/diagnostic.h"
#include "app/translation.h"

namespace kgw::app {

// TLS options of listeners, and certificates that clients will refuse.
Diagnostics ineffective_in_listeners(const Translation& translation);
// Addresses in EndpointSlices that are local to the proxy and left out.
Diagnostics refused_endpoints(const Translation& translation);

}  // namespace kgw::app
