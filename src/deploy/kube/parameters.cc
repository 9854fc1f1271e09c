#include "deploy/kube/parameters.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "api/registry.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

enum class Way { kWhole, kAppend };

// Lists and objects that are not merged by member, by their path below spec.kube.
const std::map<std::string, Way, std::less<>> kWays = {
    {".deployment.strategy", Way::kWhole},
    {".podTemplate.affinity", Way::kWhole},
    {".podTemplate.startupProbe", Way::kWhole},
    {".podTemplate.readinessProbe", Way::kWhole},
    {".podTemplate.livenessProbe", Way::kWhole},
    {".envoyContainer.bootstrap.logFormat", Way::kWhole},
    {".stats.matcher", Way::kWhole},
    {".podTemplate.tolerations", Way::kAppend},
    {".podTemplate.topologySpreadConstraints", Way::kAppend},
    {".envoyContainer.extraArgs", Way::kAppend},
};
// The field by which entries of a list are the same.
const std::map<std::string, std::string, std::less<>> kKeys = {
    {".envoyContainer.env", "name"},
    {".envoyContainer.extraVolumeMounts", "mountPath"},
    {".podTemplate.extraVolumes", "name"},
    {".podTemplate.imagePullSecrets", "name"},
    {".service.ports", "port"},
};

void merge_by_key(Json& base, const Json& over, const std::string& key) {
  for (const Json& entry : over) {
    bool found = false;
    for (Json& old : base) {
      if (!entry.contains(key) || old.value(key, Json()) != entry[key]) continue;
      old = entry;
      found = true;
    }
    if (!found) base.push_back(entry);
  }
}

void merge(Json& base, const Json& over, const std::string& path) {
  const auto way = kWays.find(path);
  const auto key = kKeys.find(path);
  if (base.is_array() && over.is_array() && key != kKeys.end()) {
    merge_by_key(base, over, key->second);
  } else if (base.is_array() && over.is_array() && way != kWays.end()) {
    base.insert(base.end(), over.begin(), over.end());
  } else if (base.is_object() && over.is_object() && way == kWays.end()) {
    if (path.ends_with(".image")) {
      if (over.contains("tag") && !over.contains("digest")) base.erase("digest");
      if (over.contains("digest") && !over.contains("tag")) base.erase("tag");
    }
    for (const auto& [name, value] : over.items()) merge(base[name], value, path + "." + name);
  } else {
    base = over;
  }
}

Json spec_of(const GatewayParameters* parameters) {
  Json spec =
      parameters == nullptr ? Json{{"kube", Json::object()}} : encode_object(*parameters)["spec"];
  if (!spec.contains("kube")) return spec;
  for (const char* overlay :
       {"deploymentOverlay", "serviceOverlay", "serviceAccountOverlay", "podDisruptionBudget",
        "horizontalPodAutoscaler", "verticalPodAutoscaler"}) {
    spec["kube"].erase(overlay);
  }
  return spec;
}

}  // namespace

std::expected<GatewayParameters, std::string> merge_parameters(const GatewayParameters* of_class,
                                                               const GatewayParameters* own) {
  Json spec = spec_of(of_class);
  if (own != nullptr) {
    const Json over = spec_of(own);
    if (spec.contains("kube") && over.contains("kube")) {
      merge(spec["kube"], over["kube"], "");
    } else {
      spec = over;
    }
  }
  const Json manifest = {
      {"apiVersion", kind_info(Kind::kGatewayParameters).versions[0].api_version()},
      {"kind", kind_name(Kind::kGatewayParameters)},
      {"metadata", {{"name", "merged"}}},
      {"spec", std::move(spec)}};
  const auto decoded =
      decode_text(manifest.dump(), "", DecodeMode::kLenient, doc::Format::kJson).at(0);
  if (decoded.object == nullptr) {
    const Diagnostic& problem = decoded.diagnostics.at(0);
    return std::unexpected("the parameters of the class and of the Gateway together: " +
                           problem.field + ": " + problem.message);
  }
  return static_cast<const GatewayParameters&>(*decoded.object);
}

Diagnostics ineffective_fields(const GatewayParameters& parameters, bool istio_auto_mtls) {
  Diagnostics out;
  const auto warn = [&](std::string field, std::string reason, std::string message) {
    out.push_back({parameters.ref(),
                   "spec.kube." + std::move(field),
                   std::move(reason),
                   std::move(message),
                   Severity::kWarning,
                   {}});
  };
  if (!parameters.kube) return out;
  const KubeParameters& kube = *parameters.kube;
  if (kube.stats && kube.stats->matcher) {
    const StatsMatcher& matcher = *kube.stats->matcher;
    const auto& list = matcher.inclusion ? matcher.inclusion : matcher.exclusion;
    if (!list || list->empty()) {
      warn("stats.matcher", "UnsupportedValue", "has no effect: Envoy takes no empty list");
    }
  }
  if (kube.sds_container) {
    warn(
        "sdsContainer", "UnsupportedField",
        "has no effect: there is no such container, with Istio's automatic mTLS Envoy itself reads "
        "the certificates");
  }
  if (kube.istio && kube.istio->container && !istio_auto_mtls) {
    warn(
        "istio.istioProxyContainer", "FeatureDisabled",
        "has no effect without Istio's automatic mTLS: set KGW_ENABLE_ISTIO_AUTO_MTLS=true for the "
        "controller");
  }
  if (kube.istio && !kube.istio->custom_sidecars.empty()) {
    warn("istio.customSidecars", "DeprecatedField",
         "has no effect; add containers with deploymentOverlay");
  }
  if (kube.service_account_overlay && !kube.service_account_overlay->spec.empty()) {
    warn("serviceAccountOverlay.spec", "InvalidValue",
         "has no effect: a ServiceAccount has no spec");
  }
  if (kube.deployment && kube.deployment->replicas && kube.horizontal_pod_autoscaler) {
    warn("deployment.replicas", "OverriddenField",
         "has no effect: horizontalPodAutoscaler decides how many replicas there are");
  }
  return out;
}

}  // namespace kgw::deploy::kube
