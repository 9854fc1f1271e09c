#include "status/gateway_status.h"

#include <algorithm>
#include <utility>

#include "api/ineffective.h"
#include "api/text.h"
#include "attach/tls_options.h"
#include "status/conditions.h"
#include "status/warnings.h"

namespace kgw::status {
namespace {

using attach::BoundListener;
using attach::Fault;
using attach::GatewayListeners;
using attach::ListenerTlsState;

bool terminates_tls(const BoundListener& listener) {
  return listener.protocol == attach::Protocol::kHttps ||
         (listener.protocol == attach::Protocol::kTls && listener.tls_mode == TlsMode::kTerminate);
}

// Why a usable listener is not served, before any proxy is asked. Empty = it should be served.
Fault unservable(const GatewayListeners& gateway, const BoundListener& listener,
                 const ListenerTlsState* tls) {
  if (listener.conflicted) return listener.conflicted;
  if (gateway.unaccepted)
    return {"Invalid", "The Gateway is not accepted: " + gateway.unaccepted.message};
  if (listener.unaccepted) return {"Invalid", listener.unaccepted.message};
  if (terminates_tls(listener) && (tls == nullptr || !tls->usable())) {
    if (tls != nullptr && tls->unaccepted) return {"Invalid", tls->unaccepted.message};
    if (tls != nullptr && tls->unresolved) return {"Invalid", tls->unresolved.message};
    return {"Invalid", "The listener has no usable certificate."};
  }
  return {};
}

// What was acknowledged by proxies that are gone serves nobody.
Fault no_proxy(const ProxyState* proxies) {
  if (proxies == nullptr || !proxies->absent) return {};
  const std::string& problem = proxies->problem;
  return {"Pending", "No proxy is connected." + (problem.empty() ? "" : " " + problem)};
}

// Whether the Service leads to the listener. Absent: it does; without a reason: not yet.
std::optional<Fault> unreachable(const BoundListener& listener, const ProxyState* proxies) {
  if (proxies == nullptr) return std::nullopt;
  const bool udp = listener.protocol == attach::Protocol::kUdp;
  const auto missing = proxies->missing_ports.find({listener.port, udp});
  if (missing == proxies->missing_ports.end()) return std::nullopt;
  const std::string& why = missing->second;
  return Fault{why.empty() ? "Pending" : "ServicePortMissing",
               "The Service does not have port " + std::to_string(listener.port) +
                   (why.empty() ? " yet." : ": " + why)};
}

Condition listener_programmed(const Fault& fault, const std::optional<Fault>& unreachable,
                              const ListenerProgress& progress, const ProxyState* proxies,
                              std::int64_t generation) {
  if (fault) return fails("Programmed", fault, generation);
  if (const Fault absent = no_proxy(proxies)) return fails("Programmed", absent, generation);
  if (!progress.rejection.empty()) {
    return fails("Programmed", {"Invalid", progress.rejection}, generation);
  }
  if (unreachable) {
    return unreachable->reason == "Pending"
               ? pending("Programmed", unreachable->reason, unreachable->message, generation)
               : fails("Programmed", *unreachable, generation);
  }
  if (progress.acknowledged) {
    return holds("Programmed", "Programmed", "Acknowledged by every connected proxy.", generation);
  }
  const bool down = proxies != nullptr && !proxies->problem.empty();
  return pending("Programmed", "Pending",
                 down ? proxies->problem : "Waiting for a proxy to acknowledge the listener.",
                 generation);
}

ListenerStatus listener_status(const attach::Model& model, const envoy::Resources& resources,
                               const Delivery& delivery, const GatewayListeners& gateway,
                               const BoundListener& listener, std::int64_t generation,
                               engine::Read& read) {
  const ListenerTlsState* tls = read.get(model.listener_tls, listener.id);
  const Fault fault = unservable(gateway, listener, tls);

  ListenerStatus status;
  status.name = listener.id.name.str();
  status.supported_kinds = listener.supported_kinds;
  status.attached_routes =
      static_cast<std::int32_t>(read.count(model.routes_by_listener, listener.id));

  Fault unaccepted = listener.conflicted ? listener.conflicted : listener.unaccepted;
  if (!unaccepted && tls != nullptr) unaccepted = tls->unaccepted;
  Condition accepted = judge("Accepted", unaccepted, "The listener is accepted.", generation);
  if (const Fault unused = attach::ineffective_tls_options(listener); unused && !unaccepted) {
    accepted.message = accepted.message.str() + " But " + unused.message.str() + ".";
  }
  status.conditions.push_back(std::move(accepted));

  status.conditions.push_back(listener.conflicted
                                  ? Condition{"Conflicted", "True", listener.conflicted.reason,
                                              listener.conflicted.message, generation}
                                  : Condition{"Conflicted", "False", "NoConflicts",
                                              "No other listener conflicts.", generation});

  // Of negative polarity: absent unless true.
  if (listener.overlapping) {
    status.conditions.push_back({"OverlappingTLSConfig", "True", listener.overlapping.reason,
                                 listener.overlapping.message, generation});
  }

  Fault unresolved = listener.bad_kinds;
  if (!unresolved && tls != nullptr) unresolved = tls->unresolved;
  Condition resolved =
      judge("ResolvedRefs", unresolved, "All references are resolved.", generation);
  if (tls != nullptr && tls->warning) {
    resolved.message = resolved.message.str() + " " + tls->warning.message;
  }
  status.conditions.push_back(std::move(resolved));

  const ProxyState* proxies = read.get(delivery.proxies, listener.id.gateway);
  status.conditions.push_back(listener_programmed(
      fault, unreachable(listener, proxies), listener_progress(resources, delivery, listener, read),
      proxies, generation));
  return status;
}

// What the listeners together mean for their Gateway or ListenerSet.
struct Summary {
  bool any_accepted = false;
  bool any_programmed = false;
  bool any_pending = false;
  Listing unaccepted;    // "name: message"
  Listing unprogrammed;  // the same; why, as far as that is known
  Listing unresolved;
};

Summary summarize(const std::vector<ListenerStatus>& listeners) {
  Summary summary;
  for (const ListenerStatus& listener : listeners) {
    const Condition* accepted = find(listener.conditions, "Accepted");
    const Condition* programmed = find(listener.conditions, "Programmed");
    const Condition* resolved = find(listener.conditions, "ResolvedRefs");
    const auto named = [&](const Condition* condition) {
      return listener.name + ": " + condition->message.str();
    };
    const bool is_accepted = accepted->status == "True";
    summary.any_accepted |= is_accepted;
    summary.any_programmed |= programmed->status == "True";
    summary.any_pending |= programmed->status == "Unknown";
    if (!is_accepted) summary.unaccepted.add(named(accepted));
    if (programmed->status != "True") {
      summary.unprogrammed.add(named(is_accepted ? programmed : accepted));
    }
    if (resolved->status == "False") summary.unresolved.add(named(resolved));
  }
  return summary;
}

Condition programmed_of(const Summary& summary, const ProxyState* proxies,
                        std::int64_t generation) {
  if (summary.any_programmed) {
    return holds("Programmed", "Programmed",
                 summary.unprogrammed.empty()
                     ? "All listeners are programmed."
                     : "Some listeners are not programmed: " + summary.unprogrammed.text(),
                 generation);
  }
  const Fault absent = no_proxy(proxies);
  if (absent && summary.any_accepted) return fails("Programmed", absent, generation);
  if (summary.any_pending) {
    const bool down = proxies != nullptr && !proxies->problem.empty();
    return pending("Programmed", "Pending",
                   down ? proxies->problem : "Waiting for a proxy to acknowledge a listener.",
                   generation);
  }
  return fails("Programmed",
               {"Invalid", "No listener can be programmed: " + summary.unprogrammed.text()},
               generation);
}

// Of the Gateway's own references, and of those of its listeners.
Condition gateway_resolved(const attach::GatewayFacts* facts, const Summary& summary,
                           std::int64_t generation) {
  Fault unresolved = facts == nullptr ? Fault() : facts->unresolved;
  if (!unresolved && !summary.unresolved.empty()) {
    unresolved = {
        "ListenersNotResolved",
        "Some listeners have references that cannot be followed: " + summary.unresolved.text()};
  }
  return judge("ResolvedRefs", unresolved, "All references are resolved.", generation);
}

// An address that was asked for and is not there, or none at all.
Fault missing_address(const Gateway& gateway, const ProxyState* proxies) {
  if (proxies == nullptr || proxies->connected == 0 || proxies->self_managed) return {};
  for (const GatewayAddress& wanted : gateway.addresses) {
    if (wanted.value.empty()) continue;
    if (std::ranges::find(proxies->addresses, wanted.value, &GatewayAddress::value) !=
        proxies->addresses.end()) {
      continue;
    }
    return {"AddressNotUsable", "Address \"" + wanted.value + "\" cannot be used."};
  }
  if (!proxies->addresses.empty()) return {};
  const std::string& why = proxies->refused;
  return {"AddressNotAssigned", "There is no address yet" + (why.empty() ? "." : ": " + why)};
}

// Why proxies cannot be deployed as they should be. Those that run go on.
Fault undeployable(const GatewayListeners& gateway, const ProxyState* proxies) {
  if (gateway.parameters) return gateway.parameters;
  return proxies == nullptr ? Fault() : proxies->undeployable;
}

Condition gateway_programmed(const GatewayListeners& listeners, const Summary& summary,
                             const ProxyState* proxies) {
  const Gateway& gateway = *listeners.gateway;
  Condition condition = programmed_of(summary, proxies, gateway.metadata.generation);
  const Fault never = undeployable(listeners, proxies);
  if (never && condition.status == "Unknown") {
    return fails("Programmed", {"Invalid", "The Gateway is not accepted: " + never.message},
                 gateway.metadata.generation);
  }
  const Fault fault = missing_address(gateway, proxies);
  // What is wrong with an address is often why the listeners fail.
  const bool says_more = condition.status != "False" || fault.reason == "AddressNotUsable";
  return fault && says_more ? fails("Programmed", fault, gateway.metadata.generation) : condition;
}

// Whether the listener counts for its ListenerSet.
bool is_valid(const attach::Model& model, const BoundListener& listener, engine::Read& read) {
  if (!listener.usable() || listener.bad_kinds) return false;
  const ListenerTlsState* tls =
      terminates_tls(listener) ? read.get(model.listener_tls, listener.id) : nullptr;
  return tls == nullptr || (!tls->unaccepted && !tls->unresolved);
}

bool any_valid(const attach::Model& model, std::span<const BoundListener> listeners,
               engine::Read& read) {
  return std::ranges::any_of(
      listeners, [&](const BoundListener& listener) { return is_valid(model, listener, read); });
}

Condition gateway_accepted(const GatewayListeners& gateway, const Summary& summary,
                           const ProxyState* proxies, std::int64_t generation) {
  if (gateway.unaccepted) return fails("Accepted", gateway.unaccepted, generation);
  if (const Fault fault = undeployable(gateway, proxies)) {
    return fails("Accepted", fault, generation);
  }
  const std::string warnings = but(gateway_warnings(*gateway.gateway));
  if (!summary.any_accepted) {
    return fails("Accepted",
                 {"ListenersNotValid", "No listener is valid: " + summary.unaccepted.text()},
                 generation);
  }
  if (!summary.unaccepted.empty()) {
    return holds("Accepted", "ListenersNotValid",
                 "Some listeners are not valid: " + summary.unaccepted.text() + warnings,
                 generation);
  }
  std::string message = "The Gateway is accepted." + warnings;
  if (proxies != nullptr && !proxies->rival.empty()) message += " But " + proxies->rival + ".";
  return holds("Accepted", "Accepted", message, generation);
}

bool allows_insecure_fallback(const Gateway& gateway) {
  if (!gateway.tls || !gateway.tls->frontend) return false;
  const auto insecure = [](const FrontendTlsConfig& config) {
    return config.validation &&
           config.validation->mode == FrontendValidationMode::kAllowInsecureFallback;
  };
  const GatewayFrontendTls& frontend = *gateway.tls->frontend;
  return insecure(frontend.default_config) ||
         std::ranges::any_of(frontend.per_port,
                             [&](const FrontendTlsPort& port) { return insecure(port.tls); });
}

}  // namespace

GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class, const Platform* platform,
                                        const Fault& parameters) {
  std::string message = "This controller manages Gateways of this class.";
  if (platform != nullptr && !platform->missing_kinds.empty()) {
    message += " Without effect, because the API server does not serve their CRDs:";
    for (const Kind kind : platform->missing_kinds) message += " " + std::string(kind_name(kind));
    message += ".";
  }
  message += but(ineffective_metadata(gateway_class, false));
  return {{judge("Accepted", parameters, message, gateway_class.metadata.generation)},
          supported_features(platform == nullptr ? Platform() : *platform)};
}

