// GatewayParameters (gateway.kgateway.dev/v1alpha1): our own kind, so its rules carry CEL for the
// CRD.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "api/gateway_parameters.h"
#include "api/kinds_common.h"

namespace kgw {
namespace {

constexpr std::int64_t kYearSeconds = 31'536'000;

// Flags of Envoy that the deployment sets itself.
constexpr std::array<std::string_view, 5> kManagedFlags = {"--config-path", "--disable-hot-restart",
                                                           "--service-node", "--log-level",
                                                           "--component-log-level"};

const schema::Type& raw_object() {
  static const auto* type = new schema::RawObjectType();
  return *type;
}

const schema::Type& raw_list() {
  static const auto* type = new schema::ListOf<std::vector<RawJson>>(raw_object());
  return *type;
}

Constraints log_level() {
  return Constraints().one_of(
      {"trace", "debug", "info", "warn", "warning", "error", "critical", "off"});
}

template <typename T>
void describe_container(Schema<T>& s) {
  s.field("image", &ContainerParameters::image)
      .doc(
          "Each part overrides the default alone; a tag discards an inherited digest, and the "
          "other way round.");
  s.custom("securityContext", &ContainerParameters::security_context, raw_object())
      .doc("core/v1 SecurityContext, laid over the default one.");
  s.custom("resources", &ContainerParameters::resources, raw_object())
      .doc("core/v1 ResourceRequirements.");
}

bool is_managed_flag(const std::string& argument) {
  return std::ranges::any_of(kManagedFlags, [&](std::string_view flag) {
    return argument == flag || argument.starts_with(std::string(flag) + "=");
  });
}

int ways(const StatNameMatcher& m) {
  return m.exact.has_value() + m.prefix.has_value() + m.suffix.has_value() +
         m.contains.has_value() + m.safe_regex.has_value();
}

}  // namespace

void describe(Schema<ImageParameters>& s) {
  s.field("registry", &ImageParameters::registry).doc("Host and path before the repository.");
  s.field("repository", &ImageParameters::repository);
  s.field("tag", &ImageParameters::tag);
  s.field("digest", &ImageParameters::digest).doc("sha256:...; wins over the tag.");
  s.field("pullPolicy", &ImageParameters::pull_policy).one_of({"Always", "IfNotPresent", "Never"});
}

void describe(Schema<EnvoyLogFormat>& s) {
  s.custom("json", &EnvoyLogFormat::json, raw_object()).doc("Members of each line, as JSON.");
  s.field("text", &EnvoyLogFormat::text).doc("Pattern of each line.");
  s.rule(
      "exactly one of the fields in [json text] must be set",
      [](const EnvoyLogFormat& f) { return f.text.has_value() != !f.json.empty(); },
      "has(self.json) != has(self.text)");
}

void describe(Schema<EnvoyBootstrapParameters>& s) {
  s.field("logLevel", &EnvoyBootstrapParameters::log_level)
      .with(log_level())
      .doc("Envoy's log level; info when absent.");
  s.field("componentLogLevels", &EnvoyBootstrapParameters::component_log_levels)
      .with(Constraints().items(log_level()))
      .doc("Levels of single components of Envoy, such as upstream or connection.");
  s.field("logFormat", &EnvoyBootstrapParameters::log_format)
      .doc("Format of Envoy's own log, not of access logs.");
  s.group("dnsResolver", [](Schema<EnvoyBootstrapParameters>& dns) {
    dns.field("udpMaxQueries", &EnvoyBootstrapParameters::udp_max_queries)
        .range(0, {})
        .doc(
            "Queries over one UDP socket before a new one is opened; 100 when absent, 0 = no "
            "limit.");
  });
  s.field("enableReadinessProbeProxyProtocol", &EnvoyBootstrapParameters::readiness_proxy_protocol)
      .doc("Take the PROXY protocol on the readiness port 8082, where it is sent.");
}

void describe(Schema<EnvoyContainerParameters>& s) {
  describe_container(s);
  s.field("bootstrap", &EnvoyContainerParameters::bootstrap);
  s.custom("env", &EnvoyContainerParameters::env, raw_list())
      .doc("core/v1 EnvVar; one of the same name replaces the default.");
  s.custom("extraVolumeMounts", &EnvoyContainerParameters::extra_volume_mounts, raw_list())
      .doc("core/v1 VolumeMount.");
  s.field("extraArgs", &EnvoyContainerParameters::extra_args)
      .size(1, 32)
      .items(Constraints().length(1, 256))
      .rule(
          "--config-path, --disable-hot-restart, --service-node, --log-level and "
          "--component-log-level are managed by kgateway",
          [](const std::vector<std::string>& all) {
            return std::ranges::none_of(all, is_managed_flag);
          },
          "!self.exists(a, a.matches('^--(config-path|disable-hot-restart|service-node|log-level|"
          "component-log-level)(=.*)?$'))")
      .doc(
          "Further arguments of Envoy. `--drain-time-s`: how long connections of a listener's "
          "changed filter chain may go on; 60 seconds without it.");
}

void describe(Schema<SdsContainerParameters>& s) {
  describe_container(s);
  s.group("bootstrap", [](Schema<SdsContainerParameters>& bootstrap) {
    bootstrap.field("logLevel", &SdsContainerParameters::log_level);
  });
}

void describe(Schema<IstioContainerParameters>& s) {
  describe_container(s);
  s.field("logLevel", &IstioContainerParameters::log_level).doc("warning when absent.");
  s.field("istioDiscoveryAddress", &IstioContainerParameters::discovery_address)
      .doc("Of istiod; istiod.<KGW_ISTIO_NAMESPACE>.svc:15012 when absent.");
  s.field("istioMetaMeshId", &IstioContainerParameters::mesh_id).doc("cluster.local when absent.");
  s.field("istioMetaClusterId", &IstioContainerParameters::cluster_id)
      .doc("Kubernetes when absent.");
}

void describe(Schema<IstioParameters>& s) {
  s.field("istioProxyContainer", &IstioParameters::container)
      .doc("Istio's agent, which gets the proxy's certificates.");
  s.custom("customSidecars", &IstioParameters::custom_sidecars, raw_list())
      .doc("Deprecated: never had an effect.");
}

void describe(Schema<DeploymentParameters>& s) {
  s.field("replicas", &DeploymentParameters::replicas)
      .range(0, {})
      .doc("Absent: left to the cluster and to autoscalers.");
  s.custom("strategy", &DeploymentParameters::strategy, raw_object())
      .doc("apps/v1 DeploymentStrategy.");
}

void describe(Schema<GracefulShutdown>& s) {
  s.field("enabled", &GracefulShutdown::enabled)
      .doc(
          "Before it ends, the proxy reports itself as not ready, closes connections as requests "
          "finish, and waits; true when absent.");
  s.field("sleepTimeSeconds", &GracefulShutdown::sleep_seconds)
      .range(0, kYearSeconds)
      .doc("How long it waits; 10 when absent.");
}

void describe(Schema<PodParameters>& s) {
  s.field("extraLabels", &PodParameters::extra_labels);
  s.field("extraAnnotations", &PodParameters::extra_annotations);
  s.custom("securityContext", &PodParameters::security_context, raw_object())
      .doc("core/v1 PodSecurityContext.");
  s.custom("imagePullSecrets", &PodParameters::image_pull_secrets, raw_list());
  s.field("nodeSelector", &PodParameters::node_selector);
  s.custom("affinity", &PodParameters::affinity, raw_object()).doc("core/v1 Affinity.");
  s.custom("tolerations", &PodParameters::tolerations, raw_list()).doc("core/v1 Toleration.");
  s.custom("topologySpreadConstraints", &PodParameters::topology_spread_constraints, raw_list())
      .doc("core/v1 TopologySpreadConstraint.");
  s.field("priorityClassName", &PodParameters::priority_class_name);
  s.custom("extraVolumes", &PodParameters::extra_volumes, raw_list()).doc("core/v1 Volume.");
  s.custom("startupProbe", &PodParameters::startup_probe, raw_object())
      .doc("core/v1 Probe, laid over the default one; its handler replaces the default's.");
  s.custom("readinessProbe", &PodParameters::readiness_probe, raw_object())
      .doc("core/v1 Probe, laid over the default one; its handler replaces the default's.");
  s.custom("livenessProbe", &PodParameters::liveness_probe, raw_object())
      .doc("core/v1 Probe; none when absent.");
  s.field("terminationGracePeriodSeconds", &PodParameters::termination_grace_seconds)
      .range(0, kYearSeconds)
      .doc("60 when absent.");
  s.field("gracefulShutdown", &PodParameters::graceful_shutdown);
}

void describe(Schema<ServicePortParameters>& s) {
  s.field("port", &ServicePortParameters::port).required().with(shape::port());
  s.field("nodePort", &ServicePortParameters::node_port).with(shape::port());
}

void describe(Schema<ServiceParameters>& s) {
  s.field("type", &ServiceParameters::type)
      .one_of({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"})
      .doc("LoadBalancer when absent.");
  s.field("clusterIP", &ServiceParameters::cluster_ip);
  s.field("extraLabels", &ServiceParameters::extra_labels);
  s.field("extraAnnotations", &ServiceParameters::extra_annotations);
  s.field("ports", &ServiceParameters::ports).doc("Node ports of the ports of listeners.");
  s.field("externalTrafficPolicy", &ServiceParameters::external_traffic_policy);
  s.field("loadBalancerClass", &ServiceParameters::load_balancer_class);
  s.field("loadBalancerSourceRanges", &ServiceParameters::load_balancer_source_ranges);
}

void describe(Schema<ServiceAccountParameters>& s) {
  s.field("extraLabels", &ServiceAccountParameters::extra_labels);
  s.field("extraAnnotations", &ServiceAccountParameters::extra_annotations);
}

void describe(Schema<StatNameMatcher>& s) {
  s.field("exact", &StatNameMatcher::exact);
  s.field("prefix", &StatNameMatcher::prefix);
  s.field("suffix", &StatNameMatcher::suffix);
  s.field("contains", &StatNameMatcher::contains);
  s.field("safeRegex", &StatNameMatcher::safe_regex)
      .rule("must be a valid regular expression (RE2)",
            [](const std::optional<std::string>& regex) {
              return !regex || re2::RE2(*regex, re2::RE2::Quiet).ok();
            })
      .doc("RE2; must match the whole name.");
  s.field("ignoreCase", &StatNameMatcher::ignore_case).doc("No effect on safeRegex.");
  s.rule(
      "exactly one of the fields in [exact prefix suffix contains safeRegex] must be set",
      [](const StatNameMatcher& m) { return ways(m) == 1; },
      "[has(self.exact), has(self.prefix), has(self.suffix), has(self.contains), "
      "has(self.safeRegex)].filter(x, x).size() == 1");
}

void describe(Schema<StatsMatcher>& s) {
  s.field("inclusionList", &StatsMatcher::inclusion)
      .max_size(16)
      .doc("Only these statistics are kept.");
  s.field("exclusionList", &StatsMatcher::exclusion)
      .max_size(16)
      .doc("All statistics but these are kept.");
  s.rule(
      "exactly one of the fields in [inclusionList exclusionList] must be set",
      [](const StatsMatcher& m) { return m.inclusion.has_value() != m.exclusion.has_value(); },
      "has(self.inclusionList) != has(self.exclusionList)");
}

void describe(Schema<StatsParameters>& s) {
  s.field("enabled", &StatsParameters::enabled)
      .doc("Serve statistics on port 9091; true when absent.");
  s.field("routePrefixRewrite", &StatsParameters::route_prefix_rewrite)
      .doc("What /metrics serves of Envoy's admin; /stats/prometheus?usedonly when absent.");
  s.field("enableStatsRoute", &StatsParameters::enable_stats_route)
      .doc("Serve /stats as well; true when absent.");
  s.field("statsRoutePrefixRewrite", &StatsParameters::stats_route_prefix_rewrite)
      .doc("What /stats serves of Envoy's admin; /stats when absent.");
  s.field("matcher", &StatsParameters::matcher);
}

void describe(Schema<ObjectOverlay>& s) {
  s.group("metadata", [](Schema<ObjectOverlay>& metadata) {
    metadata.field("labels", &ObjectOverlay::labels);
    metadata.field("annotations", &ObjectOverlay::annotations);
  });
  s.custom("spec", &ObjectOverlay::spec, raw_object());
}

void describe(Schema<KubeParameters>& s) {
  s.field("deployment", &KubeParameters::deployment);
  s.field("envoyContainer", &KubeParameters::envoy_container);
  s.field("sdsContainer", &KubeParameters::sds_container)
      .doc("No effect: Envoy itself reads the certificates of Istio's automatic mTLS.");
  s.field("podTemplate", &KubeParameters::pod_template);
  s.field("service", &KubeParameters::service);
  s.field("serviceAccount", &KubeParameters::service_account);
  s.field("istio", &KubeParameters::istio)
      .doc("Only with Istio's automatic mTLS (KGW_ENABLE_ISTIO_AUTO_MTLS).");
  s.field("stats", &KubeParameters::stats);
  s.field("omitDefaultSecurityContext", &KubeParameters::omit_default_security_context)
      .doc("Set no security context but what is written here, as OpenShift wants it.");
  s.field("routeSharding", &KubeParameters::route_sharding)
      .one_of({"Auto", "Always", "Never"})
      .doc(
          "Cut the route tables of this Gateway into shards, so that a change costs the proxy the "
          "same whatever the number of hosts: Auto (when absent) for large tables only. An "
          "extension of this implementation.");
  s.field("deploymentOverlay", &KubeParameters::deployment_overlay)
      .doc("Strategic merge patch over the rendered Deployment.");
  s.field("serviceOverlay", &KubeParameters::service_overlay)
      .doc("Strategic merge patch over the rendered Service.");
  s.field("serviceAccountOverlay", &KubeParameters::service_account_overlay)
      .doc("Labels and annotations of the rendered ServiceAccount.");
  s.field("podDisruptionBudget", &KubeParameters::pod_disruption_budget)
      .doc("Its presence asks for a PodDisruptionBudget; the selector is filled in.");
  s.field("horizontalPodAutoscaler", &KubeParameters::horizontal_pod_autoscaler)
      .doc("Its presence asks for a HorizontalPodAutoscaler; the target is filled in.");
  s.field("verticalPodAutoscaler", &KubeParameters::vertical_pod_autoscaler)
      .doc("Its presence asks for a VerticalPodAutoscaler; the target is filled in.");
}

namespace {

void describe_gateway_parameters(Schema<GatewayParameters>& s) {
  describe_object(s);
  s.group("spec", [](Schema<GatewayParameters>& spec) {
     spec.field("kube", &GatewayParameters::kube).doc("The proxy is deployed like this.");
     spec.custom("selfManaged", &GatewayParameters::self_managed, raw_object())
         .doc("The proxy is deployed by somebody else; kgateway configures it all the same.");
     spec.rule(
         "exactly one of the fields in [kube selfManaged] must be set",
         [](const GatewayParameters& p) { return p.kube.has_value() != !p.self_managed.empty(); },
         "has(self.kube) != has(self.selfManaged)");
   }).required();
}

}  // namespace

void add_parameters_kinds(std::vector<KindDefinition>& kinds) {
  kinds.push_back(define<GatewayParameters, Kind::kGatewayParameters>(
      "gatewayparameters",
      {{{"gateway.kgateway.dev", "v1alpha1", "GatewayParameters"},
        &schema::struct_type<GatewayParameters>(describe_gateway_parameters)}}));
}

}  // namespace kgw
