// Statuses of GatewayClass, Gateway and ListenerSet.
#pragma once

#include "attach/model.h"
#include "engine/graph.h"
#include "status/delivery.h"
#include "status/types.h"

namespace kgw::status {

// The features that this build supports, by their names in Gateway API (features.cc says which have
// a test).
const std::vector<std::string>& supported_features();

GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class);

GatewayStatus gateway_status(const attach::Model& model, const Delivery& delivery,
                             const attach::GatewayListeners& listeners, engine::Read& read);

// Absent when the set names no Gateway of ours.
std::optional<ListenerSetStatus> listener_set_status(const attach::Model& model,
                                                     const Delivery& delivery,
                                                     const ListenerSet& set, engine::Read& read);

}  // namespace kgw::status
