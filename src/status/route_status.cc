#include "status/route_status.h"

#include <utility>

#include "api/text.h"
#include "status/conditions.h"
#include "status/warnings.h"

namespace kgw::status {
namespace {

using attach::Fault;
using attach::ParentBinding;

// PolicyStatus.ancestors takes no more; the policy is in force for the others all the same.
constexpr std::size_t kMaxAncestors = 16;

// What the listeners of one parent make of a route together.
struct Outcome {
  bool delivered = false;  // by some of them
  bool pending = false;    // by others
  Fault first;             // of those that do not serve it
  Listing unserved;

  void add(const Fault& fault) {
    if (!first) first = fault;
    unserved.add(fault.message.view());
  }
};

Condition route_programmed(const ParentBinding& parent, const RouteFacts& facts,
                           const ProgressOf& progress) {
  if (facts.replaced) return fails(kRouteProgrammed, facts.replaced, facts.generation);
  Outcome outcome;
  Fault idle;
  for (const attach::ListenerAttachment& listener : parent.listeners) {
    Progress state = progress(listener);
    if (state.refused) return fails(kRouteProgrammed, state.refused, facts.generation);
    if (state.unserved) outcome.add(state.unserved);
    outcome.delivered |= state.delivered;
    outcome.pending |= !state.delivered && !state.unserved && !state.idle;
    if (state.idle && !idle) idle = std::move(state.idle);
  }
  const bool nothing = !outcome.delivered && !outcome.pending;
  if (nothing && !outcome.first && idle) outcome.add(idle);
  const std::string unserved = outcome.unserved.text();
  if (nothing && outcome.first) {
    return fails(kRouteProgrammed, {outcome.first.reason, unserved}, facts.generation);
  }
  const std::string but = unserved.empty() ? "" : " But " + unserved;
  if (outcome.pending) {
    return pending(kRouteProgrammed, "Pending",
                   "Waiting for a proxy to acknowledge the rules." + but, facts.generation);
  }
  return holds(kRouteProgrammed, "Programmed", "Acknowledged by every connected proxy." + but,
               facts.generation);
}

Conditions parent_conditions(const ParentBinding& parent, const RouteFacts& facts,
                             const ProgressOf& progress) {
  const Fault& unaccepted = parent.unaccepted ? parent.unaccepted : facts.unaccepted;
  const std::string accepted =
      "The route is accepted." + (facts.warnings.empty() ? "" : " But " + facts.warnings);
  Conditions conditions;
  conditions.reserve(facts.partially_invalid ? 4 : 3);
  conditions.push_back(judge("Accepted", unaccepted, accepted, facts.generation));
  conditions.push_back(
      judge("ResolvedRefs", facts.unresolved, "All references are resolved.", facts.generation));
  if (unaccepted) return conditions;
  if (facts.partially_invalid) {
    conditions.push_back({"PartiallyInvalid", "True", facts.partially_invalid.reason,
                          facts.partially_invalid.message, facts.generation});
  }
  conditions.push_back(route_programmed(parent, facts, progress));
  return conditions;
}

}  // namespace

RouteStatus route_status(const attach::RouteAttachment& attachment, const RouteFacts& facts,
                         const ProgressOf& progress) {
  RouteStatus status;
  for (const ParentBinding& parent : attachment.parents) {
    status.parents.push_back({parent.parent, parent_conditions(parent, facts, progress)});
  }
  return status;
}

PolicyStatus backend_tls_status(const attach::BackendTlsVerdict& verdict,
                                const BackendTlsPolicy& policy) {
  const std::int64_t generation = policy.metadata.generation;
  std::string accepted = "The policy is accepted.";
  if (verdict.partial) {
    accepted += " It is not in force for every target: " + verdict.partial.message.str();
  }
  accepted += but(policy_warnings(policy));
  PolicyStatus status;
  for (const ObjectKey& gateway : verdict.gateways) {
    if (status.ancestors.size() == kMaxAncestors) break;
    status.ancestors.push_back(
        {gateway,
         {judge("Accepted", verdict.unaccepted, accepted, generation),
          judge("ResolvedRefs", verdict.unresolved, "All references are resolved.", generation)}});
  }
  return status;
}

}  // namespace kgw::status
