#include "status/store.h"

#include <algorithm>
#include <iterator>
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

StatusStore::Stored::Stored(std::shared_ptr<const ObjectStatus> status,
                            const std::vector<std::int64_t>& times)
    : status(std::move(status)), time(times.empty() ? 0 : times.front()) {
  if (std::ranges::count(times, time) != std::ssize(times)) each = times;
}

ObjectStatus StatusStore::Stored::with_times() const {
  ObjectStatus result = *status;
  std::size_t next = 0;
  for_each_condition(result, [&](Condition& condition) {
    condition.last_transition_time = each ? (*each)[next++] : time;
  });
  return result;
}

bool StatusStore::update(const ObjectRef& object, std::shared_ptr<const ObjectStatus> status,
                         std::int64_t now) {
  const auto found = statuses_.find(object);
  if (found != statuses_.end() && *found->second.status == *status) return false;
  const std::optional<ObjectStatus> before = find(object);
  ObjectStatus next = *status;
  std::visit(
      [&]<typename Status>(Status& merged) {
        merge(merged, before ? std::get_if<Status>(&*before) : nullptr, now);
      },
      next);
  std::vector<std::int64_t> times;
  for_each_condition(
      next, [&](const Condition& condition) { times.push_back(condition.last_transition_time); });
  statuses_.insert_or_assign(object, Stored(std::move(status), times));
  ++writes_;
  return true;
}

std::optional<ObjectStatus> StatusStore::find(const ObjectRef& object) const {
  const auto found = statuses_.find(object);
  if (found == statuses_.end()) return std::nullopt;
  return found->second.with_times();
}

}  // namespace kgw::status
