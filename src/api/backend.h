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

// Backend. Exactly one member of the spec is set in a manifest; `type` names it. Only Static is
// translated today, the others are decoded no further than their presence.
struct Backend : Object {
  std::string type;  // AWS, Static, DynamicForwardProxy, GCP, PriorityGroups
  Box<StaticBackend> static_backend;

  Backend() : Object(Kind::kBackend) {}
  friend bool operator==(const Backend&, const Backend&) = default;
};

}  // namespace kgw
