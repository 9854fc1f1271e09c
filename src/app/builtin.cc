#include "app/builtin.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

#include "attach/model.h"

namespace kgw::app {
namespace {

bool is_wildcard(const std::string& address) { return address == "0.0.0.0" || address == "::"; }

// The IPv4 addresses of the interfaces that are up, loopback last.
std::vector<std::string> host_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {"127.0.0.1"};
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, text,
              sizeof text);
    addresses.emplace_back(text);
  }
  freeifaddrs(list);
  std::ranges::stable_partition(addresses,
                                [](const std::string& a) { return !a.starts_with("127."); });
  return addresses;
}

}  // namespace

std::vector<source::ObjectEvent> builtin_objects() {
  auto gateway_class = std::make_shared<GatewayClass>();
  gateway_class->api_version = "gateway.networking.k8s.io/v1";
  gateway_class->metadata.name = "kgateway";
  gateway_class->metadata.generation = 1;
  gateway_class->controller_name = attach::kControllerName;
  gateway_class->description = "Standard class for managing Gateway API ingress traffic.";
  return {{gateway_class->ref(), gateway_class}};
}

std::vector<source::ObjectEvent> with_builtins(std::vector<source::ObjectEvent> events) {
  for (source::ObjectEvent& event : events) {
    if (event.object != nullptr) continue;
    for (const source::ObjectEvent& builtin : builtin_objects()) {
      if (builtin.ref == event.ref) event.object = builtin.object;
    }
  }
  return events;
}

std::vector<std::string> listen_addresses(const Gateway& gateway, const std::string& bind) {
  std::vector<std::string> addresses;
  for (const GatewayAddress& address : gateway.addresses) {
    if (address.type == "IPAddress" && !address.value.empty()) addresses.push_back(address.value);
  }
  if (addresses.empty()) addresses.push_back(bind);
  return addresses;
}

std::vector<GatewayAddress> reachable_addresses(const Gateway& gateway, const std::string& bind) {
  std::vector<GatewayAddress> reachable;
  for (const std::string& address : listen_addresses(gateway, bind)) {
    for (const std::string& value :
         is_wildcard(address) ? host_addresses() : std::vector{address}) {
      GatewayAddress entry;
      entry.value = value;
      reachable.push_back(std::move(entry));
    }
  }
  if (reachable.size() > 16) reachable.resize(16);  // the CRD's limit
  return reachable;
}

std::string_view state_text(deploy::ProxyState state) {
  switch (state) {
    case deploy::ProxyState::kStarting:
      return "starting";
    case deploy::ProxyState::kReady:
      return "ready";
    case deploy::ProxyState::kBackingOff:
      return "backing off";
    case deploy::ProxyState::kDraining:
      return "draining";
    case deploy::ProxyState::kStopped:
      return "stopped";
  }
  return "";
}

}  // namespace kgw::app
