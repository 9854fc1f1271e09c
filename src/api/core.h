// Kubernetes core kinds, only the fields that a gateway reads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/meta.h"

namespace kgw {

struct ServicePort {
  Name name;
  std::int32_t port = 0;
  Name protocol = "TCP";  // TCP, UDP, SCTP
  std::optional<Name> app_protocol;
  Name target_port;  // number or name; empty = same as port

  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

// v1 Service.
struct Service : Object {
  Name type = "ClusterIP";  // ClusterIP, NodePort, LoadBalancer, ExternalName
  Name cluster_ip;          // "None" = headless
  Name external_name;
  Name traffic_distribution;  // "", PreferClose, PreferSameZone, PreferSameNode
  Name session_affinity = "None";
  std::vector<ServicePort> ports;

  Service() : Object(Kind::kService) {}
  friend bool operator==(const Service&, const Service&) = default;
};

struct EndpointConditions {
  std::optional<bool> ready;    // absent means ready
  std::optional<bool> serving;  // absent means: as ready
  std::optional<bool> terminating;

  friend bool operator==(const EndpointConditions&, const EndpointConditions&) = default;
};

struct Endpoint {
  std::vector<std::string> addresses;
  EndpointConditions conditions;
  Name hostname;
  Name node_name;
  Name zone;
  std::vector<std::string> hint_zones;  // hints.forZones[].name
  std::vector<std::string> hint_nodes;  // hints.forNodes[].name
  Name target_kind;                     // targetRef: what answers there, in the same namespace
  Name target_name;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct EndpointPort {
  Name name;                         // "" for the only port of a Service
  std::optional<std::int32_t> port;  // absent = all ports
  Name protocol = "TCP";
  std::optional<Name> app_protocol;

  friend bool operator==(const EndpointPort&, const EndpointPort&) = default;
};

// discovery.k8s.io/v1 EndpointSlice. Belongs to the Service named by the label
// kubernetes.io/service-name.
struct EndpointSlice : Object {
  static constexpr const char* kServiceName = "kubernetes.io/service-name";            // a label
  static constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";  // a label

  Name address_type;  // IPv4, IPv6, FQDN
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;

  EndpointSlice() : Object(Kind::kEndpointSlice) {}
  friend bool operator==(const EndpointSlice&, const EndpointSlice&) = default;
};

// v1 Secret; data is decoded from base64, stringData merged over it.
struct Secret : Object {
  std::string type;
  StringMap data;

  Secret() : Object(Kind::kSecret) {}
  friend bool operator==(const Secret&, const Secret&) = default;
};

// v1 ConfigMap; binaryData is decoded and merged into data.
struct ConfigMap : Object {
  StringMap data;

  ConfigMap() : Object(Kind::kConfigMap) {}
  friend bool operator==(const ConfigMap&, const ConfigMap&) = default;
};

// v1 Namespace: only its labels matter.
struct Namespace : Object {
  Namespace() : Object(Kind::kNamespace) {}
  friend bool operator==(const Namespace&, const Namespace&) = default;
};

// v1 Pod: only whether it is in Istio's mesh matters. Read on demand (KindInfo::on_demand).
struct Pod : Object {
  static constexpr const char* kTlsMode = "security.istio.io/tlsMode";  // the only label kept

  Pod() : Object(Kind::kPod) {}
  friend bool operator==(const Pod&, const Pod&) = default;
};

}  // namespace kgw
