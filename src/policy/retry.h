// Feature: retry and timeouts of a rule. They share Envoy's per-try timeout, so they share a file.
//
// request alone: the whole exchange. backendRequest alone: each try when there are retries, else
// the whole. Both: with retries one each, without them backendRequest is the stricter one and
// counts. "0s" and absence mean no limit.
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
  std::int64_t request_ms = 0;      // 0 = none
  std::int64_t per_request_ms = 0;  // backendRequest; 0 = none

  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct Retry {
  std::uint32_t attempts = 1;  // above 0
  std::vector<std::uint32_t> codes;
  std::int64_t backoff_ms = 0;  // 0 = Envoy's default, 25 ms

  friend bool operator==(const Retry&, const Retry&) = default;
};

std::optional<Timeouts> bind_timeouts(RuleContext& context, const RouteTimeouts& spec);
// Empty when nothing is to be retried.
std::optional<Retry> bind_retry(RuleContext& context, const RouteRetry& spec);

// Also sets the timeout when there are none at all, because Envoy's default is 15 s.
void encode_timeouts_and_retry(const Timeouts* timeouts, const Retry* retry,
                               ::envoy::config::route::v3::RouteAction& out);

}  // namespace kgw::policy
