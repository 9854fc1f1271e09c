// What is accepted of an object and has no effect, for its status and for `check`: labels,
// annotations, options, and parents that do not exist. Pure functions.
#pragma once

#include <functional>
#include <string>

#include "api/backend.h"
#include "api/diagnostic.h"
#include "api/gateway.h"
#include "api/route.h"
#include "attach/attachment.h"

namespace kgw::status {

Diagnostics gateway_warnings(const Gateway& gateway);
Diagnostics policy_warnings(const BackendTlsPolicy& policy);

using Exists = std::function<bool(const ObjectRef&)>;
// Of the parents without a binding in `attachment` (null: none has one), those that are nobody's:
// what they name does not `exist`. A Gateway of another controller is its affair.
Diagnostics parent_warnings(const RouteObject& route, const attach::RouteAttachment* attachment,
                            const Exists& exists);

// " But spec.x: ...; spec.y: ...", to be put behind a message; empty without warnings.
std::string but(const Diagnostics& warnings);

}  // namespace kgw::status
