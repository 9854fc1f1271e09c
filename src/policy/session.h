// Feature: sessionPersistence (GEP-1619), by Envoy's stateful_session filter, configured per route.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/route.h"

namespace envoy::config::route::v3 {
class Route;
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

std::optional<Session> bind_session(RuleContext& context, const SessionPersistence& spec);

void encode_session(const Session& session, ::envoy::config::route::v3::Route& out);

}  // namespace kgw::policy
