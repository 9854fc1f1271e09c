#include "status/feedback.h"

#include <utility>

namespace kgw::status {

bool is_bind_failure(const std::string& message) {
  return message.find("cannot bind") != std::string::npos;
}

void Feedback::published(const std::vector<PieceChange>& changes) {
  for (const PieceChange& change : changes) published(change);
}

void Feedback::published(const PieceChange& change) {
  Unit& unit = units_[change.unit];
  for (const GatewayResource& resource : change.resources) {
    unit.resources.insert(resource.resource.name);
    unit.in_flight.insert(resource.resource.name);
    Tracked& tracked = tracked_[resource];
    tracked.unit = change.unit;
    for (const auto& [route, version] : change.routes) {
      if (tracked.undelivered.insert_or_assign(route, version).second) ++waiting_[route];
    }
  }
  std::vector<Name> fresh = change.restated;
  for (const PieceChange::Piece& piece : change.added) {
    if (++unit.uses[piece.content] == 1 && !piece.keys.empty()) fresh.push_back(piece.keys.front());
  }
  for (const PieceChange::Piece& piece : change.removed) {
    const auto use = unit.uses.find(piece.content);
    if (use == unit.uses.end() || --use->second > 0) continue;
    unit.uses.erase(use);
    unit.suspects.withdrawn(piece.keys);
  }
  unit.suspects.published(fresh);
  apply_holds(change.unit, unit);
}

void Feedback::sent(const ObjectKey& gateway, const xds::Edit& edit) {
  for (const auto& [type, resource] : edit.upserts) {
    if (type != envoy::ResourceType::kRoute) continue;
    const auto found = tracked_.find({gateway, {type, resource.name}});
    if (found != tracked_.end()) found->second.version = resource.version;
  }
}

void Feedback::advance() {
  for (auto it = searching_.begin(); it != searching_.end();) {
    const GatewayResource id = *it;
    const auto found = units_.find(id);
    if (found != units_.end()) found->second.unpublished = false;
    const bool over = found == units_.end() || !found->second.suspects.searching();
    it = over ? searching_.erase(it) : std::next(it);
    if (over || !found->second.in_flight.empty()) continue;
    found->second.suspects.accepted();
    apply_holds(id, found->second);
  }
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
    set(resource, {false, unit.held.begin()->second});
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
    if (unit.in_flight.empty() && !unit.unpublished) {
      unit.suspects.accepted();
      apply_holds(id, unit);
    }
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
  unbound_.erase(resource);
  accepted_(resource);
  set(resource, {true, {}});
  const auto found = tracked_.find(resource);
  if (found == tracked_.end()) return;
  const GatewayResource id = found->second.unit;
  Unit& unit = units_[id];
  unit.in_flight.erase(key.name);
  // Or what the refused shard has would be tested without being sent again.
  if (unit.in_flight.empty() && !unit.unpublished) {
    unit.suspects.accepted();
    apply_holds(id, unit);
  }
  deliver_routes(found->second);
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
  }
  Unit* unit = found == tracked_.end() ? nullptr : &units_[found->second.unit];
  if (unit != nullptr) unit->in_flight.erase(key.name);
  if (key.type == envoy::ResourceType::kListener && is_bind_failure(message)) {
    unbound_.insert(resource);
  } else if (unit != nullptr && unit->suspects.rejected(message)) {
    apply_holds(found->second.unit, *unit);
    unit->unpublished = true;
    searching_.insert(found->second.unit);
    changed_ = true;
    return;
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
  delivery_.proxies.set(gateway, state);
  changed_ = true;
}

void Feedback::forget_proxies(const ObjectKey& gateway) {
  proxies_.erase(gateway);
  delivery_.proxies.erase(gateway);
  changed_ = true;
}

void Feedback::apply_holds(const GatewayResource& id, Unit& unit) {
  const auto& wanted = unit.suspects.held();
  if (wanted == unit.held) return;
  for (const auto& [piece, message] : unit.held) {
    if (!wanted.contains(piece)) hold_(id.resource.type, piece, nullptr);
  }
  for (const auto& [piece, message] : wanted) {
    const auto told = unit.held.find(piece);
    if (told == unit.held.end() || told->second != message) {
      hold_(id.resource.type, piece, &message);
    }
  }
  unit.held = wanted;
  // A listener is another one without the chain; a route table changes only if the rule is not left
  // out already.
  if (id.resource.type == envoy::ResourceType::kListener) unit.in_flight = unit.resources;
  changed_ = true;
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
  const auto known = refused_backends_.find(resource.gateway);
  if (rejection.empty() && known == refused_backends_.end()) return;
  RefusedBackends& refused = refused_backends_[resource.gateway];
  if (rejection.empty()) {
    if (refused.erase(resource.resource) == 0) return;
  } else {
    refused[resource.resource] = rejection;
  }
  if (refused.empty()) {
    refused_backends_.erase(resource.gateway);
    delivery_.refused_backends.erase(resource.gateway);
  } else {
    delivery_.refused_backends.set(resource.gateway, refused);
  }
  changed_ = true;
}

}  // namespace kgw::status
