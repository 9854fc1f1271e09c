// Which matches of routes no request can reach at any host where they stand (table `match places`).
//
// It looks at each host's matches in their order, so it costs as much again as making the virtual
// hosts: only the offline check has it (Settings::report_unreachable).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "api/diagnostic.h"
#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/routes.h"
#include "policy/rules.h"

namespace kgw::envoy {

struct RulePlace {
  ObjectRef route;
  std::uint32_t rule = 0;  // index in spec.rules

  friend auto operator<=>(const RulePlace&, const RulePlace&) = default;
  friend bool operator==(const RulePlace&, const RulePlace&) = default;
};

// A match at one host.
struct MatchPlace {
  RulePlace rule;
  std::uint32_t match = 0;
  std::optional<RulePlace> covered_by;

  friend bool operator==(const MatchPlace&, const MatchPlace&) = default;
};

class Reachability {
 public:
  // Made after the tables it reads, on the same graph, which all outlive this.
  Reachability(engine::Graph& graph, const attach::Model& model, const policy::Rules& rules,
               const Routes& routes);
  Reachability(const Reachability&) = delete;
  Reachability& operator=(const Reachability&) = delete;

  // A warning for each match that another rule covers wherever it stands.
  Diagnostics warnings() const;

 private:
  const policy::Rules& rules_;
  engine::Derived<HostId, std::vector<MatchPlace>>& places_;
};

}  // namespace kgw::envoy
