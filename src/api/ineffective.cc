#include "api/ineffective.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "api/schema_words.h"

namespace kgw {
namespace {

constexpr std::string_view kRouteWeight = "kgateway.dev/route-weight";

struct Followed {
  Kind kind;  // kUnknown: any
  std::string_view annotation;
};
constexpr std::array kFollowed = {
    Followed{Kind::kHttpRoute, "kgateway.dev/http-redirect-status-code"},
    Followed{Kind::kHttpRoute, kRouteWeight},
    Followed{Kind::kGateway, "kgateway.dev/route-sharding"},
    Followed{Kind::kService, "kgateway.dev/disable-istio-auto-mtls"},
    // Written by kgateway on what it deploys.
    Followed{Kind::kUnknown, "kgateway.dev/applied-by"},
    Followed{Kind::kUnknown, "kgateway.dev/applied-hash"},
    Followed{Kind::kUnknown, "kgateway.dev/service-account-uid"},
    Followed{Kind::kUnknown, "kgateway.dev/config-hash"},
    Followed{Kind::kUnknown, "kgateway.dev/xds-address"},
    Followed{Kind::kUnknown, "gateway.kgateway.dev/gateway-full-name"},
};

// Of kgateway, and not followed by this version.
constexpr std::array<std::string_view, 4> kPlanned = {
    "kgateway.dev/policy-weight",
    "kgateway.dev/inherited-policy-priority",
    "delegation.kgateway.dev/inherit-parent-matcher",
    "delegation.kgateway.dev/label",
};

bool has_own_prefix(std::string_view key) {
  return std::ranges::any_of(kOwnMetadataPrefixes,
                             [&](std::string_view p) { return key.starts_with(p); });
}

bool is_followed(Kind kind, std::string_view key) {
  return std::ranges::any_of(kFollowed, [&](const Followed& followed) {
    return followed.annotation == key && (followed.kind == kind || followed.kind == Kind::kUnknown);
  });
}

std::string did_you_mean(std::string_view key) {
  std::array<std::string_view, kFollowed.size()> known;
  std::ranges::transform(kFollowed, known.begin(), &Followed::annotation);
  const std::string_view near = schema::nearest(key, known);
  return near.empty() || near == key ? "" : fmt::format("; did you mean {}?", near);
}

std::string why_ineffective(Kind kind, std::string_view key, const char* what) {
  if (std::ranges::find(kPlanned, key) != kPlanned.end()) {
    return fmt::format("this {} is not supported by this version of kgateway and has no effect",
                       what);
  }
  const auto followed = std::ranges::find(kFollowed, key, &Followed::annotation);
  if (followed != kFollowed.end()) {
    return fmt::format("this {} has no effect on a {}", what, kind_name(kind));
  }
  return fmt::format("kgateway knows no such {}, and it has no effect{}", what, did_you_mean(key));
}

}  // namespace

Diagnostics ineffective_metadata(const Object& object, bool weighted_routes) {
  Diagnostics diagnostics;
  const auto warn = [&](std::string_view field, std::string_view key, std::string message) {
    diagnostics.push_back({object.ref(),
                           fmt::format("metadata.{}[{}]", field, key),
                           "NoEffect",
                           std::move(message),
                           Severity::kWarning,
                           {}});
  };
  for (const auto& [key, value] : object.metadata.annotations) {
    if (!has_own_prefix(key)) continue;
    if (!is_followed(object.kind, key)) {
      warn("annotations", key, why_ineffective(object.kind, key, "annotation"));
    } else if (key == kRouteWeight && !weighted_routes) {
      warn("annotations", key,
           "it has no effect without --weighted-routes or KGW_WEIGHTED_ROUTE_PRECEDENCE=true");
    }
  }
  // Anybody may label a Namespace with what a selector asks for.
  if (object.kind == Kind::kNamespace) return diagnostics;
  for (const auto& [key, value] : object.metadata.labels) {
    if (has_own_prefix(key)) warn("labels", key, why_ineffective(object.kind, key, "label"));
  }
  return diagnostics;
}

}  // namespace kgw
