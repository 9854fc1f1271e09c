// A route's spec -> its bound rules, as pure functions: the references come through a Resolver.
#pragma once

#include "api/route.h"
#include "policy/rule.h"
#include "policy/rule_context.h"

namespace kgw::policy {

// `weighted`: annotation kgateway.dev/route-weight counts.
BoundRoute bind_route(const HttpRoute& route, const Resolver& resolve, bool weighted = false);
BoundRoute bind_route(const GrpcRoute& route, const Resolver& resolve);
BoundStreamRoute bind_route(const StreamRoute& route, const Resolver& resolve);

}  // namespace kgw::policy
