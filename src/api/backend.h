// BackendTLSPolicy (Gateway API) and Backend (gateway.kgateway.dev/v1alpha1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/box.h"
#include "api/meta.h"
#include "api/refs.h"

namespace kgw {

struct PolicyTargetRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> section_name;  // for a Service: the port's name

  friend bool operator==(const PolicyTargetRef&, const PolicyTargetRef&) = default;
};

struct SubjectAltName {
  std::string type;  // Hostname, URI
  std::string hostname;
  std::string uri;

  friend bool operator==(const SubjectAltName&, const SubjectAltName&) = default;
};

struct BackendTlsPolicy : Object {
  std::vector<PolicyTargetRef> target_refs;
  std::vector<LocalObjectRef> ca_certificate_refs;
  std::optional<std::string> well_known_ca_certificates;  // System
  std::string hostname;
  std::vector<SubjectAltName> subject_alt_names;
  StringMap options;

  BackendTlsPolicy() : Object(Kind::kBackendTlsPolicy) {}
  friend bool operator==(const BackendTlsPolicy&, const BackendTlsPolicy&) = default;
};

struct BackendHost {
  std::string host;  // an IP address or a DNS name
  std::int32_t port = 0;

  friend bool operator==(const BackendHost&, const BackendHost&) = default;
};

struct StaticBackend {
  std::vector<BackendHost> hosts;
  std::optional<std::string>
      app_protocol;  // http2, grpc, grpc-web, kubernetes.io/h2c, kubernetes.io/ws

  friend bool operator==(const StaticBackend&, const StaticBackend&) = default;
};

struct DynamicForwardProxyBackend {
  bool enable_tls = false;

  friend bool operator==(const DynamicForwardProxyBackend&,
                         const DynamicForwardProxyBackend&) = default;
};

struct GcpBackend {
  std::string host;
  std::optional<std::string> audience;  // absent: https://<host>

  friend bool operator==(const GcpBackend&, const GcpBackend&) = default;
};

struct AwsAuth {
  std::string type;                       // Secret, AssumeRole
  std::optional<std::string> secret_ref;  // secretRef.name
  std::optional<std::string> role_arn;    // assumeRole.roleArn

  friend bool operator==(const AwsAuth&, const AwsAuth&) = default;
};

struct AwsLambda {
  std::string function_name;
  std::optional<std::string> account_id;
  std::optional<std::string> endpoint_url;
  std::string invocation_mode = "Sync";          // Sync, Async
  std::string qualifier = "$LATEST";             // a version or alias
  std::string payload_transform_mode = "Envoy";  // None, Envoy

  friend bool operator==(const AwsLambda&, const AwsLambda&) = default;
};

struct AwsTag {
  std::string key;
  std::string value;

  friend bool operator==(const AwsTag&, const AwsTag&) = default;
};

// Exactly one of a tag's key, or key and value.
struct AwsTagFilter {
  std::optional<std::string> key;
  Box<AwsTag> key_value;

  friend bool operator==(const AwsTagFilter&, const AwsTagFilter&) = default;
};

struct AwsEc2 {
  std::int32_t port = 80;
  std::string address_type = "PrivateIP";  // PrivateIP, PublicIP
  std::vector<AwsTagFilter> filters;

  friend bool operator==(const AwsEc2&, const AwsEc2&) = default;
};

// Exactly one of lambda and ec2.
struct AwsBackend {
  std::string region = "us-east-1";
  std::optional<std::string> account_id;  // deprecated: stands in lambda now
  Box<AwsAuth> auth;
  Box<AwsLambda> lambda;
  Box<AwsEc2> ec2;

  friend bool operator==(const AwsBackend&, const AwsBackend&) = default;
};

// Names of static Backends in the same namespace; the index of the group is the Envoy priority.
struct PriorityGroup {
  std::vector<std::string> backend_refs;

  friend bool operator==(const PriorityGroup&, const PriorityGroup&) = default;
};

// Backend. Exactly one of the members below `type` is set, and `type` names it, given or not.
struct Backend : Object {
  std::string type;  // AWS, Static, DynamicForwardProxy, GCP, PriorityGroups
  Box<AwsBackend> aws;
  Box<StaticBackend> static_backend;
  Box<DynamicForwardProxyBackend> dynamic_forward_proxy;
  Box<GcpBackend> gcp;
  std::vector<PriorityGroup> priority_groups;

  Backend() : Object(Kind::kBackend) {}
  friend bool operator==(const Backend&, const Backend&) = default;
};

}  // namespace kgw
