#include "status/store.h"

#include <algorithm>
#include <utility>

#include "status/conditions.h"

namespace kgw::status {
namespace {

void keep_times(Conditions& next, const Conditions* before, std::int64_t now) {
  for (Condition& condition : next) {
    const Condition* old = before == nullptr ? nullptr : find(*before, condition.type);
    const bool same = old != nullptr && old->status == condition.status;
    condition.last_transition_time = same ? old->last_transition_time : now;
  }
}

void keep_times(std::vector<ListenerStatus>& next, const std::vector<ListenerStatus>* before,
                std::int64_t now) {
  for (ListenerStatus& listener : next) {
    const Conditions* old = nullptr;
    if (before != nullptr) {
      const auto found = std::ranges::find(*before, listener.name, &ListenerStatus::name);
      if (found != before->end()) old = &found->conditions;
    }
    keep_times(listener.conditions, old, now);
  }
}

// One overload per status: which lists of conditions it has, and how old and new ones pair up.
void merge(GatewayClassStatus& next, const GatewayClassStatus* before, std::int64_t now) {
  keep_times(next.conditions, before ? &before->conditions : nullptr, now);
}
void merge(BackendStatus& next, const BackendStatus* before, std::int64_t now) {
  keep_times(next.conditions, before ? &before->conditions : nullptr, now);
}
void merge(GatewayStatus& next, const GatewayStatus* before, std::int64_t now) {
  keep_times(next.conditions, before ? &before->conditions : nullptr, now);
  keep_times(next.listeners, before ? &before->listeners : nullptr, now);
}
void merge(ListenerSetStatus& next, const ListenerSetStatus* before, std::int64_t now) {
  keep_times(next.conditions, before ? &before->conditions : nullptr, now);
  keep_times(next.listeners, before ? &before->listeners : nullptr, now);
}
void merge(RouteStatus& next, const RouteStatus* before, std::int64_t now) {
  for (RouteParentStatus& parent : next.parents) {
    const Conditions* old = nullptr;
    if (before != nullptr) {
      const auto found =
          std::ranges::find(before->parents, parent.parent_ref, &RouteParentStatus::parent_ref);
      if (found != before->parents.end()) old = &found->conditions;
    }
    keep_times(parent.conditions, old, now);
  }
}
void merge(PolicyStatus& next, const PolicyStatus* before, std::int64_t now) {
  for (PolicyAncestorStatus& ancestor : next.ancestors) {
    const Conditions* old = nullptr;
    if (before != nullptr) {
      const auto found =
          std::ranges::find(before->ancestors, ancestor.gateway, &PolicyAncestorStatus::gateway);
      if (found != before->ancestors.end()) old = &found->conditions;
    }
    keep_times(ancestor.conditions, old, now);
  }
}

}  // namespace

bool StatusStore::update(const ObjectRef& object, ObjectStatus status, std::int64_t now) {
  const auto found = statuses_.find(object);
  const ObjectStatus* before = found == statuses_.end() ? nullptr : &found->second;
  std::visit(
      [&]<typename Status>(Status& next) {
        merge(next, before == nullptr ? nullptr : std::get_if<Status>(before), now);
      },
      status);
  if (before != nullptr && *before == status) return false;
  statuses_.insert_or_assign(object, std::move(status));
  ++writes_;
  return true;
}

const ObjectStatus* StatusStore::find(const ObjectRef& object) const {
  const auto found = statuses_.find(object);
  return found == statuses_.end() ? nullptr : &found->second;
}

}  // namespace kgw::status
