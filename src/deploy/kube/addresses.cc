#include "deploy/kube/addresses.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "deploy/kube/json_text.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxAddresses = 16;

void add(std::vector<GatewayAddress>& out, const char* type, const std::string& value) {
  if (value.empty() || value == "None" || out.size() == kMaxAddresses) return;
  const bool known = std::ranges::any_of(
      out, [&](const GatewayAddress& a) { return a.type == type && a.value == value; });
  if (!known) out.push_back({type, value, {}});
}

void add_all(std::vector<GatewayAddress>& out, const Json& list) {
  for (const Json& entry : list.is_array() ? list : Json::array()) {
    if (entry.is_string()) add(out, "IPAddress", entry.get<std::string>());
  }
}

std::vector<std::string> requested_ips(const Gateway& gateway) {
  std::vector<std::string> out;
  for (const GatewayAddress& address : gateway.addresses) {
    if (address.type == "IPAddress" && !address.value.empty()) out.push_back(address.value);
  }
  return out;
}

std::vector<GatewayAddress> of_load_balancer(const Json& service) {
  std::vector<GatewayAddress> out;
  const Json ingress =
      member_of(member_of(member_of(service, "status"), "loadBalancer"), "ingress");
  for (const Json& entry : ingress.is_array() ? ingress : Json::array()) {
    if (!entry.is_object()) continue;
    add(out, "IPAddress", text_of(entry, "ip"));
    add(out, "Hostname", text_of(entry, "hostname"));
  }
  return out;
}

}  // namespace

std::vector<GatewayAddress> gateway_addresses(const Gateway& gateway, const Json& service) {
  if (!service.is_object()) return {};
  const Json spec = member_of(service, "spec");
  const std::string type = text_of(spec, "type");
  if (type == "LoadBalancer") return of_load_balancer(service);
  std::vector<GatewayAddress> out;
  if (type == "ExternalName") {
    add(out, "Hostname", text_of(spec, "externalName"));
  } else {
    add_all(out, member_of(spec, "clusterIPs"));
    add_all(out, member_of(spec, "externalIPs"));
    add_all(out, Json(requested_ips(gateway)));
  }
  return out;
}

std::vector<GatewayAddress> requested_addresses(const Gateway& gateway) {
  std::vector<GatewayAddress> out;
  for (const GatewayAddress& a : gateway.addresses) add(out, a.type.c_str(), a.value);
  return out;
}

}  // namespace kgw::deploy::kube
