// The GatewayParameters in force for a Gateway: those of its class, with its own laid over them.
#pragma once

#include <expected>
#include <string>

#include "api/diagnostic.h"
#include "api/gateway_parameters.h"

namespace kgw::deploy::kube {

// Fields of `own` win over those of `of_class`; either may be null. Which way depends on the field:
//   objects, maps                 by member
//   env, extraVolumes, imagePullSecrets (by name), extraVolumeMounts (by mountPath),
//   service.ports (by port)       entry by entry, in the class's order, new ones behind
//   tolerations, topologySpreadConstraints, extraArgs   the class's, then the Gateway's
//   strategy, affinity, probes, logFormat, stats.matcher, loadBalancerSourceRanges   as a whole
//   image.tag, image.digest       one given alone discards the other
// Overlays, and whatever asks for an HPA, PDB or VPA, are left out: they are applied one after the
// other to what is rendered (overlay.h). selfManaged of `own` discards the class's kube, and the
// other way round. The error is what is wrong with both together (a list that has grown too long).
std::expected<GatewayParameters, std::string> merge_parameters(const GatewayParameters* of_class,
                                                               const GatewayParameters* own);

// What is set but has no effect, as warnings about `parameters`. `istio_auto_mtls`: as in Settings.
Diagnostics ineffective_fields(const GatewayParameters& parameters, bool istio_auto_mtls);

}  // namespace kgw::deploy::kube
