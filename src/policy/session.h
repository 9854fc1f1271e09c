// Feature: sessionPersistence (GEP-1619), by Envoy's stateful_session filter, configured per route.
//
// The filter keeps a session at its endpoint within one cluster; which of several backends was
// chosen is kept by a second cookie, "<name>-backend": each backend has a Route for the requests
// that carry its mark, and the Route that chooses by weight sets it. A backend of weight 0 has only
// the first, so it keeps its sessions and takes no new ones. Sessions by header cannot be kept at a
// backend so, because a client sends one header back; the binding says so.
//
// A cookie without a name gets one of its rule's own, so that rules do not share sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/route.h"
#include "policy/match.h"

namespace envoy::config::route::v3 {
class Route;
class RouteMatch;
}  // namespace envoy::config::route::v3
namespace envoy::config::core::v3 {
class HeaderValueOption;
}

namespace kgw::policy {

class RuleContext;

struct Session {
  bool header = false;  // else a cookie
  std::string name;
  std::string path = "/";        // cookie only
  std::int64_t ttl_seconds = 0;  // cookie only; 0 = as long as the client's session

  friend bool operator==(const Session&, const Session&) = default;
};

// What distinguishes a rule among all rules: its name, else its matches. Not its position.
struct RuleIdentity {
  Name name;
  const std::vector<BoundMatch>& matches;
};

// `backends`: how many the rule has.
std::optional<Session> bind_session(RuleContext& context, const SessionPersistence& spec,
                                    const RuleIdentity& rule, std::size_t backends);

// Whether sessions of that kind can be kept at one of several backends.
inline bool pins_backends(const SessionPersistence& spec) { return spec.type != "Header"; }
inline bool pins_backends(const Session& session) { return !session.header; }

void encode_session(const Session& session, ::envoy::config::route::v3::Route& out);

// Narrows `out` to the requests of sessions at that cluster.
void require_pin(const Session& session, const std::string& cluster,
                 ::envoy::config::route::v3::RouteMatch& out);
// The response header that keeps a session at that cluster.
void add_pin(const Session& session, const std::string& cluster,
             ::envoy::config::core::v3::HeaderValueOption& out);

}  // namespace kgw::policy