Fault unservable(const attach::Model& model, const attach::ListenerId& id, engine::Read& read) {
  const GatewayListeners* gateway = read.get(model.listeners, id.gateway);
  if (gateway == nullptr) return {};
  const auto listener = std::ranges::find(gateway->listeners, id, &BoundListener::id);
  if (listener == gateway->listeners.end()) return {};
  return unservable(*gateway, *listener, read.get(model.listener_tls, id));
}

ListenerProgress listener_progress(const envoy::Resources& resources, const Delivery& delivery,
                                   const BoundListener& listener, engine::Read& read) {
  const std::optional<envoy::ListenerCarrier> carrier = resources.carrier(read, listener);
  if (!carrier) return {};
  const auto delivered = [&](envoy::ResourceType type, const Name& name) {
    const auto* found =
        read.get(delivery.resources, GatewayResource{listener.id.gateway, {type, name}});
    return found == nullptr ? ResourceDelivery{} : *found;
  };
  if (!carrier->quarantined.empty()) {
    return {false, "Envoy rejected the listener: " + carrier->quarantined +
                       (carrier->keeps_last ? " (what it accepted last stays in force)" : "")};
  }
  const ResourceDelivery whole = delivered(envoy::ResourceType::kListener, carrier->listener);
  if (!whole.rejection.empty()) return {false, "Envoy rejected the listener: " + whole.rejection};
  ListenerProgress progress{whole.acknowledged, {}};
  for (const Name& name : carrier->secrets) {
    const ResourceDelivery secret = delivered(envoy::ResourceType::kSecret, name);
    if (!secret.rejection.empty()) {
      return {false, "Envoy rejected the secret " + name.str() + ": " + secret.rejection};
    }
    progress.acknowledged &= secret.acknowledged;
  }
  return progress;
}

