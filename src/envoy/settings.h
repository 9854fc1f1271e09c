// What translation must know of the place where the proxies run.
#pragma once

#include <optional>
#include <string>

#include "attach/place.h"
#include "envoy/endpoint.h"
#include "envoy/istio_mtls.h"
#include "envoy/table_layout.h"

namespace kgw::envoy {

struct Settings {
  attach::Place place;
  Proximity proximity;
  // The bundle of the operating system, in the file system of the proxies.
  std::string system_ca_path = "/etc/ssl/certs/ca-certificates.crt";
  std::string dns_lookup_family = "V4_PREFERRED";  // of backends by name; see Discovery
  bool weighted_routes = false;         // annotation kgateway.dev/route-weight of HTTPRoutes counts
  std::optional<IstioMtls> istio_mtls;  // absent: off
  ShardingLimits sharding;
  std::uint64_t max_route_entries = kMaxRouteEntries;  // of a namespace on a Gateway; 0: any number
  bool report_unreachable = false;  // looks for matches that no request reaches; costs time
  bool access_log = false;          // one JSON object per request on the proxy's standard output
};

}  // namespace kgw::envoy
