// The world of `make bench-fleet`: Services with two endpoints each, and Gateways of which every
// one routes to all of them, so a proxy holds all clusters whatever the number of Gateways.
//
// A route has 16 rules (the most that the API allows), one Service each, and up to 32 parents (the
// same), so few routes suffice. The route `probe` belongs to the first Gateway alone.
#pragma once

#include <algorithm>

#include "app/bench_world.h"

namespace kgw::app::fleet {

constexpr int kRules = 16, kParents = 32;

struct Size {
  int gateways = 1;
  int services = 1000;
};

inline std::string gateway_name(int i) { return "gw-" + std::to_string(i); }

inline std::string fleet_gateway_manifest(int i) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: " +
         gateway_name(i) +
         "}\nspec:\n  gatewayClassName: kgateway\n"
         "  listeners: [{name: http, port: 8080, protocol: HTTP}]\n";
}

// Rules for the Services [first, last), attached to the Gateways [from, to).
inline std::string block_manifest(int first, int last, int from, int to) {
  const std::string name = "block-" + std::to_string(first) + "-" + std::to_string(from);
  std::string text =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name +
      "}\nspec:\n  hostnames: [block-" + std::to_string(first) + ".example.com]\n  parentRefs:\n";
  for (int i = from; i < to; ++i) text += "  - {name: " + gateway_name(i) + "}\n";
  text += "  rules:\n";
  for (int i = first; i < last; ++i) {
    text += "  - matches: [{path: {type: PathPrefix, value: /" + numbered(i) +
            "}}]\n    backendRefs: [{name: " + numbered(i) + ", port: 80}]\n";
  }
  return text;
}

inline std::string probe_manifest(int salt) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: probe}\n"
         "spec:\n  hostnames: [probe.example.com]\n  parentRefs: [{name: gw-0}]\n  rules:\n"
         "  - matches: [{path: {type: PathPrefix, value: /v" +
         std::to_string(salt) + "}}]\n    backendRefs: [{name: " + numbered(0) + ", port: 80}]\n";
}

inline Events fleet_world(Size size) {
  Events events = decode(probe_manifest(0));
  for (int i = 0; i < size.gateways; ++i) append(events, decode(fleet_gateway_manifest(i)));
  for (int i = 0; i < size.services; ++i) {
    append(events, decode(service_manifest(i)));
    append(events, decode(slice_manifest(i)));
  }
  for (int first = 0; first < size.services; first += kRules) {
    for (int from = 0; from < size.gateways; from += kParents) {
      append(events, decode(block_manifest(first, std::min(first + kRules, size.services), from,
                                           std::min(from + kParents, size.gateways))));
    }
  }
  return events;
}

}  // namespace kgw::app::fleet
