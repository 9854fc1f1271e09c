#include "status/feedback.h"

#include <utility>

namespace kgw::status {

bool is_bind_failure(const std::string& message) {
  return message.find("cannot bind") != std::string::npos;
}

void Feedback::published(const std::vector<PieceChange>& changes) {
  for (const PieceChange& change : changes) {
    Tracked& tracked = tracked_[change.resource];
    tracked.in_flight = true;
    std::vector<Name> fresh = change.restated;
    for (const PieceChange::Piece& piece : change.added) {
      if (++tracked.uses[piece.content] == 1 && !piece.keys.empty())
        fresh.push_back(piece.keys.front());
    }
    for (const PieceChange::Piece& piece : change.removed) {
      const auto use = tracked.uses.find(piece.content);
      if (use == tracked.uses.end() || --use->second > 0) continue;
      tracked.uses.erase(use);
      tracked.suspects.withdrawn(piece.keys);
    }
    tracked.suspects.published(fresh);
    apply_holds(change.resource, tracked);
    for (const auto& [route, version] : change.routes) {
      if (tracked.undelivered.insert_or_assign(route, version).second) ++waiting_[route];
    }
  }
}

void Feedback::advance() {
  for (auto it = searching_.begin(); it != searching_.end();) {
    const GatewayResource resource = *it;
    const auto found = tracked_.find(resource);
    const bool over = found == tracked_.end() || !found->second.suspects.searching();
    it = over ? searching_.erase(it) : std::next(it);
    if (over || found->second.in_flight) continue;
    found->second.suspects.accepted();
    apply_holds(resource, found->second);
  }
}

void Feedback::removed(const GatewayResource& resource) {
  unbound_.erase(resource);
  const auto found = tracked_.find(resource);
  if (found != tracked_.end() && !found->second.held.empty()) {
    // It is gone because all of its pieces are held back: letting them go would bring the refusal
    // back.
    found->second.in_flight = false;
    set(resource, {false, found->second.held.begin()->second});
    return;
  }
  delivery_.resources.erase(resource);
  note_backend(resource, {});
  if (found == tracked_.end()) return;
  for (const auto& [piece, message] : found->second.held) {
    hold_(resource.resource.type, piece, nullptr);
  }
  for (const auto& [route, version] : found->second.undelivered) --waiting_[route];
  tracked_.erase(found);
  changed_ = true;
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
  found->second.in_flight = false;
  found->second.suspects.accepted();
  apply_holds(resource, found->second);
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

void Feedback::on_rejected(const ObjectKey& group, const xds::ResourceKey& key, xds::Version,
                           const std::string& message) {
  const GatewayResource resource{group, key};
  const auto found = tracked_.find(resource);
  if (found != tracked_.end()) found->second.in_flight = false;
  if (key.type == envoy::ResourceType::kListener && is_bind_failure(message)) {
    unbound_.insert(resource);
  } else if (found != tracked_.end() && found->second.suspects.rejected(message)) {
    apply_holds(resource, found->second);
    searching_.insert(resource);
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

void Feedback::apply_holds(const GatewayResource& resource, Tracked& tracked) {
  const auto& wanted = tracked.suspects.held();
  if (wanted == tracked.held) return;
  for (const auto& [piece, message] : tracked.held) {
    if (!wanted.contains(piece)) hold_(resource.resource.type, piece, nullptr);
  }
  for (const auto& [piece, message] : wanted) {
    const auto told = tracked.held.find(piece);
    if (told == tracked.held.end() || told->second != message) {
      hold_(resource.resource.type, piece, &message);
    }
  }
  tracked.held = wanted;
  // A listener is another one without the chain; a route table changes only if the rule is not left
  // out already.
  if (resource.resource.type == envoy::ResourceType::kListener) tracked.in_flight = true;
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
