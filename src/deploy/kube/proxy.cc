#include "deploy/kube/proxy.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "deploy/kube/bootstrap.h"
#include "deploy/kube/istio.h"
#include "deploy/kube/names.h"
#include "deploy/kube/overlay.h"
#include "deploy/kube/parameters.h"
#include "deploy/kube/pod.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr const char* kConfigHash = "kgateway.dev/config-hash";

// `over` wins.
StringMap with(StringMap base, const StringMap& over) {
  for (const auto& [key, value] : over) base[key] = value;
  return base;
}

std::string hash_of(const StringMap& data) {
  std::string all;
  for (const auto& [key, value] : data) all += key + '\0' + value + '\0';
  return fmt::format("{:016x}", XXH3_64bits(all.data(), all.size()));
}

class Renderer {
 public:
  Renderer(const ProxyInput& input, const KubeParameters& parameters, const Settings& settings)
      : input_(input),
        gateway_(input.gateway),
        kube_(parameters),
        settings_(settings),
        name_(object_name(input.gateway.metadata.name.str())) {
    if (kube_.pod_template) pod_ = *kube_.pod_template;
    if (kube_.service) service_ = *kube_.service;
    if (gateway_.infrastructure) infrastructure_ = *gateway_.infrastructure;
  }

  RenderedProxy render() {
    RenderedProxy out;
    const StringMap files = bootstrap_files(gateway_.key(), kube_, settings_);
    out.objects.push_back(service_account());
    out.objects.push_back(config_map(files));
    out.keep_service = input_.ports.empty();
    if (!input_.ports.empty()) out.objects.push_back(service());
    out.objects.push_back(deployment(hash_of(files)));
    static const Json::json_pointer account("/spec/template/spec/serviceAccountName");
    const Json& deployment = out.objects.back();
    const bool named = deployment.contains(account) && deployment[account].is_string();
    out.service_account = named ? deployment[account].get<std::string>() : name_;
    add_optional(out);
    return out;
  }

 private:
  Json object(const char* api_version, const char* kind, const StringMap& extra_labels = {},
              const StringMap& extra_annotations = {}) const {
    StringMap own = pod_labels(gateway_);
    if (!settings_.version.empty()) own["app.kubernetes.io/version"] = settings_.version;
    const StringMap labels = with(with(extra_labels, infrastructure_.labels), own);
    const StringMap annotations = with(with(extra_annotations, infrastructure_.annotations),
                                       {{kFullNameAnnotation, gateway_.metadata.name.str()}});
    const Json owner = {{"apiVersion", "gateway.networking.k8s.io/v1"},
                        {"kind", "Gateway"},
                        {"name", gateway_.metadata.name.str()},
                        {"uid", gateway_.metadata.uid},
                        {"controller", true}};
    return {{"apiVersion", api_version},
            {"kind", kind},
            {"metadata",
             {{"name", name_},
              {"namespace", gateway_.metadata.ns.str()},
              {"labels", labels},
              {"annotations", annotations},
              {"ownerReferences", Json::array({owner})}}}};
  }

  using Overlay = Box<ObjectOverlay> KubeParameters::*;

  // The overlay of the class, then that of the Gateway; true if there is any.
  bool overlay(Json& object, Overlay member) const {
    bool any = false;
    for (const GatewayParameters* parameters : {input_.class_parameters, input_.parameters}) {
      if (parameters == nullptr || !parameters->kube) continue;
      const Box<ObjectOverlay>& patch = (*parameters->kube).*member;
      if (!patch) continue;
      apply_overlay(object, *patch);
      any = true;
    }
    return any;
  }

  Json service_account() const {
    const ServiceAccountParameters own =
        kube_.service_account ? *kube_.service_account : ServiceAccountParameters{};
    Json out = object("v1", "ServiceAccount", own.extra_labels, own.extra_annotations);
    out["automountServiceAccountToken"] = false;
    overlay_metadata(out);
    return out;
  }

  void overlay_metadata(Json& service_account) const {
    overlay(service_account, &KubeParameters::service_account_overlay);
    service_account.erase("spec");
  }

  Json config_map(const StringMap& files) const {
    Json out = object("v1", "ConfigMap");
    out["data"] = files;
    return out;
  }