namespace {

// Of the present description nothing is known.
void report_hold(const Hold& hold, GatewayStatus& status) {
  for (Condition& condition : status.conditions) {
    if (condition.type != "Accepted" && condition.type != "Programmed") continue;
    condition =
        pending(condition.type.view(), "GatewayClassNotFound", hold.message, hold.generation);
  }
}

}  // namespace

GatewayStatus gateway_status(const attach::Model& model, const envoy::Resources& resources,
                             const Delivery& delivery, const GatewayListeners& listeners,
                             engine::Read& read) {
  const Gateway& gateway = *listeners.gateway;
  const ObjectKey key = gateway.key();
  const std::int64_t generation = gateway.metadata.generation;
  const ProxyState* proxies = read.get(delivery.proxies, key);

  GatewayStatus status;
  for (const BoundListener& listener : listeners.of_owner({Kind::kGateway, key})) {
    status.listeners.push_back(
        listener_status(model, resources, delivery, listeners, listener, generation, read));
  }
  const Summary summary = summarize(status.listeners);
  status.conditions.push_back(gateway_accepted(listeners, summary, proxies, generation));
  status.conditions.push_back(gateway_programmed(listeners, summary, proxies));
  status.conditions.push_back(
      gateway_resolved(read.get(model.gateway_facts, key), summary, generation));
  // Of negative polarity: absent unless true. What is deployed serves on.
  if (proxies != nullptr && !proxies->refused.empty()) {
    status.conditions.push_back(
        holds(kDeployFailed, "ObjectRefused", proxies->refused, generation));
  }
  if (allows_insecure_fallback(gateway)) {
    status.conditions.push_back(holds("InsecureFrontendValidationMode", "ConfigurationChanged",
                                      "Client certificates are requested but not enforced.",
                                      generation));
  }
  for (const attach::ListenerSetVerdict& set : listeners.listener_sets) {
    if (set.not_allowed) continue;
    const auto own = listeners.of_owner({Kind::kListenerSet, set.key});
    if (any_valid(model, own, read)) ++status.attached_listener_sets;
  }
  if (proxies != nullptr) status.addresses = proxies->addresses;
  if (const Hold* hold = read.get(delivery.holds, key)) report_hold(*hold, status);
  return status;
}

