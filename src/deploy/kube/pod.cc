#include "deploy/kube/pod.h"

#include <algorithm>
#include <array>

#include "deploy/kube/bootstrap.h"
#include "deploy/kube/container.h"
#include "deploy/kube/istio.h"
#include "deploy/kube/json_text.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr const char* kContainer = "kgateway-proxy";
constexpr const char* kConfigVolume = "envoy-config";
constexpr const char* kTokenVolume = "xds-token";
constexpr const char* kRunVolume = "run";
constexpr std::int64_t kTokenSeconds = 12 * 60 * 60;
constexpr std::int64_t kGraceSeconds = 60;
constexpr std::int64_t kDrainSeconds = 10;
// How long connections of a filter chain that has changed may go on. Until then Envoy keeps two
// chains, and two route tables where a large one was just cut. Its own default is 600; 60 is usual
// in Kubernetes.
constexpr std::int64_t kFilterChainDrainSeconds = 60;
constexpr const char* kPortStart = "net.ipv4.ip_unprivileged_port_start";

// ---- container ----

bool sets_drain_time(const std::vector<std::string>& arguments) {
  constexpr std::string_view kFlag = "--drain-time-s";
  return std::ranges::any_of(arguments, [&](const std::string& argument) {
    return argument == kFlag || argument.starts_with(std::string(kFlag) + "=");
  });
}

Json arguments(const EnvoyContainerParameters& envoy) {
  const EnvoyBootstrapParameters own =
      envoy.bootstrap ? *envoy.bootstrap : EnvoyBootstrapParameters{};
  Json args = {"--config-path",
               std::string(kConfigDirectory) + "/envoy.yaml",
               "--config-yaml",
               bootstrap_of_pod(),
               "--disable-hot-restart",
               "--service-node",
               "$(POD_NAME).$(POD_NAMESPACE)",
               "--log-level",
               own.log_level.value_or("info")};
  std::string components;
  for (const auto& [component, level] : own.component_log_levels) {
    components += (components.empty() ? "" : ",") + component + ":" + level;
  }
  if (!components.empty()) {
    args.push_back("--component-log-level");
    args.push_back(components);
  }
  if (!sets_drain_time(envoy.extra_args)) {
    args.push_back("--drain-time-s");
    args.push_back(std::to_string(kFilterChainDrainSeconds));
  }
  for (const std::string& argument : envoy.extra_args) args.push_back(argument);
  return args;
}

constexpr const char* kResourceAttributes = "OTEL_RESOURCE_ATTRIBUTES";

// Where a span comes from, in OpenTelemetry's names.
Json otel_env(const std::string& name) {
  return {{"name", kResourceAttributes},
          {"value", "service.name=" + name +
                        ",service.namespace=$(POD_NAMESPACE),service.instance.id=$(POD_UID),"
                        "k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME),"
                        "k8s.pod.uid=$(POD_UID),k8s.node.name=$(NODE_NAME)"}};
}

// A variable of the user replaces a default of the same name; resource attributes are appended.
Json environment(const std::string& name, const EnvoyContainerParameters& envoy) {
  Json env = Json::array(
      {field_env("POD_NAME", "metadata.name"), field_env("POD_NAMESPACE", "metadata.namespace"),
       field_env("POD_UID", "metadata.uid"), field_env("NODE_NAME", "spec.nodeName"),
       field_env("KGATEWAY_NODE_REGION", "metadata.labels['topology.kubernetes.io/region']"),
       field_env("KGATEWAY_NODE_ZONE", "metadata.labels['topology.kubernetes.io/zone']"),
       field_env("KGATEWAY_NODE_SUBZONE", "metadata.labels['topology.istio.io/subzone']"),
       // Of the node where the container has no limit.
       Json{{"name", "KGATEWAY_MEMORY_LIMIT"},
            {"valueFrom",
             {{"resourceFieldRef", {{"resource", "limits.memory"}, {"divisor", "1"}}}}}},
       // Tells the entry point of Envoy's official image to keep the user it is started as.
       Json{{"name", "ENVOY_UID"}, {"value", "0"}}, otel_env(name)});
  for (Json& own : parse(envoy.env)) {
    const auto same = std::ranges::find_if(
        env, [&](const Json& e) { return text_of(e, "name") == text_of(own, "name"); });
    if (same == env.end()) {
      env.push_back(std::move(own));
    } else if (const std::string more = text_of(own, "value"), had = text_of(*same, "value");
               own["name"] == kResourceAttributes && !more.empty() && !had.empty()) {
      (*same)["value"] = had + "," + more;
    } else {
      *same = std::move(own);
    }
  }
  return env;
}

