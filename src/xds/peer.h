// What gRPC says of the client of a call.
#pragma once

#include "xds/authorise.h"

namespace grpc {
class GenericCallbackServerContext;
}

namespace kgw::xds {

Peer peer_of(const grpc::GenericCallbackServerContext& context);

}  // namespace kgw::xds
