// GatewayParameters (gateway.kgateway.dev/v1alpha1): how the proxy of a Gateway is deployed.
//
// Everything is optional, so that a GatewayClass's parameters, a Gateway's and the built-in
// defaults can be laid over each other (deploy/kube/parameters.h). Pieces of Kubernetes' own API (a
// Toleration, a Probe) are kept as the JSON text that was written: the API server checks them when
// they are applied, in its own words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/box.h"
#include "api/meta.h"

namespace kgw {

using RawJson = std::string;  // one JSON object; empty = absent

// An image reference: [registry/]repository[:tag][@digest].
struct ImageParameters {
  std::optional<std::string> registry;
  std::optional<std::string> repository;
  std::optional<std::string> tag;
  std::optional<std::string> digest;
  std::optional<std::string> pull_policy;

  friend bool operator==(const ImageParameters&, const ImageParameters&) = default;
};

// What every container of the proxy's pod may be given.
struct ContainerParameters {
  Box<ImageParameters> image;
  RawJson security_context;
  RawJson resources;

  friend bool operator==(const ContainerParameters&, const ContainerParameters&) = default;
};

struct EnvoyLogFormat {
  std::optional<std::string> text;
  RawJson json;

  friend bool operator==(const EnvoyLogFormat&, const EnvoyLogFormat&) = default;
};

struct EnvoyBootstrapParameters {
  std::optional<std::string> log_level;  // trace, debug, info, warn, warning, error, critical, off
  StringMap component_log_levels;
  Box<EnvoyLogFormat> log_format;
  std::optional<std::int32_t> udp_max_queries;  // dnsResolver; 0 = no limit
  std::optional<bool> readiness_proxy_protocol;

  friend bool operator==(const EnvoyBootstrapParameters&,
                         const EnvoyBootstrapParameters&) = default;
};

struct EnvoyContainerParameters : ContainerParameters {
  Box<EnvoyBootstrapParameters> bootstrap;
  std::vector<RawJson> env;
  std::vector<RawJson> extra_volume_mounts;
  std::vector<std::string> extra_args;

  friend bool operator==(const EnvoyContainerParameters&,
                         const EnvoyContainerParameters&) = default;
};

struct SdsContainerParameters : ContainerParameters {
  std::optional<std::string> log_level;  // bootstrap.logLevel

  friend bool operator==(const SdsContainerParameters&, const SdsContainerParameters&) = default;
};

struct IstioContainerParameters : ContainerParameters {
  std::optional<std::string> log_level;
  std::optional<std::string> discovery_address;
  std::optional<std::string> mesh_id;
  std::optional<std::string> cluster_id;

  friend bool operator==(const IstioContainerParameters&,
                         const IstioContainerParameters&) = default;
};

struct IstioParameters {
  Box<IstioContainerParameters> container;
  std::vector<RawJson> custom_sidecars;

  friend bool operator==(const IstioParameters&, const IstioParameters&) = default;
};

struct DeploymentParameters {
  std::optional<std::int32_t> replicas;
  RawJson strategy;

  friend bool operator==(const DeploymentParameters&, const DeploymentParameters&) = default;
};

struct GracefulShutdown {
  std::optional<bool> enabled;
  std::optional<std::int64_t> sleep_seconds;

  friend bool operator==(const GracefulShutdown&, const GracefulShutdown&) = default;
};

struct PodParameters {
  StringMap extra_labels;
  StringMap extra_annotations;
  RawJson security_context;
  std::vector<RawJson> image_pull_secrets;
  StringMap node_selector;
  RawJson affinity;
  std::vector<RawJson> tolerations;
  std::vector<RawJson> topology_spread_constraints;
  std::optional<std::string> priority_class_name;
  std::vector<RawJson> extra_volumes;
  RawJson startup_probe;
  RawJson readiness_probe;
  RawJson liveness_probe;
  std::optional<std::int64_t> termination_grace_seconds;
  Box<GracefulShutdown> graceful_shutdown;

  friend bool operator==(const PodParameters&, const PodParameters&) = default;
};

struct ServicePortParameters {
  std::int32_t port = 0;
  std::optional<std::int32_t> node_port;

  friend bool operator==(const ServicePortParameters&, const ServicePortParameters&) = default;
};

struct ServiceParameters {
  std::optional<std::string> type;  // ClusterIP, NodePort, LoadBalancer, ExternalName
  std::optional<std::string> cluster_ip;
  StringMap extra_labels;
  StringMap extra_annotations;
  std::vector<ServicePortParameters> ports;
  std::optional<std::string> external_traffic_policy;
  std::optional<std::string> load_balancer_class;
  std::vector<std::string> load_balancer_source_ranges;

  friend bool operator==(const ServiceParameters&, const ServiceParameters&) = default;
};

struct ServiceAccountParameters {
  StringMap extra_labels;
  StringMap extra_annotations;

  friend bool operator==(const ServiceAccountParameters&,
                         const ServiceAccountParameters&) = default;
};

// Exactly one of the five ways to match is set.
struct StatNameMatcher {
  std::optional<std::string> exact;
  std::optional<std::string> prefix;
  std::optional<std::string> suffix;
  std::optional<std::string> contains;
  std::optional<std::string> safe_regex;
  bool ignore_case = false;

  friend bool operator==(const StatNameMatcher&, const StatNameMatcher&) = default;
};

// Exactly one of the two lists is set.
struct StatsMatcher {
  std::optional<std::vector<StatNameMatcher>> inclusion;
  std::optional<std::vector<StatNameMatcher>> exclusion;

  friend bool operator==(const StatsMatcher&, const StatsMatcher&) = default;
};

struct StatsParameters {
  std::optional<bool> enabled;
  std::optional<std::string> route_prefix_rewrite;
  std::optional<bool> enable_stats_route;
  std::optional<std::string> stats_route_prefix_rewrite;
  Box<StatsMatcher> matcher;

  friend bool operator==(const StatsParameters&, const StatsParameters&) = default;
};

// A strategic merge patch over a rendered object; presence alone asks for an HPA, PDB or VPA.
struct ObjectOverlay {
  StringMap labels;
  StringMap annotations;
  RawJson spec;

  friend bool operator==(const ObjectOverlay&, const ObjectOverlay&) = default;
};

struct KubeParameters {
  Box<DeploymentParameters> deployment;
  Box<EnvoyContainerParameters> envoy_container;
  Box<SdsContainerParameters> sds_container;
  Box<PodParameters> pod_template;
  Box<ServiceParameters> service;
  Box<ServiceAccountParameters> service_account;
  Box<IstioParameters> istio;
  Box<StatsParameters> stats;
  std::optional<bool> omit_default_security_context;
  std::optional<std::string> route_sharding;  // Auto, Always, Never; an extension of ours
  Box<ObjectOverlay> deployment_overlay;
  Box<ObjectOverlay> service_overlay;
  Box<ObjectOverlay> service_account_overlay;
  Box<ObjectOverlay> pod_disruption_budget;
  Box<ObjectOverlay> horizontal_pod_autoscaler;
  Box<ObjectOverlay> vertical_pod_autoscaler;

  friend bool operator==(const KubeParameters&, const KubeParameters&) = default;
};

// Exactly one of the two is set. With selfManaged nothing is deployed: users run the proxy.
struct GatewayParameters : Object {
  Box<KubeParameters> kube;
  RawJson self_managed;

  GatewayParameters() : Object(Kind::kGatewayParameters) {}
  friend bool operator==(const GatewayParameters&, const GatewayParameters&) = default;
};

}  // namespace kgw
