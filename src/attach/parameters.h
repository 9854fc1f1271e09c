// Whether the GatewayParameters that a GatewayClass or Gateway refers to can be used: their kind,
// and that they are there. Source: Gateway API v1, reason InvalidParameters of condition Accepted.
#pragma once

#include "attach/model.h"

namespace kgw::attach {

// Those of a class may stand in any namespace, and must name it.
Fault judge_parameters(const Model& model, const GatewayClass& gateway_class, engine::Read& read);
// Of the Gateway itself, then of its class.
Fault judge_parameters(const Model& model, const Gateway& gateway, engine::Read& read);

}  // namespace kgw::attach
