// Feature: retry and timeouts of a rule. They share Envoy's per-try timeout, so they share a file.
//
// request alone: the whole exchange. backendRequest alone: each try when there are retries, else
// the whole. Both: with retries one each, without them backendRequest is the stricter one and
// counts. "0s" means no limit. Without either, a GRPCRoute has no limit and an HTTPRoute has
// Envoy's default of 15 s. The limit runs from the end of the request, so an upgraded connection
// (WebSocket) has none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "api/route.h"

namespace envoy::config::route::v3 {
class RouteAction;
}

namespace kgw::policy {

class RuleContext;

struct Timeouts {
  std::optional<std::int64_t> request_ms;      // 0 = no limit
  std::optional<std::int64_t> per_request_ms;  // backendRequest; 0 = no limit

  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct Retry {
  std::uint32_t attempts = 1;  // above 0
  std::vector<std::uint32_t> codes;
  std::optional<std::int64_t> backoff_ms;  // absent: Envoy's default, 25 ms

  friend bool operator==(const Retry&, const Retry&) = default;
};

std::optional<Timeouts> bind_timeouts(RuleContext& context, const RouteTimeouts& spec);
// Empty when nothing is to be retried.
std::optional<Retry> bind_retry(RuleContext& context, const RouteRetry& spec);

// `grpc`: of a GRPCRoute.
void encode_timeouts_and_retry(const Timeouts& timeouts, const Retry* retry, bool grpc,
                               ::envoy::config::route::v3::RouteAction& out);

}  // namespace kgw::policy