  Json service_ports() const {
    Json ports = Json::array();
    std::set<std::string> names;
    for (const ProxyPort& port : input_.ports) {
      Json entry = {{"name", port_name(port.listener, port.port, names)},
                    {"port", port.port},
                    {"protocol", port.udp ? "UDP" : "TCP"},
                    {"targetPort", port.port}};
      for (const ServicePortParameters& own : service_.ports) {
        if (own.port == port.port && own.node_port) entry["nodePort"] = *own.node_port;
      }
      ports.push_back(std::move(entry));
    }
    return ports;
  }

  Json service() const {
    Json out = object("v1", "Service", service_.extra_labels, service_.extra_annotations);
    const std::string type = service_.type.value_or("LoadBalancer");
    Json& spec = out["spec"];
    spec = {{"type", type}, {"selector", selector_labels(gateway_)}, {"ports", service_ports()}};
    if (service_.cluster_ip) spec["clusterIP"] = *service_.cluster_ip;
    if (service_.external_traffic_policy) {
      spec["externalTrafficPolicy"] = *service_.external_traffic_policy;
    }
    if (service_.load_balancer_class) spec["loadBalancerClass"] = *service_.load_balancer_class;
    if (!service_.load_balancer_source_ranges.empty()) {
      spec["loadBalancerSourceRanges"] = service_.load_balancer_source_ranges;
    }
    if (type == "LoadBalancer") set_static_address(spec);
    overlay(out, &KubeParameters::service_overlay);
    return out;
  }

  // One address can be asked for; the status tells of those that are not had.
  void set_static_address(Json& spec) const {
    for (const GatewayAddress& address : gateway_.addresses) {
      if (address.type == "IPAddress" && !address.value.empty()) {
        spec["loadBalancerIP"] = address.value;
        return;
      }
    }
  }

  StringMap pod_annotations(const std::string& config_hash) const {
    StringMap own = {{kConfigHash, config_hash}};
    if (!kube_.stats || kube_.stats->enabled.value_or(true)) {
      own["prometheus.io/scrape"] = "true";
      own["prometheus.io/path"] = "/metrics";
      own["prometheus.io/port"] = std::to_string(kStatsPort);
    }
    // A user may well want another scrape configuration.
    StringMap annotations = with(with(own, pod_.extra_annotations), infrastructure_.annotations);
    annotations[kConfigHash] = config_hash;
    return annotations;
  }

  Json deployment(const std::string& config_hash) const {
    Json out = object("apps/v1", "Deployment");
    const DeploymentParameters own = kube_.deployment ? *kube_.deployment : DeploymentParameters{};
    StringMap own_labels;
    if (settings_.istio_auto_mtls) own_labels[kInjectLabel] = "false";
    const StringMap labels = with(with(with(own_labels, pod_.extra_labels), infrastructure_.labels),
                                  pod_labels(gateway_));
    out["spec"] = {
        {"selector", {{"matchLabels", selector_labels(gateway_)}}},
        {"template",
         {{"metadata", {{"labels", labels}, {"annotations", pod_annotations(config_hash)}}},
          {"spec", pod_spec(name_, kube_, settings_)}}}};
    if (own.replicas && !wants(&KubeParameters::horizontal_pod_autoscaler)) {
      out["spec"]["replicas"] = *own.replicas;
    }
    if (!own.strategy.empty()) out["spec"]["strategy"] = Json::parse(own.strategy);
    overlay(out, &KubeParameters::deployment_overlay);
    return out;
  }

  bool wants(Overlay member) const {
    return std::ranges::any_of(std::array{input_.class_parameters, input_.parameters},
                               [&](const GatewayParameters* p) {
                                 return p != nullptr && p->kube && ((*p->kube).*member).has_value();
                               });
  }

