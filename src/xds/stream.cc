#include "xds/stream.h"

#include <algorithm>
#include <utility>

namespace kgw::xds {

Stream::Stream(const Snapshot& snapshot, StreamObserver& observer, HeldBases& bases,
               const StreamOptions& options, Time now)
    : snapshot_(snapshot),
      observer_(observer),
      bases_(bases),
      options_(options),
      now_(now),
      subscriptions_{
          Subscription(ResourceType::kSecret),      Subscription(ResourceType::kCluster),
          Subscription(ResourceType::kEndpoint),    Subscription(ResourceType::kListener),
          Subscription(ResourceType::kScopedRoute), Subscription(ResourceType::kRoute)} {}

void Stream::changed(const Notice& notice, Responses& out) {
  for (const Change& change : notice.changes) {
    Subscription& s = subscription(change.key.type);
    const Name& name = change.key.name;
    if (!s.requested) continue;
    if (change.after == nullptr) settle(change.key.type, name);
    if (change.before != nullptr && s.holds(name, change.before->version())) {
      on_superseded(s, change.before);
    }
    if (auto frozen = s.frozen.find(name); frozen != s.frozen.end()) {
      if (change.after == nullptr) {
        s.frozen.erase(frozen);
      } else {
        frozen->second.next = std::min(frozen->second.next, notice.generation);
      }
    }
    if (s.covers(name)) mark(s, name, notice.generation, false);
    if (change.after == nullptr) forget(s, name);
  }
  flush(out);
}

// A name that came and went without being sent is not owed. Else names that come and go would
// gather for a proxy that does not answer.
void Stream::forget(Subscription& s, const Name& name) {
  auto found = s.work.find(name);
  if (found == s.work.end()) return;
  const Work& work = found->second;
  const bool sent = work.flight != Work::Flight::kNone || s.may_hold(name, work);
  if (sent || work.force) return;
  drop(s, name);
  drop_work(s, name, std::nullopt);
}

void Stream::tick(Time now, Responses& out) {
  now_ = now;
  bool progress = false;
  if (const std::size_t released = gate_.release(now, options_.gate_timeout); released > 0) {
    gates_released_ += released;
    progress = true;
  }
  if (removals_held_since_ && now - *removals_held_since_ >= options_.reconnect_grace) {
    removals_held_since_.reset();
    progress = true;
  }
  absl::erase_if(waiting_removals_, [&](const auto& waiting) {
    const auto& [key, since] = waiting;
    auto& work = subscription(key.type).work;
    auto found = work.find(key.name);
    if (found == work.end() || snapshot_.contains(key.type, key.name)) return true;
    if (now - since < options_.gate_timeout || kept_by_rejection(found->second.generation)) {
      return false;
    }
    found->second.released = true;
    ++gates_released_;
    progress = true;
    return true;
  });
  if (progress) flush(out);
}

void Stream::close() {
  for (Subscription& s : subscriptions_) {
    for (const auto& [name, work] : s.work) observer_.caught_up({s.type, name}, std::nullopt);
    s.work.clear();
  }
}

ProxyState Stream::state(const ResourceKey& key) const {
  const Subscription& s = subscriptions_[index_of(key.type)];
  if (!s.requested || !s.covers(key.name)) return ProxyState::kNotSubscribed;
  auto found = s.work.find(key.name);
  if (found == s.work.end()) return ProxyState::kAccepted;
  return found->second.refused && !found->second.dirty ? ProxyState::kRejected
                                                       : ProxyState::kPending;
}

bool Stream::holds(const ResourceKey& key, Version version) const {
  return subscriptions_[index_of(key.type)].holds(key.name, version);
}

void Stream::mark(Subscription& s, const Name& name, Generation generation, bool force) {
  auto [found, inserted] = s.work.try_emplace(name);
  Work& work = found->second;
  if (inserted) observer_.behind({s.type, name});
  work.generation = is_consumer(s.type) ? std::min(work.generation, generation) : generation;
  work.dirty = true;
  work.released = false;
  work.force |= force;
  if (s.type != ResourceType::kCluster) return;
  const bool holds = s.holds(name) && work.flight != Work::Flight::kRemoval;
  // What the proxy holds of a cluster that left and came back may be without endpoints.
  if (EntryPtr entry = snapshot_.find(s.type, name);
      entry != nullptr && (!holds || entry->added() == generation)) {
    gate_.add(name, entry->added(), now_);
  }
}

void Stream::join_wildcard(Subscription& s, Generation generation) {
  s.wildcard = true;
  s.must_answer = true;
  for (const auto& [name, entry] : snapshot_.table(s.type)) {
    mark(s, name, s.holds(name) ? generation : snapshot_.generation(), false);
  }
  for (const auto& [name, held] : s.held) {
    if (!snapshot_.contains(s.type, name)) mark(s, name, snapshot_.generation(), false);
  }
}

void Stream::leave_wildcard(Subscription& s) {
  s.wildcard = false;
  s.must_answer = false;
  std::vector<Name> left;
  for (const auto& [name, held] : s.held) {
    if (!held.subscribed()) left.push_back(name);
  }
  for (const auto& [name, work] : s.work) {
    if (!s.held.contains(name)) left.push_back(name);
  }
  for (const Name& name : left) unsubscribe(s, name);
}

void Stream::subscribe(Subscription& s, const Name& name, Generation generation, bool force) {
  s.held[name].subscribe(true);
  const bool owed = s.type == ResourceType::kEndpoint && sent_early_.erase(name) > 0;
  mark(s, name, generation, force || owed);
}

void Stream::unsubscribe(Subscription& s, const Name& name) {
  if (s.wildcard) {
    // The proxy may have dropped it, though the wildcard still covers it.
    if (Held* found = s.held.edit(name)) found->subscribe(false);
    mark(s, name, snapshot_.generation(), true);
    return;
  }
  drop(s, name);
  s.held.erase(name);
  drop_work(s, name, std::nullopt);
  if (s.type == ResourceType::kCluster) settle(s.type, name);
}

void Stream::hold(Subscription& s, const EntryPtr& entry) {
  Held& held = s.held[entry->name()];
  const Held before = held;
  held.set(entry->version());
  on_held(s, entry, before);
}

void Stream::drop(Subscription& s, const Name& name) {
  Held* held = s.held.edit(name);
  if (held == nullptr) return;
  if (held->any()) on_dropped(s, name, *held);
  held->clear();
  if (!held->subscribed()) s.held.erase(name);
}

void Stream::drop_work(Subscription& s, const Name& name, std::optional<Version> accepted) {
  s.frozen.erase(name);
  if (s.work.erase(name) > 0) observer_.caught_up({s.type, name}, accepted);
}

void Stream::flush(Responses& out) {
  do {
    settled_ = false;
    for (Subscription& s : subscriptions_) {
      Response response;
      if (s.requested && s.nonce == 0 && respond(s, response)) out.push_back(std::move(response));
    }
  } while (settled_);
  for (Subscription& s : subscriptions_) s.give_back(bases_);
  give_back(waiting_removals_);
}

bool Stream::respond(Subscription& s, Response& response) {
  if (s.work.empty() && !s.must_answer) return false;
  std::vector<Sent> selection;
  bool blocked = false;
  bool fresh = false;
  if (s.suspects_turn) select_suspects(s, selection);
  if (selection.empty()) {
    blocked = select_dirty(s, selection);
    fresh = !selection.empty();
  }
  if (selection.empty()) select_suspects(s, selection);
  // The first answer to a wildcard is complete: Envoy takes it for the whole.
  if (s.must_answer ? blocked : selection.empty()) return false;
  s.suspects_turn = fresh;
  commit(s, std::move(selection));
  response.type = s.type;
  response.nonce = std::to_string(s.nonce);
  compose(s, response);
  return true;
}

// Returns whether something must wait.
bool Stream::select_dirty(Subscription& s, std::vector<Sent>& selection) {
  bool blocked = false;
  for (auto it = s.work.begin(); it != s.work.end();) {
    const auto current = it++;  // drop_work() leaves other iterators valid
    const Name& name = current->first;
    Work& work = current->second;
    if (!work.dirty) continue;
    EntryPtr entry = snapshot_.find(s.type, name);
    if (entry == nullptr) {
      const bool silent = !s.may_hold(name, work) && !work.force;
      if (silent || !can_remove(s)) {
        drop(s, name);
        drop_work(s, Name(name), std::nullopt);
        settled_ = true;
      } else if (may_remove(s, name, work)) {
        selection.push_back({name, nullptr, work.generation});
      } else {
        waiting_removals_.try_emplace({s.type, name}, now_);
        blocked = true;
      }
    } else if (!work.force && !work.uncertain && s.holds(name, entry->version())) {
      if (s.type == ResourceType::kCluster) gate_.answered(name, lacks_endpoints(name));
      drop_work(s, Name(name), entry->version());
      settled_ = true;
    } else if (!work.force && work.refuses(entry->version())) {
      work.dirty = false;
      if (s.type == ResourceType::kCluster) gate_.remove(name);
    } else if (EntryPtr chosen = sendable(s, name, entry); chosen != nullptr) {
      selection.push_back({name, std::move(chosen), work.generation});
    } else {
      blocked = true;
    }
  }
  return blocked;
}

void Stream::select_suspects(Subscription& s, std::vector<Sent>& selection) {
  while (selection.empty() && !s.suspects.empty()) {
    const std::vector<Name> group = std::move(s.suspects.back());
    s.suspects.pop_back();
    for (const Name& name : group) {
      auto work = s.work.find(name);
      if (work == s.work.end() || !work->second.suspect) continue;
      if (work->second.dirty) {
        work->second.suspect = false;  // changed meanwhile: no longer the content under suspicion
      } else if (EntryPtr entry = snapshot_.find(s.type, name); entry != nullptr) {
        selection.push_back({name, std::move(entry), work->second.generation});
      }
    }
  }
}

EntryPtr Stream::sendable(Subscription& s, const Name& name, const EntryPtr& current) {
  if (!is_consumer(s.type)) return current;
  const Generation open = gate_.open_below();
  if (current->changed() < open) return current;
  Frozen& frozen = s.frozen.try_emplace(name, Frozen{current}).first->second;
  return frozen.entry->changed() < open ? frozen.entry : nullptr;
}

bool Stream::may_remove(const Subscription& s, const Name& name, const Work& work) {
  if (is_consumer(s.type) || work.released || !s.may_hold(name, work)) return true;
  if (removals_held_since_) return false;
  if (s.type == ResourceType::kEndpoint && subscription(ResourceType::kCluster).holds(name)) {
    return false;
  }
  return oldest_consumer() > work.generation;
}

Generation Stream::oldest_consumer() const {
  Generation oldest = kNever;
  for (const Subscription& s : subscriptions_) {
    if (!is_consumer(s.type)) continue;
    for (const auto& [name, work] : s.work) {
      if (s.holds(name) || work.uncertain) oldest = std::min(oldest, work.generation);
    }
    for (const auto& [name, frozen] : s.frozen) {
      oldest = std::min(oldest, frozen.entry->changed());
    }
    for (const Sent& sent : s.outstanding) oldest = std::min(oldest, sent.generation);
  }
  return oldest;
}

bool Stream::kept_by_rejection(Generation removed) const {
  for (const Subscription& s : subscriptions_) {
    if (!is_consumer(s.type)) continue;
    for (const auto& [name, work] : s.work) {
      const bool holds = s.holds(name) || work.uncertain;
      if (work.refused && holds && work.generation <= removed) return true;
    }
  }
  return false;
}

void Stream::commit(Subscription& s, std::vector<Sent> selection) {
  s.must_answer = false;
  s.nonce = ++last_nonce_;
  for (const Sent& sent : selection) {
    Work& work = s.work[sent.name];
    work.flight = sent.entry == nullptr ? Work::Flight::kRemoval : Work::Flight::kUpsert;
    work.force = false;
    work.dirty = false;
    if (is_consumer(s.type)) work.generation = kNever;
    if (sent.entry == nullptr) waiting_removals_.erase({s.type, sent.name});
    if (auto frozen = s.frozen.find(sent.name); frozen != s.frozen.end()) {
      if (frozen->second.entry == sent.entry && frozen->second.next != kNever) {
        work.dirty = true;
        work.generation = frozen->second.next;
      }
      s.frozen.erase(frozen);
    }
  }
  if (s.type == ResourceType::kCluster) {
    for (const Sent& sent : selection) {
      if (sent.entry != nullptr) follow_with_endpoints(sent.name);
    }
  }
  s.outstanding = std::move(selection);
}

void Stream::follow_with_endpoints(const Name& cluster) {
  Subscription& endpoints = subscription(ResourceType::kEndpoint);
  if (!endpoints.requested) {
    sent_early_.insert(cluster);
    return;
  }
  if (!endpoints.covers(cluster)) return;
  const EntryPtr entry = snapshot_.find(ResourceType::kEndpoint, cluster);
  if (entry == nullptr) return;
  auto work = endpoints.work.find(cluster);
  if (work != endpoints.work.end() && work->second.refuses(entry->version())) return;
  mark(endpoints, cluster, snapshot_.generation(), true);
}

void Stream::claimed(const Subscription& s) {
  for (const auto& [name, held] : s.held) {
    if (!held.any()) continue;
    if (s.type == ResourceType::kCluster) await_endpoints(name);
    if (s.type == ResourceType::kEndpoint) gate_.endpoints_answered(name);
  }
  if (s.type == ResourceType::kEndpoint) sent_early_ = {};
}

void Stream::await_endpoints(const Name& cluster) {
  const EntryPtr entry = snapshot_.find(ResourceType::kCluster, cluster);
  if (entry == nullptr || !lacks_endpoints(cluster)) return;
  gate_.add(cluster, entry->added(), now_);
  gate_.answered(cluster, true);
}

bool Stream::lacks_endpoints(const Name& cluster) const {
  if (!snapshot_.contains(ResourceType::kEndpoint, cluster)) return false;
  const Subscription& endpoints = subscriptions_[index_of(ResourceType::kEndpoint)];
  auto found = endpoints.work.find(cluster);
  if (found == endpoints.work.end()) return !endpoints.holds(cluster);
  const Work& work = found->second;
  return !work.refused && (!endpoints.holds(cluster) || work.flight == Work::Flight::kRemoval);
}

// The name stopped being a cluster or endpoints that somebody must wait for.
void Stream::settle(ResourceType type, const Name& name) {
  if (type == ResourceType::kEndpoint) {
    const EntryPtr cluster = snapshot_.find(ResourceType::kCluster, name);
    const bool changes =
        cluster != nullptr && !subscription(ResourceType::kCluster).holds(name, cluster->version());
    // Without endpoints it is another cluster, and the proxy must answer for that.
    if (changes) {
      gate_.asked_again(name);
    } else {
      gate_.endpoints_answered(name);
    }
  }
  // Frozen content may refer to a cluster that this proxy will never get.
  if (type == ResourceType::kCluster && gate_.remove(name)) thaw();
}

void Stream::thaw() {
  for (Subscription& s : subscriptions_) s.frozen.clear();
}

}  // namespace kgw::xds
