#include <algorithm>
#include <tuple>

#include "attach/bind.h"
#include "attach/parameters.h"
#include "attach/tables.h"

namespace kgw::attach {
namespace {

ObjectKey parent_of(const ListenerSet& set) {
  return target_of(set.parent_ref, set.metadata.ns).key;
}

bool names_gateway(const ParentRef& ref) { return kind_of(ref.group, ref.kind) == Kind::kGateway; }

template <typename Owner>
void append_listeners(const Model& model, GatewayListeners& result, const ObjectKey& gateway,
                      const std::shared_ptr<const Owner>& owner) {
  for (const Listener& spec : owner->listeners) {
    result.listeners.push_back(bind_listener(gateway, owner, spec, model.place.own_ports));
  }
}

// The Gateway's ListenerSets in precedence order: oldest first, then by namespace/name.
std::vector<std::shared_ptr<const ListenerSet>> ordered_sets(const Model& model,
                                                             const ObjectKey& gateway,
                                                             engine::Read& read) {
  std::vector<std::shared_ptr<const ListenerSet>> sets;
  read.each(model.sets_by_gateway, gateway,
            [&](const ObjectKey&, const auto& set) { sets.push_back(set.object); });
  std::ranges::sort(sets, {}, [](const auto& set) {
    return std::tuple(set->metadata.creation_time, set->metadata.ns, set->metadata.name);
  });
  return sets;
}

Fault refusal(const Model& model, const GatewayListeners& gateway, const ListenerSet& set,
              engine::Read& read) {
  const Gateway& parent = *gateway.gateway;
  if (!model.selects_namespace(read, parent.allowed_listeners, parent.metadata.ns,
                               set.metadata.ns)) {
    return {"NotAllowed", "allowedListeners of Gateway " + to_string(parent.key()) +
                              " does not include namespace " + set.metadata.ns.str()};
  }
  if (gateway.unaccepted) {
    return {"ParentNotAccepted", "Gateway " + to_string(parent.key()) +
                                     " is not accepted: " + gateway.unaccepted.reason};
  }
  return {};
}

void note_owners(GatewayListeners& result) {
  for (std::size_t i = 0; i < result.listeners.size(); ++i) {
    const ObjectRef& owner = result.listeners[i].id.owner;
    if (result.owners.empty() || result.owners.back().owner != owner) {
      result.owners.push_back({owner, i, 0});
    }
    ++result.owners.back().count;
  }
  std::ranges::sort(result.owners, {}, &OwnerSpan::owner);
}

GatewayListeners bind_gateway(const Model& model, const ObjectKey& key,
                              const Meaning<Gateway>& gateway, engine::Read& read) {
  GatewayListeners result;
  result.gateway = gateway.object;
  result.unaccepted = judge_gateway(*gateway);
  result.parameters = judge_parameters(model, *gateway, read);
  append_listeners(model, result, key, gateway.object);
  for (const auto& set : ordered_sets(model, key, read)) {
    result.listener_sets.push_back({set->key(), refusal(model, result, *set, read)});
    if (!result.listener_sets.back().not_allowed) append_listeners(model, result, key, set);
  }
  judge_conflicts(result.listeners);
  note_owners(result);
  return result;
}

engine::Derived<ObjectKey, GatewayListeners>& feed_from_gateways(
    engine::Derived<ObjectKey, GatewayListeners>& table, const Model& model) {
  return table.from(
      model.own_gateways,
      [&model](const ObjectKey& key, const Meaning<Gateway>& gateway, engine::Read& read) {
        return std::optional(bind_gateway(model, key, gateway, read));
      });
}

OwnerListeners slice(const GatewayListeners& gateway, const ObjectRef& owner) {
  const auto own = gateway.of_owner(owner);
  return {gateway.gateway->key(), {}, {own.begin(), own.end()}};
}

std::optional<OwnerListeners> slice_of_set(const Model& model, const ObjectKey& key,
                                           const ListenerSet& set, engine::Read& read) {
  const GatewayListeners* gateway = read.get(model.listeners, parent_of(set));
  if (gateway == nullptr) return std::nullopt;
  OwnerListeners result = slice(*gateway, {Kind::kListenerSet, key});
  result.refused = refusal(model, *gateway, set, read);
  return result;
}

PortHostnames hostnames_of(const GatewayListeners& gateway, std::int32_t port) {
  PortHostnames result;
  for (const BoundListener& listener : gateway.listeners) {
    if (listener.port == port && listener.usable() && listener.by_hostname()) {
      result.hostnames.push_back(listener.hostname);
    }
  }
  std::ranges::sort(result.hostnames);
  const auto repeats = std::ranges::unique(result.hostnames);
  result.hostnames.erase(repeats.begin(), repeats.end());
  return result;
}

}  // namespace

engine::Derived<ObjectKey, Meaning<Gateway>>& make_own_gateways(engine::Graph& graph,
                                                                const Model& model) {
  return graph.derived<ObjectKey, Meaning<Gateway>>("own gateways")
      .from(model.inputs.gateways,
            [&model](const ObjectKey& key, const Gateway& gateway,
                     engine::Read& read) -> std::optional<Meaning<Gateway>> {
              const GatewayClass* gateway_class =
                  read.get(model.inputs.gateway_classes, ObjectKey{{}, gateway.gateway_class_name});
              if (gateway_class == nullptr || gateway_class->controller_name != kControllerName) {
                return std::nullopt;
              }
              return Meaning<Gateway>{read.get_shared(model.inputs.gateways, key)};
            });
}

engine::Derived<ObjectKey, Meaning<ListenerSet>>& make_declared_sets(engine::Graph& graph,
                                                                     const Model& model) {
  return graph.derived<ObjectKey, Meaning<ListenerSet>>("declared listener sets")
      .from(model.inputs.listener_sets,
            [&model](const ObjectKey& key, const ListenerSet& set,
                     engine::Read& read) -> std::optional<Meaning<ListenerSet>> {
              if (!names_gateway(set.parent_ref)) return std::nullopt;
              return Meaning<ListenerSet>{read.get_shared(model.inputs.listener_sets, key)};
            });
}

engine::Index<ObjectKey, ObjectKey, Meaning<ListenerSet>>& make_sets_by_gateway(
    engine::Graph& graph, const Model& model) {
  return graph.index<ObjectKey>(model.declared_sets, "listener sets by gateway",
                                [](const ObjectKey&, const Meaning<ListenerSet>& set, auto&& emit) {
                                  emit(parent_of(*set));
                                });
}

engine::Derived<ObjectKey, GatewayListeners>& make_declared_listeners(engine::Graph& graph,
                                                                      const Model& model) {
  auto& table = graph.derived<ObjectKey, GatewayListeners>("declared listeners");
  if (model.place.one_host) feed_from_gateways(table, model);
  return table;
}

engine::Derived<ObjectKey, GatewayListeners>& make_listeners(engine::Graph& graph,
                                                             const Model& model) {
  auto& table = graph.derived<ObjectKey, GatewayListeners>("listeners");
  if (!model.place.one_host) return feed_from_gateways(table, model);
  return table.from(
      model.declared_listeners,
      [&model](const ObjectKey& key, const GatewayListeners& declared, engine::Read& read) {
        return std::optional(with_host_ports(model, key, declared, read));
      });
}

engine::Derived<ObjectRef, OwnerListeners>& make_owner_listeners(engine::Graph& graph,
                                                                 const Model& model) {
  return graph.derived<ObjectRef, OwnerListeners>("listeners by owner")
      .from(
          model.listeners, [](const ObjectKey& key) { return ObjectRef{Kind::kGateway, key}; },
          [](const ObjectKey& key, const GatewayListeners& gateway, engine::Read&) {
            return std::optional(slice(gateway, {Kind::kGateway, key}));
          })
      .from(
          model.declared_sets,
          [](const ObjectKey& key) { return ObjectRef{Kind::kListenerSet, key}; },
          [&model](const ObjectKey& key, const Meaning<ListenerSet>& set, engine::Read& read) {
            return slice_of_set(model, key, *set, read);
          });
}

engine::Index<GatewayPort, ObjectKey, GatewayListeners>& make_gateways_by_port(engine::Graph& graph,
                                                                               const Model& model) {
  return graph.index<GatewayPort>(
      model.listeners, "gateways by port",
      [](const ObjectKey& key, const GatewayListeners& gateway, auto&& emit) {
        std::vector<std::int32_t> ports;
        for (const BoundListener& listener : gateway.listeners) {
          if (listener.usable() && listener.by_hostname()) ports.push_back(listener.port);
        }
        std::ranges::sort(ports);
        const auto repeats = std::ranges::unique(ports);
        ports.erase(repeats.begin(), repeats.end());
        for (const std::int32_t port : ports) emit(GatewayPort{key, port});
      });
}

engine::Derived<GatewayPort, PortHostnames>& make_port_hostnames(engine::Graph& graph,
                                                                 const Model& model) {
  return graph.derived<GatewayPort, PortHostnames>("port hostnames")
      .from(model.gateways_by_port, [&model](const GatewayPort& id, engine::Read& read) {
        const GatewayListeners* gateway = read.get(model.listeners, id.gateway);
        return gateway == nullptr ? std::nullopt : std::optional(hostnames_of(*gateway, id.port));
      });
}

engine::Index<std::string, ObjectKey, GatewayListeners>& make_gateways_by_scope(
    engine::Graph& graph, const Model& model) {
  return graph.index<std::string>(
      model.listeners, "gateways by default scope",
      [](const ObjectKey&, const GatewayListeners& gateway, auto&& emit) {
        if (!gateway.gateway->default_scope.empty()) emit(gateway.gateway->default_scope);
      });
}

}  // namespace kgw::attach