// The user's fields over the defaults; a handler replaces the default's.
Json probe(Json standard, const RawJson& own) {
  const Json over = parse(own);
  constexpr std::array kHandlers = {"exec", "grpc", "httpGet", "tcpSocket"};
  if (std::ranges::any_of(kHandlers, [&](const char* h) { return over.contains(h); })) {
    standard.erase("httpGet");
  }
  standard.update(over);
  return standard;
}

void set_probes(Json& container, const PodParameters& pod) {
  const Json ready = {{"httpGet", {{"path", "/ready"}, {"port", kReadinessPort}}}};
  Json startup = ready;
  startup.update({{"periodSeconds", 1}, {"failureThreshold", 60}, {"timeoutSeconds", 2}});
  Json readiness = ready;
  readiness.update({{"periodSeconds", 10}});
  container["startupProbe"] = probe(std::move(startup), pod.startup_probe);
  container["readinessProbe"] = probe(std::move(readiness), pod.readiness_probe);
  if (!pod.liveness_probe.empty()) container["livenessProbe"] = parse(pod.liveness_probe);
}

// Envoy ends at once when it is told to, so it is drained before: reported as failing (which also
// closes connections as their requests finish), then left alone while traffic moves away. Only
// POST will do, and Envoy's images bring bash at most.
Json drain_hook(std::int64_t seconds) {
  const std::string port = std::to_string(kDrainPort);
  const std::string script =
      "if command -v wget >/dev/null; then wget -q -O /dev/null --post-data= http://127.0.0.1:" +
      port + "/drain/$POD_UID; else bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + port +
      " && printf \"POST /drain/$POD_UID HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: "
      "0\\r\\nConnection: close\\r\\n\\r\\n\" >&3 && read -r -t 5 answer <&3'; fi; sleep " +
      std::to_string(seconds);
  return {{"preStop", {{"exec", {{"command", {"/bin/sh", "-c", script}}}}}}};
}

Json container_ports(const KubeParameters& parameters) {
  Json ports = Json::array(
      {{{"name", "readiness"}, {"containerPort", kReadinessPort}, {"protocol", "TCP"}}});
  if (!parameters.stats || parameters.stats->enabled.value_or(true)) {
    ports.push_back(
        {{"name", "http-monitoring"}, {"containerPort", kStatsPort}, {"protocol", "TCP"}});
  }
  return ports;
}

Json mounts(const EnvoyContainerParameters& envoy, const Settings& settings) {
  Json list =
      Json::array({{{"name", kConfigVolume}, {"mountPath", kConfigDirectory}, {"readOnly", true}},
                   {{"name", kRunVolume}, {"mountPath", kRunDirectory}}});
  if (settings.xds_auth) {
    list.push_back({{"name", kTokenVolume}, {"mountPath", kTokenDirectory}, {"readOnly", true}});
  }
  if (settings.istio_auto_mtls) list.push_back(istio_mount());
  for (Json& own : parse(envoy.extra_volume_mounts)) {
    list.push_back(std::move(own));
  }
  return list;
}

