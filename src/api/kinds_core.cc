// Service, EndpointSlice, Secret, ConfigMap, Namespace and Pod: the fields that a gateway reads.
// The other fields of these kinds are known by name, so that a typo is still an error.
#include <algorithm>

#include "api/core.h"
#include "api/kinds_common.h"

namespace kgw {
namespace {

constexpr std::string_view kDataKey = "^[-._a-zA-Z0-9]+$";
const std::vector<std::string> kProtocols = {"TCP", "UDP", "SCTP"};

bool addresses_fit(const EndpointSlice& slice) {
  if (slice.address_type == "FQDN") return true;
  const bool v6 = slice.address_type == "IPv6";
  return std::ranges::all_of(slice.endpoints, [v6](const Endpoint& endpoint) {
    return std::ranges::all_of(endpoint.addresses, [v6](const std::string& address) {
      return is_ip(address) && (address.find(':') != std::string::npos) == v6;
    });
  });
}

Constraints data_key() { return Constraints().length(1, 253).pattern(kDataKey); }

}  // namespace

void describe(Schema<ServicePort>& s) {
  s.field("name", &ServicePort::name).max_length(63);
  s.field("port", &ServicePort::port).required().with(shape::port());
  s.field("protocol", &ServicePort::protocol).default_value("TCP").one_of(kProtocols);
  s.field("appProtocol", &ServicePort::app_protocol);
  s.custom("targetPort", &ServicePort::target_port, *new schema::IntOrStringType()).range(0, 65535);
  s.ignore("nodePort");
}

void describe(Schema<EndpointConditions>& s) {
  s.field("ready", &EndpointConditions::ready);
  s.field("serving", &EndpointConditions::serving);
  s.field("terminating", &EndpointConditions::terminating);
}

void describe(Schema<Endpoint>& s) {
  s.field("addresses", &Endpoint::addresses).required().size(1, 100);
  s.field("conditions", &Endpoint::conditions);
  s.field("hostname", &Endpoint::hostname);
  s.field("nodeName", &Endpoint::node_name);
  s.field("zone", &Endpoint::zone);
  s.group("hints", [](Schema<Endpoint>& hints) {
    hints.field("forZones", &Endpoint::hint_zones).with(Constraints().wrapped_in("name"));
    hints.field("forNodes", &Endpoint::hint_nodes).with(Constraints().wrapped_in("name"));
  });
  s.group("targetRef", [](Schema<Endpoint>& target) {
    target.field("kind", &Endpoint::target_kind);
    target.field("name", &Endpoint::target_name);
    target.ignore("apiVersion", "fieldPath", "namespace", "resourceVersion", "uid");
  });
  s.ignore("deprecatedTopology");
}

void describe(Schema<EndpointPort>& s) {
  s.field("name", &EndpointPort::name).max_length(63);
  s.field("port", &EndpointPort::port).range(0, 65535);
  s.field("protocol", &EndpointPort::protocol).default_value("TCP").one_of(kProtocols);
  s.field("appProtocol", &EndpointPort::app_protocol);
}

namespace {

void describe_service(Schema<Service>& s) {
  describe_object(s, describe_service_metadata);
  s.group("spec", [](Schema<Service>& spec) {
    spec.field("type", &Service::type)
        .default_value("ClusterIP")
        .one_of({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"});
    spec.field("clusterIP", &Service::cluster_ip);
    spec.field("externalName", &Service::external_name);
    spec.field("trafficDistribution", &Service::traffic_distribution);
    spec.field("sessionAffinity", &Service::session_affinity)
        .default_value("None")
        .one_of({"None", "ClientIP"});
    spec.field("ports", &Service::ports).unique_by({"port", "protocol"});
    spec.ignore("allocateLoadBalancerNodePorts", "clusterIPs", "externalIPs",
                "externalTrafficPolicy", "healthCheckNodePort", "internalTrafficPolicy",
                "ipFamilies", "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP",
                "loadBalancerSourceRanges", "publishNotReadyAddresses", "selector",
                "sessionAffinityConfig", "ipFamily");
    spec.rule(
        "a name is required for each port when there are several",
        [](const Service& service) {
          return service.ports.size() < 2 ||
                 std::ranges::none_of(service.ports, &Name::empty, &ServicePort::name);
        },
        {}, "ports");
  });
}

void describe_endpoint_slice(Schema<EndpointSlice>& s) {
  describe_object(s);
  s.field("addressType", &EndpointSlice::address_type).required().one_of({"IPv4", "IPv6", "FQDN"});
  s.field("endpoints", &EndpointSlice::endpoints).max_size(1000);
  s.field("ports", &EndpointSlice::ports).max_size(20000);
  s.rule("addresses must be IP addresses of the slice's addressType", addresses_fit, {},
         "endpoints");
}

void describe_secret(Schema<Secret>& s) {
  describe_object(s);
  s.field("type", &Secret::type);
  s.field("data", &Secret::data).with(Constraints().base64().keys(data_key()));
  s.field("stringData", &Secret::data).with(Constraints().keys(data_key())).decode_only();
  s.ignore("immutable");
}

void describe_config_map(Schema<ConfigMap>& s) {
  describe_object(s);
  s.field("data", &ConfigMap::data).with(Constraints().text_only().keys(data_key()));
  s.field("binaryData", &ConfigMap::data).with(Constraints().binary_only().keys(data_key()));
  s.ignore("immutable");
}

void describe_namespace(Schema<Namespace>& s) {
  describe_object(s, describe_namespace_metadata);
  s.ignore("spec");
}

void describe_pod(Schema<Pod>& s) {
  describe_object(
      s, [](Schema<ObjectMeta>& metadata) { describe_name_and_label(metadata, Pod::kTlsMode); });
  s.ignore("spec");
}

template <typename T, Kind kind>
void add(std::vector<KindDefinition>& kinds, std::string_view group, std::string_view plural,
         std::string_view name, schema::Describe<T> describe_function) {
  kinds.push_back(
      define<T, kind>(plural, {{{group, "v1", name}, &schema::struct_type<T>(describe_function)}}));
}

}  // namespace

void add_core_kinds(std::vector<KindDefinition>& kinds) {
  add<Service, Kind::kService>(kinds, "", "services", "Service", describe_service);
  add<EndpointSlice, Kind::kEndpointSlice>(kinds, "discovery.k8s.io", "endpointslices",
                                           "EndpointSlice", describe_endpoint_slice);
  add<Secret, Kind::kSecret>(kinds, "", "secrets", "Secret", describe_secret);
  add<ConfigMap, Kind::kConfigMap>(kinds, "", "configmaps", "ConfigMap", describe_config_map);
  add<Namespace, Kind::kNamespace>(kinds, "", "namespaces", "Namespace", describe_namespace);
  kinds.back().info.namespaced = false;
  add<Pod, Kind::kPod>(kinds, "", "pods", "Pod", describe_pod);
  kinds.back().info.on_demand = true;
}

}  // namespace kgw
