#include "policy/mirror.h"

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

std::optional<std::uint32_t> share_of(RuleContext& context, const RequestMirror& spec) {
  std::int64_t numerator = 1, denominator = 1;
  if (spec.percent) {
    numerator = *spec.percent;
    denominator = 100;
  } else if (spec.fraction) {
    numerator = spec.fraction->numerator;
    denominator = spec.fraction->denominator;
  }
  if (numerator < 0 || denominator < 1 || numerator > denominator) {
    At at(context, spec.percent ? "percent" : "fraction");
    context.broken("UnsupportedValue", "the share must be from 0 to 1");
    return {};
  }
  return static_cast<std::uint32_t>((numerator * kWhole + denominator / 2) / denominator);
}

}  // namespace

std::optional<Mirror> bind_mirror(RuleContext& context, const RequestMirror& spec) {
  const std::optional<std::uint32_t> share = share_of(context, spec);
  At at(context, "backendRef");
  const attach::ResolvedBackend backend = context.resolve(spec.backend_ref);
  if (backend.unresolved || !share || *share == 0) return {};
  return Mirror{backend.cluster, *share};
}

void encode_mirror(const Mirror& mirror, ::envoy::config::route::v3::RouteAction& out) {
  auto& policy = *out.add_request_mirror_policies();
  policy.set_cluster(attach::cluster_name(mirror.cluster).str());
  if (mirror.share == kWhole) return;
  auto& fraction = *policy.mutable_runtime_fraction()->mutable_default_value();
  fraction.set_numerator(mirror.share);
  fraction.set_denominator(::envoy::type::v3::FractionalPercent::MILLION);
}

}  // namespace kgw::policy
