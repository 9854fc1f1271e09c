// Which addresses a Gateway has, from what the cluster gave its Service.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "api/gateway.h"

namespace kgw::deploy::kube {

// For status.addresses, at most 16; empty while there is none. `service` is the live Service of the
// Gateway, null when there is none. An address of spec.addresses that is not among them cannot be
// used (status/gateway_status.h).
//   LoadBalancer         what the load balancer reports in status, asked for or not
//   ClusterIP, NodePort  clusterIPs, externalIPs, and the IPAddresses of spec.addresses, which are
//                        believed
//   ExternalName         that name
// Source: Gateway API v1 GatewaySpec.addresses and GatewayStatus.addresses.
std::vector<GatewayAddress> gateway_addresses(const Gateway& gateway,
                                              const nlohmann::json& service);

// Of a selfManaged Gateway, whose proxies and Services nobody here knows: what the user says.
std::vector<GatewayAddress> requested_addresses(const Gateway& gateway);

}  // namespace kgw::deploy::kube
