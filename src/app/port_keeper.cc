#include "app/port_keeper.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace kgw::app {

using attach::GatewayHostPort;
using attach::PortClaims;

PortKeeper::PortKeeper(engine::Graph& graph, attach::Model& model,
                       std::function<std::string(const ObjectKey&)> proxies_of)
    : model_(model), proxies_of_(std::move(proxies_of)) {
  graph.watch(model_.port_claims, [this](auto changes) {
    for (const auto& change : changes) changed_[change.key] = change.after;
  });
}

bool PortKeeper::settle() {
  if (changed_.empty()) return false;
  for (const auto& [port, claims] : std::exchange(changed_, {})) follow(port, claims.get());
  bool asked = false;
  for (auto& [id, wish] : wishes_) asked |= !wish.granted() && ask(id, wish);
  return asked;
}

// Who has a port that is still busy is looked up now and then only: it takes reading all of /proc.
void PortKeeper::retry() {
  constexpr unsigned kLookUp = 20;
  const bool look_up = ++rounds_ % kLookUp == 0;
  for (auto& [id, wish] : wishes_) {
    if (!wish.granted() && (look_up || !deploy::PortGuard::is_busy(wish.port))) ask(id, wish);
  }
}

// Lets go what is wanted no more, or in another way.
void PortKeeper::follow(const attach::HostPort& port, const PortClaims* claims) {
  const auto wanted = [&](const GatewayHostPort& id) -> const attach::PortClaim* {
    const auto* claim = claims == nullptr ? nullptr : claims->find(id.gateway);
    return claim != nullptr && claim->has_port() ? claim : nullptr;
  };
  for (auto at = wishes_.begin(); at != wishes_.end();) {
    const auto wish = at++;
    if (wish->first.port != port) continue;
    const auto* claim = wanted(wish->first);
    if (claim == nullptr || claim->addresses != wish->second.port.addresses) drop(wish);
  }
  if (claims == nullptr) return;
  for (const attach::PortClaim& claim : claims->claims) {
    if (!claim.has_port()) continue;
    wishes_.try_emplace(
        {claim.gateway, port},
        Wish{{static_cast<std::uint16_t>(port.number), port.udp, claim.addresses}, {}});
  }
}

// True: the answer is another one.
bool PortKeeper::ask(const GatewayHostPort& id, Wish& wish) {
  const auto taken = guard_.take(wish.port, proxies_of_(id.gateway));
  attach::PortGrant answer{taken ? Name() : Name(taken.error())};
  if (wish.answer == answer) return false;
  if (!taken) {
    spdlog::warn("port {} for Gateway {}: in use by {}", to_string(id.port), to_string(id.gateway),
                 taken.error());
  }
  model_.port_grants.set(id, answer);
  wish.answer = std::move(answer);
  return true;
}

void PortKeeper::drop(Wishes::iterator wish) {
  guard_.release(wish->second.port);
  model_.port_grants.erase(wish->first);
  wishes_.erase(wish);
}

}  // namespace kgw::app
