// What Services that routes send to, and their EndpointSlices, say in vain. These objects have no
// status of ours, and a cluster is full of Services that are nobody's business here: only those in
// use are looked at.
#pragma once

#include "api/diagnostic.h"
#include "app/translation.h"

namespace kgw::app {

void report_backends(const Translation& translation, Diagnostics& out);
// Addresses of EndpointSlices, in use or not, that are local to the proxy and left out.
void report_endpoints(const Translation& translation, Diagnostics& out);

}  // namespace kgw::app