Json container(const std::string& name, const KubeParameters& parameters,
               const Settings& settings) {
  const EnvoyContainerParameters envoy =
      parameters.envoy_container ? *parameters.envoy_container : EnvoyContainerParameters{};
  const PodParameters pod = parameters.pod_template ? *parameters.pod_template : PodParameters{};
  Json out = base_container(kContainer, envoy, settings.image, parameters);
  out.update({{"args", arguments(envoy)},
              {"env", environment(name, envoy)},
              {"ports", container_ports(parameters)},
              {"volumeMounts", mounts(envoy, settings)}});
  set_probes(out, pod);
  if (const std::int64_t seconds = drain_seconds(pod); seconds > 0) {
    out["lifecycle"] = drain_hook(seconds);
  }
  return out;
}

// ---- pod ----

Json volumes(const std::string& name, const PodParameters& pod, const Settings& settings) {
  Json list = Json::array({{{"name", kConfigVolume}, {"configMap", {{"name", name}}}},
                           {{"name", kRunVolume}, {"emptyDir", {{"medium", "Memory"}}}}});
  if (settings.xds_auth) {
    const Json token = {
        {"audience", kXdsAudience}, {"expirationSeconds", kTokenSeconds}, {"path", kTokenFile}};
    list.push_back({{"name", kTokenVolume},
                    {"projected", {{"sources", Json::array({{{"serviceAccountToken", token}}})}}}});
  }
  if (settings.istio_auto_mtls) {
    for (Json& volume : istio_volumes()) list.push_back(std::move(volume));
  }
  for (Json& own : parse(pod.extra_volumes)) {
    list.push_back(std::move(own));
  }
  return list;
}

// Listeners below port 1024 are bound without privileges. Set whether there is one now or not, so
// that adding one restarts nothing.
Json pod_security(const PodParameters& pod) {
  Json context = parse(pod.security_context);
  Json& sysctls = context["sysctls"];
  if (!sysctls.is_array()) sysctls = Json::array();
  const bool given =
      std::ranges::any_of(sysctls, [](const Json& s) { return text_of(s, "name") == kPortStart; });
  if (!given) sysctls.push_back({{"name", kPortStart}, {"value", "0"}});
  return context;
}

}  // namespace

std::int64_t drain_seconds(const PodParameters& pod) {
  const GracefulShutdown own = pod.graceful_shutdown ? *pod.graceful_shutdown : GracefulShutdown{};
  return own.enabled.value_or(true) ? own.sleep_seconds.value_or(kDrainSeconds) : 0;
}

std::int64_t grace_seconds(const PodParameters& pod) {
  return pod.termination_grace_seconds.value_or(kGraceSeconds);
}

Json pod_spec(const std::string& name, const KubeParameters& parameters, const Settings& settings) {
  const PodParameters pod = parameters.pod_template ? *parameters.pod_template : PodParameters{};
  Json spec = {{"serviceAccountName", name},
               {"automountServiceAccountToken", false},
               {"enableServiceLinks", false},
               {"terminationGracePeriodSeconds", grace_seconds(pod)},
               {"securityContext", pod_security(pod)},
               {"containers", Json::array({container(name, parameters, settings)})},
               {"volumes", volumes(name, pod, settings)}};
  if (settings.istio_auto_mtls) {
    spec["containers"].push_back(istio_container(name, parameters, settings));
  }
  set_unless_empty(spec, "imagePullSecrets", parse(pod.image_pull_secrets));
  set_unless_empty(spec, "nodeSelector", pod.node_selector);
  set_unless_empty(spec, "affinity", parse(pod.affinity));
  set_unless_empty(spec, "tolerations", parse(pod.tolerations));
  set_unless_empty(spec, "topologySpreadConstraints", parse(pod.topology_spread_constraints));
  if (pod.priority_class_name) spec["priorityClassName"] = *pod.priority_class_name;
  return spec;
}

}  // namespace kgw::deploy::kube
