#include <algorithm>

#include "attach/hostname.h"
#include "attach/listeners.h"
#include "attach/model.h"

namespace kgw::attach {

bool operator==(const BoundListener& a, const BoundListener& b) {
  return a.id == b.id && a.port == b.port && a.protocol == b.protocol && a.tls_mode == b.tls_mode &&
         a.hostname == b.hostname && a.supported_kinds == b.supported_kinds &&
         a.route_kinds == b.route_kinds && a.unaccepted == b.unaccepted &&
         a.conflicted == b.conflicted && a.bad_kinds == b.bad_kinds &&
         a.overlapping == b.overlapping &&
         (a.owner == b.owner || a.owner->metadata == b.owner->metadata) &&
         (a.spec == b.spec || *a.spec == *b.spec);
}

bool operator==(const GatewayListeners& a, const GatewayListeners& b) {
  return (a.gateway == b.gateway || *a.gateway == *b.gateway) && a.unaccepted == b.unaccepted &&
         a.parameters == b.parameters && a.listener_sets == b.listener_sets &&
         a.listeners == b.listeners;
}

std::span<const BoundListener> GatewayListeners::of_owner(const ObjectRef& owner) const {
  const auto span = std::ranges::lower_bound(owners, owner, {}, &OwnerSpan::owner);
  if (span == owners.end() || span->owner != owner) return {};
  return std::span(listeners).subspan(span->first, span->count);
}

const BoundListener* GatewayListeners::find(const ListenerId& id) const {
  for (const BoundListener& listener : of_owner(id.owner)) {
    if (listener.id == id) return &listener;
  }
  return nullptr;
}

const BoundListener* OwnerListeners::find(const Name& name) const {
  const auto found = std::ranges::find(listeners, name, [](const auto& l) { return l.id.name; });
  return found == listeners.end() ? nullptr : &*found;
}

std::optional<Name> PortHostnames::owner_of(const Name& domain) const {
  const auto find = [&](std::string_view text) {
    const auto at = std::ranges::lower_bound(hostnames, text, {}, &Name::view);
    return at != hostnames.end() && at->view() == text ? at : hostnames.end();
  };
  std::string candidate = domain.str();
  for (;;) {
    if (const auto at = find(candidate); at != hostnames.end()) return *at;
    if (candidate.empty()) return std::nullopt;
    candidate = wider(candidate);
  }
}

const ServicePort* ServiceFacts::find_port(std::int32_t port, std::string_view l4_protocol) const {
  const auto found = std::ranges::find_if(
      ports, [&](const auto& p) { return p.port == port && p.protocol == l4_protocol; });
  return found == ports.end() ? nullptr : &*found;
}

std::string to_string(const ListenerId& id) {
  std::string text = kgw::to_string(id.gateway) + "|" + id.name.str();
  if (id.owner.kind == Kind::kListenerSet) text += " of " + kgw::to_string(id.owner);
  return text;
}

std::string to_string(const GatewayPort& id) {
  return kgw::to_string(id.gateway) + ":" + std::to_string(id.port);
}

std::string to_string(const BackendPort& id) {
  return kgw::to_string(id.backend) + ":" + std::to_string(id.port);
}

}  // namespace kgw::attach
