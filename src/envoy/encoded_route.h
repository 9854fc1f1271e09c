// A route's rules as bytes, ready to be spliced into virtual hosts (table `encoded routes`).
//
// Each match is encoded once, as the `routes` fields of a VirtualHost, whatever the number of hosts
// under which the route is attached. Only redirects depend on the listener, so a route usually has
// one variant of its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/gateway_id.h"
#include "envoy/quarantine.h"
#include "envoy/resource.h"
#include "policy/rule.h"

namespace kgw::envoy {

// Where in the spec, and which content.
struct EncodedRule {
  std::uint32_t index = 0;  // in spec.rules
  Version content;          // of its Route messages as they should be
  Quarantine quarantine = Quarantine::kNone;
  std::string refusal;            // why it is quarantined
  bool refused_by_proxy = false;  // otherwise it breaks a constraint (constraints.h)

  friend bool operator==(const EncodedRule&, const EncodedRule&) = default;
};

// The Routes of a match; or, at another place in the order, those for its preflights.
struct EncodedMatch {
  policy::Specificity specificity;
  std::uint16_t rule = 0;  // position in EncodedRoute::rules
  std::uint16_t match = 0;
  std::uint32_t begin = 0, end = 0;  // in RouteVariant::bytes

  friend bool operator==(const EncodedMatch&, const EncodedMatch&) = default;
};

struct RouteVariant {
  policy::ListenerFacts listener;
  std::vector<EncodedMatch> matches;  // in the order of the spec, each with its preflights
  std::string bytes;

  std::string_view bytes_of(const EncodedMatch& match) const {
    return std::string_view(bytes).substr(match.begin, match.end - match.begin);
  }
  friend bool operator==(const RouteVariant&, const RouteVariant&) = default;
};

struct EncodedRoute {
  std::int64_t creation_time = 0;
  std::int32_t weight = 0;
  std::vector<EncodedRule> rules;      // those that are not dropped
  std::vector<RouteVariant> variants;  // one for any listener, or one for each of the route's
  Version version;                     // of everything

  bool suspected = false;  // some rule is
  // An earlier encoding stands in for one that is suspected, whose contents are these.
  bool held = false;
  std::vector<Version> instead_of;

  // REQUIRES: the route is attached to a listener of that kind.
  const RouteVariant& variant(const policy::ListenerFacts& listener) const;
  friend bool operator==(const EncodedRoute& a, const EncodedRoute& b) {
    return a.version == b.version && a.rules == b.rules && a.held == b.held &&
           a.instead_of == b.instead_of;
  }
};

// What proxies accepted last of a route (input `last accepted`): set for those that are suspected.
struct LastAccepted {
  std::shared_ptr<const EncodedRoute> route;  // null: nothing of it
  std::vector<GatewayCluster> clusters;       // that it sends to

  friend bool operator==(const LastAccepted&, const LastAccepted&) = default;
};

// `last` in place of what is suspected.
EncodedRoute stand_in(const LastAccepted& last, const EncodedRoute& suspected);

// What is known of a content's quarantine.
using QuarantineOf = std::function<QuarantineVerdict(Version content)>;

// `listeners`: where the route is attached; only looked at when the rules depend on it.
EncodedRoute encode_route(const policy::BoundRoute& route,
                          const std::vector<policy::ListenerFacts>& listeners,
                          const QuarantineOf& quarantine);

// Whether the bytes differ from listener to listener.
bool depends_on_listener(const policy::BoundRoute& route);

}  // namespace kgw::envoy
