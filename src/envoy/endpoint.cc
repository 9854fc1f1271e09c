#include "envoy/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "attach/local_address.h"
#include "attach/trust.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/encode.h"
#include "envoy/istio_mtls.h"

namespace kgw::envoy {
namespace {

constexpr std::string_view kSliceController = "endpointslice-controller.k8s.io";

// The port of the slice that the Service's port stands for. Absent: none.
std::optional<std::int32_t> port_of(const EndpointSlice& slice, const EndpointSelector& selector) {
  for (const EndpointPort& port : slice.ports) {
    if (port.name != selector.port_name || port.protocol != selector.protocol) continue;
    return port.port.value_or(selector.port);
  }
  return std::nullopt;
}

bool managed_by_slice_controller(const EndpointSlice& slice) {
  const auto label = slice.metadata.labels.find(EndpointSlice::kManagedBy);
  return label != slice.metadata.labels.end() && label->second == kSliceController;
}

bool contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::ranges::find(texts, text) != texts.end();
}

}  // namespace

bool is_ip_address(std::string_view text) {
  char zero_terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_terminated) return false;
  *std::ranges::copy(text, zero_terminated).out = '\0';
  in6_addr address;
  return inet_pton(AF_INET, zero_terminated, &address) == 1 ||
         inet_pton(AF_INET6, zero_terminated, &address) == 1;
}

void EndpointCollector::add(const EndpointSlice& slice) {
  const std::optional<std::int32_t> port = port_of(slice, selector_);
  if (!port) return;
  const bool second_family = slice.address_type == "IPv6" && managed_by_slice_controller(slice);
  for (const Endpoint& endpoint : slice.endpoints) {
    add(endpoint, slice.metadata.ns, *port, second_family);
  }
}

void EndpointCollector::add(const Endpoint& endpoint, const Name& ns, std::int32_t port,
                            bool second_family) {
  // The addresses of one endpoint are interchangeable and only the first is used. Envoy refuses
  // names (address type FQDN) in EDS.
  if (endpoint.addresses.empty() || !is_ip_address(endpoint.addresses.front())) return;
  if (!attach::trust().local_backends && attach::is_local(endpoint.addresses.front())) return;
  const EndpointConditions& conditions = endpoint.conditions;
  const bool ready = conditions.ready.value_or(true);
  const bool serving = conditions.serving.value_or(ready);
  if (!ready && !(serving && conditions.terminating.value_or(false))) return;
  items_.push_back({distance(endpoint), endpoint.zone, endpoint.addresses.front(), port,
                    ready ? State::kReady : State::kDraining, second_family,
                    is_outside_mesh(endpoint, ns)});
}

bool EndpointCollector::is_outside_mesh(const Endpoint& endpoint, const Name& ns) const {
  return !in_mesh_ || endpoint.target_kind != kind_name(Kind::kPod) ||
         !in_mesh_({ns, endpoint.target_name});
}

void EndpointCollector::add(std::string_view address, std::int32_t port) {
  items_.push_back({.address = address, .port = port});
}

// 0 = as near as the traffic distribution asks for.
std::uint32_t EndpointCollector::distance(const Endpoint& endpoint) const {
  const std::string_view wish = selector_.traffic_distribution;
  if (wish.empty()) return 0;
  const auto near = [](const std::string& own, const std::vector<std::string>& hints,
                       const std::string& place) {
    return !own.empty() && (hints.empty() ? place == own : contains(hints, own));
  };
  const std::uint32_t same_zone = near(proximity_.zone, endpoint.hint_zones, endpoint.zone) ? 0 : 1;
  if (wish != "PreferSameNode") return same_zone;
  return near(proximity_.node, endpoint.hint_nodes, endpoint.node_name) ? 0 : 1 + same_zone;
}

// Leaves the endpoints to use, sorted, with closed up priorities.
void EndpointCollector::choose() {
  const auto by_address = [](const Item& item) {
    return std::tie(item.address, item.port, item.state, item.priority, item.zone,
                    item.outside_mesh);
  };
  std::ranges::sort(items_, {}, by_address);
  const auto repeated = std::ranges::unique(
      items_, {}, [](const Item& item) { return std::tie(item.address, item.port); });
  items_.erase(repeated.begin(), repeated.end());

  const auto is_ready = [](const Item& item) { return item.state == State::kReady; };
  if (std::ranges::any_of(items_, is_ready)) std::erase_if(items_, std::not_fn(is_ready));
  const auto second = [](const Item& item) { return item.second_family; };
  if (!std::ranges::all_of(items_, second)) std::erase_if(items_, second);

  std::ranges::sort(items_, {}, [](const Item& item) {
    return std::tie(item.priority, item.zone, item.address, item.port);
  });
  std::uint32_t level = 0, last = items_.empty() ? 0 : items_.front().priority;
  for (Item& item : items_) {
    if (std::exchange(last, item.priority) != item.priority) ++level;
    item.priority = level;
  }
}

Resource EndpointCollector::build(const Name& cluster) {
  namespace proto = ::envoy::config::endpoint::v3;
  choose();
  proto::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(cluster.str());
  proto::LocalityLbEndpoints* locality = nullptr;
  const Item* before = nullptr;
  for (const Item& item : items_) {
    if (before == nullptr || before->priority != item.priority || before->zone != item.zone) {
      locality = assignment.add_endpoints();
      locality->set_priority(item.priority);
      if (!item.zone.empty()) locality->mutable_locality()->set_zone(std::string(item.zone));
    }
    auto& endpoint = *locality->add_lb_endpoints();
    if (!item.outside_mesh) mark_in_mesh(*endpoint.mutable_metadata());
    auto& address = *endpoint.mutable_endpoint()->mutable_address()->mutable_socket_address();
    address.set_address(std::string(item.address));
    address.set_port_value(item.port);
    before = &item;
  }
  return make_resource(cluster, encode(assignment));
}

}  // namespace kgw::envoy
