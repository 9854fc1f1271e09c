#include "status/feedback.h"

#include <algorithm>
#include <utility>

namespace kgw::status {

bool is_bind_failure(const std::string& message) {
  return message.find("cannot bind") != std::string::npos;
}

bool Feedback::published(const std::vector<PieceChange>& changes) {
  released_.clear();
  std::set<GatewayResource> units;
  for (const PieceChange& change : changes) {
    publish(change);
    units.insert(change.unit);
  }
  bool held = false;
  for (const GatewayResource& id : units) {
    Unit& unit = units_[id];
    const std::map<Name, Held> before = unit.held;
    apply_holds(id, unit);
    held |= before != unit.held;
  }
  return held;
}

void Feedback::publish(const PieceChange& change) {
  Unit& unit = units_[change.unit];
  for (const GatewayResource& resource : change.resources) {
    unit.resources.insert(resource.resource.name);
    unit.in_flight.insert(resource.resource.name);
    unit.refused = false;
    Tracked& tracked = tracked_[resource];
    tracked.unit = change.unit;
    for (const auto& [route, version] : change.routes) {
      if (tracked.undelivered.insert_or_assign(route, version).second) ++waiting_[route];
    }
  }
  Suspects::Pieces fresh;
  for (const PieceChange::Piece& piece : change.added) {
    if (++unit.uses[piece.content] == 1 && !piece.keys.empty()) {
      fresh.emplace(piece.keys.front(), piece.owner);
    }
  }
  for (const PieceChange::Piece& piece : change.removed) {
    const auto use = unit.uses.find(piece.content);
    if (use == unit.uses.end() || --use->second > 0) continue;
    unit.uses.erase(use);
    unit.suspects.withdrawn(piece.keys);
  }
  unit.suspects.restated(change.restated);
  unit.suspects.published(fresh, clock());
}

void Feedback::withdrawn(const std::vector<PieceChange::Piece>& pieces) {
  if (pieces.empty()) return;
  for (auto& [id, unit] : units_) {
    bool any = false;
    for (const PieceChange::Piece& piece : pieces) {
      if (unit.uses.erase(piece.content) == 0) continue;
      unit.suspects.withdrawn(piece.keys);
      any = true;
    }
    if (any) apply_holds(id, unit);
  }
}

void Feedback::sent(const ObjectKey& gateway, const xds::Edit& edit) {
  for (const auto& [type, resource] : edit.upserts) {
    if (type == envoy::ResourceType::kCluster || type == envoy::ResourceType::kEndpoint) {
      if (shortfalls_.contains(gateway)) note_backend({gateway, {type, resource.name}}, {});
      continue;
    }
    if (type != envoy::ResourceType::kRoute && type != envoy::ResourceType::kListener) continue;
    const auto found = tracked_.find({gateway, {type, resource.name}});
    if (found == tracked_.end()) continue;
    Tracked& tracked = found->second;
    if (tracked.version == resource.version) {
      sent_again(resource.name, tracked);
    } else {
      tracked.version = resource.version;
      tracked.verdict = Verdict::kPending;
    }
  }
}

// What changed was held back at once, so proxies hear of nothing, and have answered already.
void Feedback::sent_again(const Name& resource, Tracked& tracked) {
  if (tracked.verdict == Verdict::kPending) return;
  const GatewayResource id = tracked.unit;
  Unit& unit = units_[id];
  unit.in_flight.erase(resource);
  if (tracked.verdict == Verdict::kRefused) {
    unit.refused = true;
    return;
  }
  deliver_routes(tracked);
  go_on(id, unit);
}

void Feedback::advance() {
  for (auto it = searching_.begin(); it != searching_.end();) {
    const GatewayResource id = *it;
    const auto found = units_.find(id);
    if (found != units_.end()) found->second.unpublished = false;
    const bool over = found == units_.end() || !found->second.suspects.searching();
    it = over ? searching_.erase(it) : std::next(it);
    if (!over) go_on(id, found->second);
  }
  const Time now = clock();
  for (auto it = paused_.begin(); it != paused_.end();) {
    const GatewayResource id = *it;
    const auto found = units_.find(id);
    const bool over = found == units_.end() || !found->second.suspects.next_release(Time());
    it = over ? paused_.erase(it) : std::next(it);
    if (over || !found->second.in_flight.empty() || released_.contains(id)) continue;
    if (found->second.unpublished || found->second.refused) continue;
    found->second.suspects.advance(now);
    apply_holds(id, found->second);
    released_.insert(id);
  }
}

std::optional<Feedback::Time> Feedback::next_release() const {
  std::optional<Time> next;
  const Time now = clock();
  for (const GatewayResource& id : paused_) {
    const auto unit = units_.find(id);
    if (unit == units_.end()) continue;
    const auto release = unit->second.suspects.next_release(now);
    if (release && (!next || *release < *next)) next = release;
  }
  return next;
}

void Feedback::removed(const GatewayResource& resource) {
  unbound_.erase(resource);
  const auto tracked = tracked_.find(resource);
  if (tracked == tracked_.end()) {
    delivery_.resources.erase(resource);
    note_backend(resource, {});
    return;
  }
  const GatewayResource id = tracked->second.unit;
  Unit& unit = units_[id];
  unit.in_flight.erase(resource.resource.name);
  const bool last = unit.resources.size() == 1;
  if (last && !unit.held.empty()) {
    // It is gone because all of its pieces are held back: letting them go would bring the refusal
    // back.
    set(resource, {false, unit.held.begin()->second.message});
    return;
  }
  delivery_.resources.erase(resource);
  changed_ = true;
  if (last) {
    for (const auto& [route, version] : tracked->second.undelivered) --waiting_[route];
    units_.erase(id);
  } else {
    deliver_routes(tracked->second);  // those that are still in flight elsewhere wait on
    unit.resources.erase(resource.resource.name);
    go_on(id, unit);
  }
  tracked_.erase(tracked);
}

void Feedback::route_removed(const RouteInTable& route) {
  delivery_.routes.erase(route);
  if (!waiting_.erase(route)) return;
  for (auto& [resource, tracked] : tracked_) tracked.undelivered.erase(route);
}

void Feedback::same_on_the_wire(const RouteInTable& route, envoy::Version version) {
  const auto waiting = waiting_.find(route);
  if (waiting == waiting_.end()) {
    delivery_.routes.set(route, version);
    changed_ = true;
    return;
  }
  for (auto& [resource, tracked] : tracked_) {
    const auto found = tracked.undelivered.find(route);
    if (found != tracked.undelivered.end()) found->second = version;
  }
}

void Feedback::on_delivered(const ObjectKey& group, const xds::ResourceKey& key, xds::Version) {
  const GatewayResource resource{group, key};
  accepted_here(resource);
  accepted_everywhere(resource);
}

void Feedback::accepted_here(const GatewayResource& resource) {
  unbound_.erase(resource);
  accepted_(resource);
  const auto found = tracked_.find(resource);
  if (found == tracked_.end()) return;
  found->second.verdict = Verdict::kAccepted;
  const GatewayResource id = found->second.unit;
  Unit& unit = units_[id];
  unit.in_flight.erase(resource.resource.name);
  // Or what the refused shard has would be tested without being sent again.
  go_on(id, unit);
}

void Feedback::accepted_everywhere(const GatewayResource& resource) {
  set(resource, {true, {}});
  const auto found = tracked_.find(resource);
  if (found != tracked_.end()) deliver_routes(found->second);
}

void Feedback::refused_elsewhere(const GatewayResource& resource, const std::string& message) {
  set(resource, {false, message});
}

// All that is published of the unit is accepted. What was released since is not.
void Feedback::go_on(const GatewayResource& id, Unit& unit) {
  if (!unit.in_flight.empty() || unit.unpublished || released_.contains(id)) return;
  const std::map<Name, Held> before = unit.held;
  unit.suspects.accepted(clock());
  apply_holds(id, unit);
  if (unit.held != before) released_.insert(id);
}

void Feedback::deliver_routes(Tracked& tracked) {
  for (const auto& [route, version] : tracked.undelivered) {
    const auto waiting = waiting_.find(route);
    if (waiting == waiting_.end() || --waiting->second > 0) continue;
    waiting_.erase(waiting);
    delivery_.routes.set(route, version);
    changed_ = true;
  }
  tracked.undelivered.clear();
}

void Feedback::on_rejected(const ObjectKey& group, const xds::ResourceKey& key,
                           xds::Version version, const std::string& message) {
  const GatewayResource resource{group, key};
  const auto found = tracked_.find(resource);
  if (found != tracked_.end()) {
    // Of several shards that are refused for the same rule, the first has led to newer ones.
    const auto& sent = found->second.version;
    const bool alone = units_[found->second.unit].resources.size() == 1;
    if (!alone && sent && *sent != version) return;
    found->second.verdict = Verdict::kRefused;
  }
  Unit* unit = found == tracked_.end() ? nullptr : &units_[found->second.unit];
  if (unit != nullptr) unit->in_flight.erase(key.name);
  if (key.type == envoy::ResourceType::kListener && is_bind_failure(message)) {
    unbound_.insert(resource);
  } else if (unit != nullptr) {
    if (unit->suspects.rejected(message, clock())) {
      apply_holds(found->second.unit, *unit);
      unit->unpublished = true;
      searching_.insert(found->second.unit);
      changed_ = true;
      return;
    }
    unit->refused = true;
  }
  set(resource, {false, message});
}

void Feedback::on_proxies_changed(const ObjectKey& group, std::size_t proxies) {
  update_proxies(group, [&](ProxyState& state) { state.connected = static_cast<int>(proxies); });
}

void Feedback::update_proxies(const ObjectKey& gateway,
                              const std::function<void(ProxyState&)>& change) {
  ProxyState& state = proxies_[gateway];
  change(state);
  if (state.connected > 0) {
    alone_since_.erase(gateway);
    state.absent = false;
  } else if (!state.absent) {
    alone_since_.try_emplace(gateway);
  }
  Shortfall& shortfall = shortfalls_[gateway];
  shortfall.no_proxy = state.absent;
  publish_shortfall(gateway);
  delivery_.proxies.set(gateway, state);
  changed_ = true;
}

void Feedback::forget_proxies(const ObjectKey& gateway) {
  proxies_.erase(gateway);
  alone_since_.erase(gateway);
  shortfalls_[gateway].no_proxy = false;
  publish_shortfall(gateway);
  delivery_.proxies.erase(gateway);
  changed_ = true;
}

void Feedback::tick(std::chrono::steady_clock::time_point now, std::chrono::seconds patience) {
  std::vector<ObjectKey> absent;
  for (auto& [gateway, since] : alone_since_) {
    if (!since) since = now;
    if (now - *since >= patience) absent.push_back(gateway);
  }
  for (const ObjectKey& gateway : absent) {
    alone_since_.erase(gateway);
    update_proxies(gateway, [](ProxyState& state) { state.absent = true; });
  }
}

void Feedback::apply_holds(const GatewayResource& id, Unit& unit) {
  const auto others = others_.find(id);
  if (unit.suspects.next_release(Time())) paused_.insert(id);
  if (!unit.suspects.held().empty() || !unit.held.empty()) judged_.insert(id.gateway);
  if (others == others_.end()) return apply(id, unit, unit.suspects.held());
  if (!unit.suspects.searching()) adopt(id, unit, others->second);
  std::map<Name, Held> wanted = unit.suspects.held();
  for (const auto& [piece, message] : others->second.applied) {
    wanted.emplace(piece, Held{.message = message, .convicted = true});
  }
  apply(id, unit, wanted);
  if (others->second.applied.empty() && others->second.wanted.empty()) others_.erase(others);
}

void Feedback::apply(const GatewayResource& id, Unit& unit, const std::map<Name, Held>& wanted) {
  if (wanted == unit.held) return;
  for (const auto& [piece, held] : unit.held) {
    if (!wanted.contains(piece) && !is_held_for_others(id, piece)) {
      hold_(id.resource.type, piece, nullptr);
    }
  }
  for (const auto& [piece, held] : wanted) {
    const auto told = unit.held.find(piece);
    if (told == unit.held.end() || told->second != held) hold_(id.resource.type, piece, &held);
  }
  unit.held = wanted;
  // A listener is another one without the chain; a route table changes only if the rule is not left
  // out already.
  if (id.resource.type == envoy::ResourceType::kListener) unit.in_flight = unit.resources;
  changed_ = true;
}

// A piece is held back wherever it stands. Another unit's own culprit must stay so when others let
// go of theirs, and the other way round.
bool Feedback::is_held_for_others(const GatewayResource& id, const Name& piece) const {
  if (others_.empty()) return false;
  return std::ranges::any_of(units_, [&](const auto& entry) {
    const auto& [unit, state] = entry;
    return unit != id && unit.resource.type == id.resource.type && state.held.contains(piece);
  });
}

// What is let go comes back into what proxies get, and they have not accepted it. Of a rule the
// next commit says by which key it is suspect then (PieceChange::restated).
void Feedback::adopt(const GatewayResource& id, Unit& unit, Others& others) {
  std::vector<Name> back;
  for (const auto& [piece, message] : others.applied) {
    if (!others.wanted.contains(piece)) back.push_back(piece);
  }
  others.applied = others.wanted;
  if (back.empty()) return;
  if (id.resource.type == envoy::ResourceType::kListener) {
    for (const Name& piece : back) unit.suspects.restated({{piece, {}}});
  }
  unit.unpublished = true;
  searching_.insert(id);
}

void Feedback::hold_for_others(const GatewayResource& unit, Pieces pieces) {
  const auto known = others_.find(unit);
  if (known == others_.end() && pieces.empty()) return;
  Others& others = others_[unit];
  if (others.wanted == pieces) return;
  others.wanted = std::move(pieces);
  const auto found = units_.find(unit);
  if (found != units_.end()) {
    apply_holds(unit, found->second);
  } else if (others.wanted.empty()) {
    others_.erase(unit);
  }
}

std::map<GatewayResource, Feedback::Pieces> Feedback::convictions(const ObjectKey& gateway) const {
  std::map<GatewayResource, Pieces> convictions;
  for (auto it = units_.lower_bound({gateway, {}});
       it != units_.end() && it->first.gateway == gateway; ++it) {
    const Suspects& suspects = it->second.suspects;
    if (suspects.searching() || it->second.unpublished) continue;
    for (const auto& [piece, held] : suspects.held()) {
      if (held.convicted) convictions[it->first][piece] = held.message;
    }
  }
  return convictions;
}

bool Feedback::is_searching(const GatewayResource& resource) const {
  const auto tracked = tracked_.find(resource);
  if (tracked == tracked_.end()) return false;
  const auto unit = units_.find(tracked->second.unit);
  return unit != units_.end() && (unit->second.suspects.searching() || unit->second.unpublished);
}

void Feedback::give_up_searches(const ObjectKey& gateway) {
  for (auto it = units_.lower_bound({gateway, {}});
       it != units_.end() && it->first.gateway == gateway; ++it) {
    if (!it->second.suspects.searching()) continue;
    it->second.suspects.give_up();
    apply_holds(it->first, it->second);
  }
}

void Feedback::set(const GatewayResource& resource, ResourceDelivery delivery) {
  note_backend(resource, delivery.rejection);
  const envoy::ResourceType type = resource.resource.type;
  if (type == envoy::ResourceType::kCluster || type == envoy::ResourceType::kEndpoint) return;
  delivery_.resources.set(resource, std::move(delivery));
  changed_ = true;
}

void Feedback::note_backend(const GatewayResource& resource, const std::string& rejection) {
  const envoy::ResourceType type = resource.resource.type;
  if (type != envoy::ResourceType::kCluster && type != envoy::ResourceType::kEndpoint) return;
  const auto known = shortfalls_.find(resource.gateway);
  if (rejection.empty() && known == shortfalls_.end()) return;
  auto& refused = shortfalls_[resource.gateway].refused;
  if (rejection.empty()) {
    if (refused.erase(resource.resource) == 0) return;
  } else {
    refused[resource.resource] = rejection;
  }
  publish_shortfall(resource.gateway);
}

// After a change of the Gateway's entry, which is dropped when it says nothing.
void Feedback::publish_shortfall(const ObjectKey& gateway) {
  const auto shortfall = shortfalls_.find(gateway);
  if (shortfall->second.empty()) {
    shortfalls_.erase(shortfall);
    delivery_.shortfalls.erase(gateway);
  } else {
    delivery_.shortfalls.set(gateway, shortfall->second);
  }
  changed_ = true;
}

}  // namespace kgw::status
