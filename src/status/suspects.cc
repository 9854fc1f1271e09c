#include "status/suspects.h"

#include <algorithm>
#include <utility>

namespace kgw::status {
namespace {

using Pieces = Suspects::Pieces;

template <typename Of>
std::set<Name> distinct(const Pieces& pieces, Of of) {
  std::set<Name> names;
  for (const auto& [key, owner] : pieces) names.insert(of(key, owner));
  return names;
}

// The pieces of the first half of the names, and the rest.
template <typename Of>
std::pair<Pieces, Pieces> halves(Pieces pieces, const std::set<Name>& names, Of of) {
  const Name& middle = *std::next(names.begin(), static_cast<std::ptrdiff_t>(names.size() / 2));
  Pieces first;
  for (auto it = pieces.begin(); it != pieces.end();) {
    const auto next = std::next(it);
    if (of(it->first, it->second) < middle) first.insert(pieces.extract(it));
    it = next;
  }
  return {std::move(first), std::move(pieces)};
}

const Name& tenant_of(const Name&, const Owner& owner) { return owner.tenant; }
const Name& object_of(const Name&, const Owner& owner) { return owner.object; }
const Name& key_of(const Name& key, const Owner&) { return key; }

}  // namespace

void Suspects::published(const Pieces& added, Time now) {
  Pieces arrivals;
  const std::set<Name> waiting = waiting_objects(false);
  for (const auto& [key, owner] : added) {
    const bool at_once =
        testing_.empty() && !is_convicted(owner.tenant) && !waiting.contains(owner.object);
    if (at_once || testing_.contains(key)) {
      fresh_.emplace(key, owner);
    } else {
      arrivals.emplace(key, owner);
    }
  }
  if (!arrivals.empty()) hold_arrivals(std::move(arrivals), now);
}

// An object is released as a whole: what else of it waits, or is being tested, joins the arrivals.
void Suspects::hold_arrivals(Pieces arrivals, Time now) {
  const std::set<Name> objects = distinct(arrivals, object_of);
  const std::set<Name> in_parts = waiting_objects(true);
  Group parts{.pieces = {}, .arrived = true, .parts = true, .due = now};
  for (auto it = arrivals.begin(); it != arrivals.end();) {
    const auto next = std::next(it);
    if (in_parts.contains(it->second.object)) parts.pieces.insert(arrivals.extract(it));
    it = next;
  }
  const auto join = [&](Pieces& from) {
    for (auto it = from.begin(); it != from.end();) {
      const auto next = std::next(it);
      if (objects.contains(it->second.object)) {
        fresh_.erase(it->first);
        arrivals.insert(from.extract(it));
      }
      it = next;
    }
  };
  if (!tests_parts_) join(testing_);
  for (Group& group : waiting_) {
    if (!group.parts) join(group.pieces);
  }
  std::erase_if(waiting_, [](const Group& group) { return group.pieces.empty(); });

  std::map<Name, Group> by_tenant;
  for (const auto& [key, owner] : arrivals) {
    held_.try_emplace(key, Held{.message = {}, .suspected = true});
    Group& group = by_tenant[is_convicted(owner.tenant) ? owner.tenant : Name()];
    group.arrived = true;
    group.due = is_convicted(owner.tenant) ? records_[owner.tenant].pause_ends : now;
    group.pieces.emplace(key, owner);
  }
  for (auto& [tenant, group] : by_tenant) waiting_.push_back(std::move(group));
  if (parts.pieces.empty()) return;
  for (const auto& [key, owner] : parts.pieces) held_.try_emplace(key);
  waiting_.push_back(std::move(parts));
}

// Objects that a search has come down to, or all others that wait.
std::set<Name> Suspects::waiting_objects(bool parts) const {
  std::set<Name> objects;
  for (const Group& group : waiting_) {
    if (group.parts == parts) objects.merge(distinct(group.pieces, object_of));
  }
  if (parts && tests_parts_) objects.merge(distinct(testing_, object_of));
  return objects;
}

void Suspects::withdrawn(const std::vector<Name>& removed) {
  for (const Name& key : removed) {
    fresh_.erase(key);
    testing_.erase(key);
    held_.erase(key);
    for (Group& group : waiting_) group.pieces.erase(key);
  }
  std::erase_if(waiting_, [](const Group& group) { return group.pieces.empty(); });
}

void Suspects::accepted(Time now) {
  for (const Name& tenant : distinct(testing_, tenant_of)) {
    const auto record = records_.find(tenant);
    if (!tests_arrivals_ || record == records_.end()) continue;
    if ((record->second.searches /= 2) == 0) records_.erase(record);
  }
  fresh_.clear();
  testing_.clear();
  advance(now);
}

void Suspects::advance(Time now) {
  if (!testing_.empty()) return;
  const auto group = next_group(now);
  if (group != waiting_.end()) release(group);
}

// All that has arrived from clean tenants is one group. Then the search, those without convictions
// first, then what had to wait.
std::list<Suspects::Group>::iterator Suspects::next_group(Time now) {
  const auto first_that = [&](const auto& is) { return std::ranges::find_if(waiting_, is); };
  const auto has_arrived = [&](const Group& group) {
    return group.arrived && !group.parts && is_clean(group);
  };
  const auto arrived = first_that(has_arrived);
  if (arrived == waiting_.end()) {
    auto found = first_that([&](const Group& group) { return !group.arrived && is_clean(group); });
    if (found == waiting_.end())
      found = first_that([](const Group& group) { return !group.arrived; });
    if (found != waiting_.end()) return found;
    return first_that([&](const Group& group) { return group.due <= now; });
  }
  for (auto it = std::next(arrived); it != waiting_.end();) {
    const auto next = std::next(it);
    if (has_arrived(*it)) {
      arrived->pieces.merge(it->pieces);
      waiting_.erase(it);
    }
    it = next;
  }
  return arrived;
}

bool Suspects::is_clean(const Group& group) const {
  return std::ranges::none_of(group.pieces,
                              [&](const auto& piece) { return is_convicted(piece.second.tenant); });
}

void Suspects::release(std::list<Group>::iterator group) {
  for (const auto& [key, owner] : group->pieces) held_.erase(key);
  testing_ = std::move(group->pieces);
  tests_parts_ = group->parts;
  tests_arrivals_ = group->arrived;
  waiting_.erase(group);
}

bool Suspects::rejected(const std::string& message, Time now) {
  fresh_.merge(std::exchange(testing_, {}));
  if (fresh_.empty()) return false;
  Pieces suspects = std::exchange(fresh_, {});
  for (const auto& [key, owner] : suspects) {
    held_.insert_or_assign(key, Held{.message = message, .suspected = true});
  }
  const std::set<Name> tenants = distinct(suspects, tenant_of);
  if (tenants.size() == 1) records_.try_emplace(*tenants.begin(), Record{0, now});
  if (suspects.size() == 1) {
    convict(suspects.begin()->first, suspects.begin()->second, now);
  } else {
    split(std::move(suspects), now);
  }
  return true;
}

void Suspects::split(Pieces suspects, Time now) {
  const std::set<Name> tenants = distinct(suspects, tenant_of);
  const std::set<Name> objects = distinct(suspects, object_of);
  const bool parts = objects.size() == 1;
  auto [first, second] = tenants.size() > 1 ? halves(std::move(suspects), tenants, tenant_of)
                         : !parts           ? halves(std::move(suspects), objects, object_of)
                                            : halves(suspects, distinct(suspects, key_of), key_of);
  for (Pieces* half : {&second, &first}) {
    for (const auto& [key, owner] : *half) held_[key].suspected = !parts;
    waiting_.push_front({.pieces = std::move(*half), .arrived = false, .parts = parts, .due = now});
  }
}

void Suspects::convict(const Name& key, const Owner& owner, Time now) {
  Held& held = held_[key];
  held.suspected = false;
  held.convicted = true;
  Record& record = records_[owner.tenant];
  if (record.searches == 0 || now >= record.pause_ends) ++record.searches;
  const auto pause = kFirstPause * (1 << std::min(record.searches - 1, 10));
  record.pause_ends = now + std::min<std::chrono::milliseconds>(pause, kLongestPause);
}

void Suspects::give_up() {
  for (Group& group : waiting_) {
    for (const auto& [key, owner] : group.pieces) held_.erase(key);
    fresh_.merge(group.pieces);
  }
  waiting_.clear();
  fresh_.merge(std::exchange(testing_, {}));
}

bool Suspects::searching() const {
  return !testing_.empty() || std::ranges::any_of(waiting_, [&](const Group& group) {
    return !group.arrived || is_clean(group);
  });
}

std::optional<Suspects::Time> Suspects::next_release(Time now) const {
  std::optional<Time> next;
  for (const Group& group : waiting_) {
    if (group.due > now && (!next || group.due < *next)) next = group.due;
  }
  return next;
}

}  // namespace kgw::status
