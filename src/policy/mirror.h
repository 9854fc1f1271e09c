// Feature: RequestMirror. Mirrors add up: each has its own share of the requests.
#pragma once

#include <cstdint>
#include <optional>

#include "api/filters.h"
#include "attach/backend_ref.h"

namespace envoy::config::route::v3 {
class RouteAction;
}

namespace kgw::policy {

class RuleContext;

inline constexpr std::uint32_t kWhole = 1'000'000;

struct Mirror {
  attach::ClusterId cluster;
  std::uint32_t share = kWhole;  // of a million requests

  friend bool operator==(const Mirror&, const Mirror&) = default;
};

// Empty when there is nothing to mirror to: a share of 0, or a backend that cannot be resolved
// (which is noted; requests go on to their own backends).
std::optional<Mirror> bind_mirror(RuleContext& context, const RequestMirror& spec);

void encode_mirror(const Mirror& mirror, ::envoy::config::route::v3::RouteAction& out);

}  // namespace kgw::policy
