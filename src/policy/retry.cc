#include "policy/retry.h"

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "policy/http_filters.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

// Envoy limits durations to about 10,000 years; this is far below and above any use.
constexpr std::int64_t kMaxMillis = std::int64_t{1000} * 3600 * 24 * 3650;

constexpr const char* kRetryOn =
    "cancelled,connect-failure,refused-stream,retriable-headers,retriable-status-codes,"
    "unavailable,reset";

bool usable(RuleContext& context, const std::optional<Duration>& duration) {
  if (!duration || (duration->millis >= 0 && duration->millis <= kMaxMillis)) return true;
  context.broken("UnsupportedValue", "the duration is out of range");
  return false;
}

void set_millis(google::protobuf::Duration& out, std::int64_t millis) {
  out.set_seconds(millis / 1000);
  out.set_nanos(static_cast<std::int32_t>(millis % 1000 * 1'000'000));
}

// The limit of the whole exchange; 0 = none, absent = Envoy's default.
std::optional<std::int64_t> whole_exchange(const Timeouts& timeouts, bool retries, bool grpc) {
  const std::int64_t request = timeouts.request_ms.value_or(0);
  const std::int64_t per_request = timeouts.per_request_ms.value_or(0);
  if (!retries && per_request > 0)
    return request > 0 ? std::min(request, per_request) : per_request;
  if (timeouts.request_ms || timeouts.per_request_ms || grpc) return request;
  return {};
}

}  // namespace

std::optional<Timeouts> bind_timeouts(RuleContext& context, const RouteTimeouts& spec) {
  At at(context, "timeouts");
  Timeouts timeouts;
  {
    At field(context, "request");
    if (!usable(context, spec.request)) return {};
    if (spec.request) timeouts.request_ms = spec.request->millis;
  }
  At field(context, "backendRequest");
  if (!usable(context, spec.backend_request)) return {};
  if (spec.backend_request) timeouts.per_request_ms = spec.backend_request->millis;
  return timeouts;
}

std::optional<Retry> bind_retry(RuleContext& context, const RouteRetry& spec) {
  At at(context, "retry");
  Retry retry;
  if (spec.attempts < 0) {
    At field(context, "attempts");
    context.broken("UnsupportedValue", "the number of attempts must not be negative");
    return {};
  }
  retry.attempts = static_cast<std::uint32_t>(spec.attempts);
  for (std::size_t i = 0; i < spec.codes.size(); ++i) {
    At field(context, "codes", i);
    if (spec.codes[i] < 400 || spec.codes[i] > 599) {
      context.broken("UnsupportedValue", "a code must be from 400 to 599");
      return {};
    }
    retry.codes.push_back(static_cast<std::uint32_t>(spec.codes[i]));
  }
  At field(context, "backoff");
  if (!usable(context, spec.backoff)) return {};
  if (spec.backoff) {
    retry.backoff_ms = spec.backoff->millis;
    context.warn("UnsupportedValue",
                 "Envoy takes this as the upper bound of a random wait before the first retry, and "
                 "doubles the bound for each further one; it has no lower bound");
  }
  if (retry.attempts == 0) return {};
  return retry;
}

void encode_timeouts_and_retry(const Timeouts& timeouts, const Retry* retry, bool grpc,
                               ::envoy::config::route::v3::RouteAction& out) {
  const std::int64_t per_try = retry == nullptr ? 0 : timeouts.per_request_ms.value_or(0);
  if (const auto whole = whole_exchange(timeouts, retry != nullptr, grpc)) {
    set_millis(*out.mutable_timeout(), *whole);
  }
  if (retry == nullptr) return;
  auto& policy = *out.mutable_retry_policy();
  policy.set_retry_on(kRetryOn);
  policy.mutable_num_retries()->set_value(retry->attempts);
  for (std::uint32_t code : retry->codes) policy.add_retriable_status_codes(code);
  if (per_try > 0) set_millis(*policy.mutable_per_try_timeout(), per_try);
  if (retry->backoff_ms) {
    // Envoy refuses an interval below 1 ms.
    set_millis(*policy.mutable_retry_back_off()->mutable_base_interval(),
               std::max<std::int64_t>(*retry->backoff_ms, 1));
  }
  // A host that has just failed is not asked again while there are others.
  auto& previous = *policy.add_retry_host_predicate();
  previous.set_name("envoy.retry_host_predicates.previous_hosts");
  pack(::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate(),
       *previous.mutable_typed_config());
  policy.set_host_selection_retry_max_attempts(5);
}

}  // namespace kgw::policy
