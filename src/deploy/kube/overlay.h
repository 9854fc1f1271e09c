// Strategic merge patches over rendered objects: the overlays of GatewayParameters.
//
// As kubectl and the API server do it: objects are merged by member, null removes one; lists whose
// entries Kubernetes identifies by a field (containers by name, a Service's ports by port, ...) are
// merged by entry, all other lists are replaced. In an object of the patch, `$patch: delete`
// removes what it names and `$patch: replace` replaces instead of merging; `$patch: replace` as an
// entry of a list replaces the list; `$retainKeys` keeps only the members it names;
// `$deleteFromPrimitiveList/<list>` removes values. `$setElementOrder/<list>` is not needed and
// ignored.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "api/gateway_parameters.h"

namespace kgw::deploy::kube {

// Lays `patch` over `object`, a whole manifest: its kind decides how lists are merged.
void strategic_merge(nlohmann::json& object, const nlohmann::json& patch);

// The first directive of a patch that cannot be followed: "PATH.$patch: must be ..."; else empty.
std::string directive_problem(const nlohmann::json& patch, const std::string& path);

// metadata.labels, metadata.annotations and spec of an overlay.
void apply_overlay(nlohmann::json& object, const ObjectOverlay& overlay);

}  // namespace kgw::deploy::kube
