// Statuses of GatewayClass, Gateway and ListenerSet.
#pragma once

#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/resources.h"
#include "status/delivery.h"
#include "status/types.h"

namespace kgw::status {

// The features that this build supports, by their names in Gateway API (features.cc says which have
// a test), sorted; without those of kinds that are not served.
std::vector<std::string> supported_features(const Platform& platform);

// `platform` may be null; `parameters`: why those of the class cannot be used.
GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class, const Platform* platform,
                                        const attach::Fault& parameters);

// Why a listener is not served, before any proxy is asked. Empty: it should be served, or is not
// known.
attach::Fault unservable(const attach::Model& model, const attach::ListenerId& id,
                         engine::Read& read);

// How far the Envoy listener, filter chains and secrets of a usable listener have come.
struct ListenerProgress {
  bool acknowledged = false;  // all of it, by every connected proxy
  std::string rejection;      // of any of it, with Envoy's words
};
ListenerProgress listener_progress(const envoy::Resources& resources, const Delivery& delivery,
                                   const attach::BoundListener& listener, engine::Read& read);

GatewayStatus gateway_status(const attach::Model& model, const envoy::Resources& resources,
                             const Delivery& delivery, const attach::GatewayListeners& listeners,
                             engine::Read& read);

// Absent when the set names no Gateway of ours.
std::optional<ListenerSetStatus> listener_set_status(const attach::Model& model,
                                                     const envoy::Resources& resources,
                                                     const Delivery& delivery,
                                                     const ListenerSet& set, engine::Read& read);

}  // namespace kgw::status