  void add_optional(RenderedProxy& out) const {
    const Json target = {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", name_}};
    add_if_wanted(out, &KubeParameters::horizontal_pod_autoscaler, "autoscaling/v2",
                  "HorizontalPodAutoscaler", {{"scaleTargetRef", target}});
    add_if_wanted(out, &KubeParameters::pod_disruption_budget, "policy/v1", "PodDisruptionBudget",
                  {{"selector", {{"matchLabels", selector_labels(gateway_)}}}});
    add_if_wanted(out, &KubeParameters::vertical_pod_autoscaler, "autoscaling.k8s.io/v1",
                  "VerticalPodAutoscaler", {{"targetRef", target}});
  }

  void add_if_wanted(RenderedProxy& out, Overlay member, const char* api_version, const char* kind,
                     Json spec) const {
    Json wanted = object(api_version, kind);
    wanted["spec"] = std::move(spec);
    if (overlay(wanted, member)) out.objects.push_back(std::move(wanted));
  }

  const ProxyInput& input_;
  const Gateway& gateway_;
  const KubeParameters& kube_;
  const Settings& settings_;
  const std::string name_;
  PodParameters pod_;
  ServiceParameters service_;
  GatewayInfrastructure infrastructure_;
};

// What depends on more than one field, or on the listeners.
void warn_about_combinations(const GatewayParameters& parameters, const ObjectRef& about,
                             const std::vector<ProxyPort>& ports, Diagnostics& out) {
  const auto warn = [&](std::string field, std::string message) {
    out.push_back(
        {about, std::move(field), "OverriddenField", std::move(message), Severity::kWarning, {}});
  };
  const KubeParameters& kube = *parameters.kube;
  const PodParameters pod = kube.pod_template ? *kube.pod_template : PodParameters{};
  if (drain_seconds(pod) >= grace_seconds(pod) && grace_seconds(pod) > 0) {
    warn("spec.kube.podTemplate.gracefulShutdown.sleepTimeSeconds",
         fmt::format("the proxy is killed after terminationGracePeriodSeconds ({}), before it has "
                     "waited {} seconds",
                     grace_seconds(pod), drain_seconds(pod)));
  }
  if (!kube.service) return;
  for (const ServicePortParameters& own : kube.service->ports) {
    const bool used =
        std::ranges::any_of(ports, [&](const ProxyPort& p) { return p.port == own.port; });
    if (used) continue;
    warn("spec.kube.service.ports",
         fmt::format("port {} has no effect: no listener has it", own.port));
  }
}

}  // namespace

std::vector<ProxyPort> proxy_ports(const attach::GatewayListeners& listeners) {
  std::map<std::pair<std::int32_t, bool>, ProxyPort> ports;
  for (const attach::BoundListener& listener : listeners.listeners) {
    if (!listener.usable()) continue;
    const bool udp = listener.protocol == attach::Protocol::kUdp;
    ports.try_emplace({listener.port, udp}, ProxyPort{listener.port, udp, listener.id.name.str()});
  }
  std::vector<ProxyPort> out;
  for (auto& [key, port] : ports) out.push_back(std::move(port));
  return out;
}

namespace {

// Of the overlays, which are merged here and not by the API server.
std::string overlay_problem(const GatewayParameters* parameters) {
  if (parameters == nullptr || !parameters->kube) return "";
  const KubeParameters& kube = *parameters->kube;
  for (const auto& [name, overlay] : {std::pair("deploymentOverlay", &kube.deployment_overlay),
                                      {"serviceOverlay", &kube.service_overlay},
                                      {"podDisruptionBudget", &kube.pod_disruption_budget},
                                      {"horizontalPodAutoscaler", &kube.horizontal_pod_autoscaler},
                                      {"verticalPodAutoscaler", &kube.vertical_pod_autoscaler}}) {
    if (!*overlay || (*overlay)->spec.empty()) continue;
    std::string problem =
        directive_problem(Json::parse((*overlay)->spec), fmt::format("spec.kube.{}.spec", name));
    if (!problem.empty()) return to_string(parameters->ref()) + ": " + problem;
  }
  return "";
}

}  // namespace

std::expected<RenderedProxy, std::string> render_proxy(const ProxyInput& input,
                                                       const Settings& settings) {
  for (const GatewayParameters* parameters : {input.class_parameters, input.parameters}) {
    if (std::string problem = overlay_problem(parameters); !problem.empty()) {
      return std::unexpected(std::move(problem));
    }
  }
  const auto merged = merge_parameters(input.class_parameters, input.parameters);
  if (!merged) return std::unexpected(merged.error());
  RenderedProxy out;
  if (merged->kube) {
    out = Renderer(input, *merged->kube, settings).render();
    const GatewayParameters* specific =
        input.parameters != nullptr ? input.parameters : input.class_parameters;
    if (specific != nullptr) {
      warn_about_combinations(*merged, specific->ref(), input.ports, out.diagnostics);
    }
  }
  for (const GatewayParameters* parameters : {input.class_parameters, input.parameters}) {
    if (parameters == nullptr) continue;
    for (Diagnostic& d : ineffective_fields(*parameters, settings.istio_auto_mtls))
      out.diagnostics.push_back(std::move(d));
  }
  return out;
}

}  // namespace kgw::deploy::kube
