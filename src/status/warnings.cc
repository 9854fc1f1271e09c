#include "status/warnings.h"

#include <algorithm>

#include "api/ineffective.h"
#include "api/text.h"
#include "envoy/table_layout.h"

namespace kgw::status {
namespace {

Diagnostic warning(const ObjectRef& object, std::string field, std::string reason,
                   std::string message) {
  return {object, std::move(field), std::move(reason), std::move(message), Severity::kWarning, {}};
}

// An annotation is free text: what it should say is checked by nobody else.
void check_sharding(const Gateway& gateway, Diagnostics& warnings) {
  const std::string name(envoy::kShardingAnnotation);
  const auto found = gateway.metadata.annotations.find(name);
  if (found == gateway.metadata.annotations.end() || envoy::sharding_mode(found->second)) return;
  warnings.push_back(
      warning(gateway.ref(), "metadata.annotations[" + name + "]", "UnsupportedValue",
              "\"" + found->second + "\" is none of Auto, Always, Never, and ignored"));
}

// Empty if the parent is somebody's.
std::string why_nobodys(const RouteObject& route, const ParentRef& ref, const Exists& exists) {
  const ObjectRef target = target_of(ref, route.metadata.ns);
  if (target.kind == Kind::kGateway || target.kind == Kind::kListenerSet) {
    return exists(target) ? "" : "there is no " + to_string(target);
  }
  // Services and kinds of other groups are the parents of a mesh.
  if (ref.group != "gateway.networking.k8s.io") return "";
  return "a " + ref.kind + " cannot be the parent of a route, only a Gateway or ListenerSet";
}

}  // namespace

Diagnostics gateway_warnings(const Gateway& gateway) {
  Diagnostics warnings = ineffective_metadata(gateway, false);
  check_sharding(gateway, warnings);
  return warnings;
}

Diagnostics policy_warnings(const BackendTlsPolicy& policy) {
  Diagnostics warnings = ineffective_metadata(policy, false);
  for (const auto& [key, value] : policy.options) {
    warnings.push_back(warning(policy.ref(), "spec.options[" + key + "]", "NoEffect",
                               "options of a BackendTLSPolicy are not supported by this version of "
                               "kgateway and have no effect"));
  }
  return warnings;
}

Diagnostics parent_warnings(const RouteObject& route, const attach::RouteAttachment* attachment,
                            const Exists& exists) {
  Diagnostics warnings;
  const auto is_bound = [&](const ParentRef& ref) {
    return attachment != nullptr &&
           std::ranges::find(attachment->parents, ref, &attach::ParentBinding::parent) !=
               attachment->parents.end();
  };
  for (std::size_t i = 0; i < route.parent_refs.size(); ++i) {
    const ParentRef& ref = route.parent_refs[i];
    if (is_bound(ref)) continue;
    std::string why = why_nobodys(route, ref, exists);
    if (why.empty()) continue;
    warnings.push_back(warning(route.ref(), "spec.parentRefs[" + std::to_string(i) + "]",
                               "NoMatchingParent", std::move(why)));
  }
  return warnings;
}

std::string but(const Diagnostics& warnings) {
  if (warnings.empty()) return "";
  Listing listing;
  for (const Diagnostic& each : warnings) listing.add(each.field + ": " + each.message);
  return " But " + listing.text();
}

}  // namespace kgw::status
