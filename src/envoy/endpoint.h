// Endpoints of a backend port: EndpointSlices (or the addresses of a static Backend) as one
// ClusterLoadAssignment.
//
// Rules:
// - A slice's port is found by the name of the Service's port (and its L4 protocol), so a named
//   targetPort may differ from slice to slice.
// - Ready endpoints are used; when there is none, those that still serve while they terminate
//   (KEP-1669, as kube-proxy does).
// - An endpoint that stands in several slices counts once.
// - Where the endpoint slice controller lists the same pods in both IP families, IPv4 is used.
// - With a traffic distribution, near endpoints have priority 0, farther ones follow; levels
//   without endpoints are closed up, as Envoy requires.
// - An endpoint that is a Pod of Istio's mesh is marked (istio_mtls.h).
// - No endpoint at all is an assignment too: requests fail at once instead of waiting for EDS.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/core.h"
#include "envoy/resource.h"

namespace kgw::envoy {

// Where the proxies run; empty when not known.
struct Proximity {
  std::string zone;
  std::string node;

  friend bool operator==(const Proximity&, const Proximity&) = default;
};

// One port of a Service, as its slices name it.
struct EndpointSelector {
  std::string_view port_name;
  std::string_view protocol = "TCP";
  std::int32_t port = 0;  // of the Service: for slices that do not name one
  std::string_view traffic_distribution;
};

class EndpointCollector {
 public:
  using InMesh = std::function<bool(const ObjectKey& pod)>;

  // `selector` and the slices that are added stay alive until build(). Without `in_mesh`, no
  // endpoint is in the mesh.
  EndpointCollector(EndpointSelector selector, const Proximity& proximity, InMesh in_mesh = {})
      : selector_(selector), proximity_(proximity), in_mesh_(std::move(in_mesh)) {}

  void add(const EndpointSlice& slice);
  // An address that is always ready. REQUIRES: is_ip_address(address).
  void add(std::string_view address, std::int32_t port);

  Resource build(const Name& cluster);

 private:
  enum class State : std::uint8_t { kReady, kDraining };
  struct Item {
    std::uint32_t priority = 0;
    std::string_view zone;
    std::string_view address;
    std::int32_t port = 0;
    State state = State::kReady;
    bool second_family = false;  // also listed with an IPv4 address
    bool outside_mesh = true;
  };

  void add(const Endpoint& endpoint, const Name& ns, std::int32_t port, bool second_family);
  bool is_outside_mesh(const Endpoint& endpoint, const Name& ns) const;
  std::uint32_t distance(const Endpoint& endpoint) const;
  void choose();

  EndpointSelector selector_;
  const Proximity& proximity_;
  InMesh in_mesh_;
  std::vector<Item> items_;
};

bool is_ip_address(std::string_view text);

}  // namespace kgw::envoy