std::optional<ListenerSetStatus> listener_set_status(const attach::Model& model,
                                                     const envoy::Resources& resources,
                                                     const Delivery& delivery,
                                                     const ListenerSet& set, engine::Read& read) {
  const ObjectKey gateway_key = target_of(set.parent_ref, set.metadata.ns).key;
  const GatewayListeners* gateway = read.get(model.listeners, gateway_key);
  if (gateway == nullptr) return std::nullopt;
  const auto verdict =
      std::ranges::find(gateway->listener_sets, set.key(), &attach::ListenerSetVerdict::key);
  if (verdict == gateway->listener_sets.end()) return std::nullopt;

  const std::int64_t generation = set.metadata.generation;
  ListenerSetStatus status;
  if (verdict->not_allowed) {
    status.conditions.push_back(fails("Accepted", verdict->not_allowed, generation));
    status.conditions.push_back(fails("Programmed", verdict->not_allowed, generation));
    return status;
  }
  const auto own = gateway->of_owner(set.ref());
  for (const BoundListener& listener : own) {
    status.listeners.push_back(
        listener_status(model, resources, delivery, *gateway, listener, generation, read));
  }
  const Summary summary = summarize(status.listeners);
  if (!any_valid(model, own, read)) {
    const bool both = !summary.unaccepted.empty() && !summary.unresolved.empty();
    const Fault fault{"ListenersNotValid", "No listener is valid: " + summary.unaccepted.text() +
                                               (both ? "; " : "") + summary.unresolved.text()};
    status.conditions.push_back(fails("Accepted", fault, generation));
    status.conditions.push_back(fails("Programmed", fault, generation));
    return status;
  }
  const std::string warnings = but(ineffective_metadata(set, false));
  status.conditions.push_back(
      summary.unaccepted.empty()
          ? holds("Accepted", "Accepted", "The ListenerSet is accepted." + warnings, generation)
          : holds("Accepted", "ListenersNotValid",
                  "Some listeners are not valid: " + summary.unaccepted.text() + warnings,
                  generation));
  status.conditions.push_back(
      programmed_of(summary, read.get(delivery.proxies, gateway_key), generation));
  return status;
}

}  // namespace kgw::status
