// Feature: sessionPersistence (GEP-1619), by Envoy's stateful_session filter, configured per route.
//
// The filter keeps a session at its endpoint within one cluster; which of several backends was
// chosen is kept by a second cookie, "<name>-backend": each backend has a Route for the requests
// that carry its mark, and the Route that chooses by weight sets it. Sessions by header cannot be
// kept at a backend so, because a client sends one header back; the binding says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "api/route.h"

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

// `backends`: how many the rule chooses from.
std::optional<Session> bind_session(RuleContext& context, const SessionPersistence& spec,
                                    std::size_t backends);

void encode_session(const Session& session, ::envoy::config::route::v3::Route& out);

// Whether sessions can be kept at one of several backends.
inline bool pins_backends(const Session& session) { return !session.header; }
// Narrows `out` to the requests of sessions at that cluster.
void require_pin(const Session& session, const std::string& cluster,
                 ::envoy::config::route::v3::RouteMatch& out);
// The response header that keeps a session at that cluster.
void add_pin(const Session& session, const std::string& cluster,
             ::envoy::config::core::v3::HeaderValueOption& out);

}  // namespace kgw::policy
