// How the objects of a proxy are named and labelled. Everything is named as its Gateway and stands
// in its namespace.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "api/gateway.h"

namespace kgw::deploy::kube {

inline constexpr const char* kGatewayNameLabel = "gateway.networking.k8s.io/gateway-name";
inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kManagedBy = "kgateway";
inline constexpr const char* kFullNameAnnotation = "gateway.kgateway.dev/gateway-full-name";

// The Gateway's name where that is a valid name of a Service; else, for names with dots or of more
// than 63 characters, its beginning and twelve hexadecimal digits of its hash.
std::string object_name(const std::string& gateway_name);

// The name as the value of a label, which is 63 characters at most: of a longer one the beginning
// and twelve digits of its SHA-256, as kgateway does elsewhere.
std::string label_value(const std::string& name);

// A name of at most 15 characters for a Service's port, made of the listener's name, different
// from all in `taken`, and added to it.
std::string port_name(const std::string& listener_name, std::int32_t port,
                      std::set<std::string>& taken);

// What the Deployment's selector and the Service's match pods by; never changes for a Gateway.
StringMap selector_labels(const Gateway& gateway);
// The labels that every pod has: those of the selector, and what the proxy is.
StringMap pod_labels(const Gateway& gateway);

}  // namespace kgw::deploy::kube
