// The statuses this product reports, as plain values: what would be written under `status` of each
// kind. Transition times are left out (0): they belong to whoever stores a status and knows the one
// before.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/gateway.h"
#include "api/meta.h"
#include "api/refs.h"

namespace kgw::status {

using Conditions = std::vector<Condition>;

struct GatewayClassStatus {
  Conditions conditions;
  std::vector<std::string> supported_features;  // sorted

  friend bool operator==(const GatewayClassStatus&, const GatewayClassStatus&) = default;
};

struct ListenerStatus {
  std::string name;
  std::vector<RouteGroupKind> supported_kinds;
  std::int32_t attached_routes = 0;
  Conditions conditions;

  friend bool operator==(const ListenerStatus&, const ListenerStatus&) = default;
};

struct GatewayStatus {
  std::vector<GatewayAddress> addresses;
  Conditions conditions;
  std::vector<ListenerStatus> listeners;
  std::int32_t attached_listener_sets = 0;

  friend bool operator==(const GatewayStatus&, const GatewayStatus&) = default;
};

struct ListenerSetStatus {
  Conditions conditions;
  std::vector<ListenerStatus> listeners;

  friend bool operator==(const ListenerSetStatus&, const ListenerSetStatus&) = default;
};

struct RouteParentStatus {
  ParentRef parent_ref;
  Conditions conditions;

  friend bool operator==(const RouteParentStatus&, const RouteParentStatus&) = default;
};

struct RouteStatus {
  std::vector<RouteParentStatus> parents;

  friend bool operator==(const RouteStatus&, const RouteStatus&) = default;
};

struct PolicyAncestorStatus {
  ObjectKey gateway;
  Conditions conditions;

  friend bool operator==(const PolicyAncestorStatus&, const PolicyAncestorStatus&) = default;
};

struct PolicyStatus {
  std::vector<PolicyAncestorStatus> ancestors;

  friend bool operator==(const PolicyStatus&, const PolicyStatus&) = default;
};

struct BackendStatus {
  Conditions conditions;

  friend bool operator==(const BackendStatus&, const BackendStatus&) = default;
};

using ObjectStatus = std::variant<GatewayClassStatus, GatewayStatus, ListenerSetStatus, RouteStatus,
                                  PolicyStatus, BackendStatus>;

}  // namespace kgw::status
