#include "api/gateway_parameters.h"
#include "api/kinds_test_util.h"

namespace kgw {
namespace {

constexpr std::string_view kOwn = "gateway.kgateway.dev/v1alpha1";

// Every field that the kind has.
constexpr std::string_view kEverything = R"(
apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: all, namespace: ns}
spec:
  kube:
    deployment: {replicas: 0, strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}}
    envoyContainer:
      bootstrap:
        logLevel: debug
        componentLogLevels: {upstream: trace}
        logFormat: {json: {level: '%l'}}
        dnsResolver: {udpMaxQueries: 0}
        enableReadinessProbeProxyProtocol: true
      env: [{name: A, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
      extraArgs: [--concurrency, '2']
      extraVolumeMounts: [{name: v, mountPath: /v}]
      image: {registry: r, repository: p, tag: t, digest: 'sha256:0', pullPolicy: Always}
      resources: {limits: {cpu: 1}}
      securityContext: {runAsUser: 0}
    sdsContainer: {bootstrap: {logLevel: info}, image: {tag: t}, resources: {}, securityContext: {}}
    istio:
      customSidecars: [{name: x}]
      istioProxyContainer:
        image: {tag: t}
        istioDiscoveryAddress: a
        istioMetaClusterId: b
        istioMetaMeshId: c
        logLevel: d
        resources: {}
        securityContext: {}
    omitDefaultSecurityContext: true
    podTemplate:
      affinity: {nodeAffinity: {}}
      extraAnnotations: {a: b}
      extraLabels: {a: b}
      extraVolumes: [{name: v, emptyDir: {}}]
      gracefulShutdown: {enabled: false, sleepTimeSeconds: 31536000}
      imagePullSecrets: [{name: s}]
      livenessProbe: {tcpSocket: {port: 1}}
      nodeSelector: {a: b}
      priorityClassName: p
      readinessProbe: {periodSeconds: 1}
      securityContext: {fsGroup: 1}
      startupProbe: {periodSeconds: 1}
      terminationGracePeriodSeconds: 0
      tolerations: [{operator: Exists}]
      topologySpreadConstraints: [{maxSkew: 1}]
    service:
      clusterIP: None
      externalTrafficPolicy: Local
      extraAnnotations: {a: b}
      extraLabels: {a: b}
      loadBalancerClass: c
      loadBalancerSourceRanges: [10.0.0.0/8]
      ports: [{port: 80, nodePort: 30080}]
      type: NodePort
    serviceAccount: {extraAnnotations: {a: b}, extraLabels: {a: b}}
    stats:
      enabled: true
      enableStatsRoute: false
      routePrefixRewrite: /a
      statsRoutePrefixRewrite: /b
      matcher: {inclusionList: [{exact: a}, {prefix: a, ignoreCase: true}, {safeRegex: 'a.*'}]}
    deploymentOverlay: {metadata: {labels: {a: b}, annotations: {a: b}}, spec: {template: {$patch: replace}}}
    serviceOverlay: {spec: {sessionAffinity: ClientIP}}
    serviceAccountOverlay: {metadata: {labels: {a: b}}}
    podDisruptionBudget: {}
    horizontalPodAutoscaler: {spec: {maxReplicas: 3}}
    verticalPodAutoscaler: {metadata: {annotations: {a: b}}}
)";

TEST(GatewayParametersKind, TakesEveryField) {
  const auto object = expect_valid(kEverything);
  ASSERT_NE(object, nullptr);
  const auto& kube = *static_cast<const GatewayParameters&>(*object).kube;
  EXPECT_EQ(kube.deployment->replicas, 0);
  EXPECT_EQ(kube.envoy_container->bootstrap->udp_max_queries, 0);
  EXPECT_EQ(kube.envoy_container->image->digest, "sha256:0");
  EXPECT_EQ(kube.envoy_container->env.at(0), R"({"name":"A","value":"b"})");
  EXPECT_EQ(kube.deployment_overlay->spec, R"({"template":{"$patch":"replace"}})");
  EXPECT_TRUE(kube.pod_disruption_budget.has_value());
  // Nothing that was written is lost.
  const auto written = nlohmann::json::parse(
      doc::to_json(doc::parse(kEverything, doc::Format::kYaml).documents.at(0)));
  EXPECT_EQ(encode_object(*object)["spec"], written["spec"]);
}

TEST(GatewayParametersKind, IsChecked) {
  const auto stats = [](std::string_view text) {
    return "kube: {stats: {matcher: {" + std::string(text) + "}}}";
  };
  const auto envoy = [](std::string_view text) {
    return "kube: {envoyContainer: {" + std::string(text) + "}}";
  };
  check(kOwn, "GatewayParameters",
        {{"kube: {}", ""},
         {"selfManaged: {}", ""},
         {"", "spec: exactly one of the fields in [kube selfManaged] must be set"},
         {"kube: {}, selfManaged: {}", "spec: exactly one of the fields in [kube selfManaged]"},
         {"kube: {deployment: {replicas: -1}}", "spec.kube.deployment.replicas: Invalid value: -1"},
         {"kube: {aiExtension: {}}", "spec.kube.aiExtension: unknown field"},
         {stats(""), "spec.kube.stats.matcher: exactly one of the fields in [inclusionList"},
         {stats("inclusionList: [{exact: a}], exclusionList: [{exact: a}]"),
          "spec.kube.stats.matcher: exactly one"},
         {stats("inclusionList: [], exclusionList: [{exact: a}]"),
          "spec.kube.stats.matcher: exactly one"},
         {stats("inclusionList: []"), ""},
         {stats("exclusionList: [{}]"), "spec.kube.stats.matcher.exclusionList[0]: exactly one"},
         {stats("exclusionList: [{exact: a, prefix: b}]"),
          "spec.kube.stats.matcher.exclusionList[0]: exactly one of the fields in [exact prefix"},
         {stats("exclusionList: [{safeRegex: '('}]"),
          "spec.kube.stats.matcher.exclusionList[0].safeRegex: must be a valid regular expression"},
         {envoy("extraArgs: []"), "spec.kube.envoyContainer.extraArgs: Invalid value: 0"},
         {envoy("extraArgs: [--log-level=debug]"),
          "spec.kube.envoyContainer.extraArgs: --config-path, --disable-hot-restart"},
         {envoy("extraArgs: [--log-levels]"), ""},
         {envoy("bootstrap: {logLevel: loud}"),
          "spec.kube.envoyContainer.bootstrap.logLevel: Unsupported value"},
         {envoy("bootstrap: {componentLogLevels: {http: ''}}"),
          "spec.kube.envoyContainer.bootstrap.componentLogLevels[http]: Unsupported value"},
         {envoy("bootstrap: {logFormat: {}}"),
          "spec.kube.envoyContainer.bootstrap.logFormat: exactly one of the fields in [json text]"},
         {envoy("bootstrap: {logFormat: {text: a, json: {}}}"),
          "spec.kube.envoyContainer.bootstrap.logFormat: exactly one of the fields in [json text]"},
         {envoy("bootstrap: {dnsResolver: {udpMaxQueries: -1}}"),
          "spec.kube.envoyContainer.bootstrap.dnsResolver.udpMaxQueries: Invalid value: -1"},
         {envoy("image: {pullPolicy: Sometimes}"),
          "spec.kube.envoyContainer.image.pullPolicy: Unsupported value"},
         {envoy("env: [a]"), "spec.kube.envoyContainer.env[0]: Invalid value"},
         {"kube: {service: {ports: [{nodePort: 1}]}}",
          "spec.kube.service.ports[0].port: Required value"},
         {"kube: {service: {type: Other}}", "spec.kube.service.type: Unsupported value"},
         {"kube: {podTemplate: {terminationGracePeriodSeconds: 31536001}}",
          "spec.kube.podTemplate.terminationGracePeriodSeconds: Invalid value: 31536001"}});
}

}  // namespace
}  // namespace kgw
