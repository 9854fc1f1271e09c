#include <algorithm>

#include "attach/hostname.h"
#include "attach/tables.h"

namespace kgw::attach {
namespace {

// The route's own hostnames in normal form; one empty name when it has none.
std::vector<Name> hostnames_of(const RouteObject& route) {
  std::vector<Name> hostnames;
  for (const std::string& text : route.hostnames) hostnames.push_back(normal_hostname(text));
  if (hostnames.empty()) hostnames.emplace_back();
  return hostnames;
}

// The hosts that both stand for. Where several hostnames of the route give the same one, the most
// specific of them counts.
std::vector<AttachedHost> intersect_all(const Name& listener, const std::vector<Name>& route) {
  std::vector<AttachedHost> hosts;
  for (const Name& own : route) {
    const std::optional<Name> common = intersect(listener, own);
    if (!common) continue;
    const Name domain = domain_of(*common);
    const auto known = std::ranges::find(hosts, domain, &AttachedHost::domain);
    if (known == hosts.end()) {
      hosts.push_back({domain, own});
    } else if (more_specific(own.view(), known->route_host.view())) {
      known->route_host = own;
    }
  }
  return hosts;
}

// The judgement of one route on one parent.
class Judge {
 public:
  Judge(const Model& model, engine::Read& read, const RouteObject& route)
      : model_(model), read_(read), route_(route), hostnames_(hostnames_of(route)) {}

  std::optional<ParentBinding> judge(const ParentRef& ref) {
    const ObjectRef target = target_of(ref, route_.metadata.ns);
    if (target.kind != Kind::kGateway && target.kind != Kind::kListenerSet) return std::nullopt;
    const OwnerListeners* owner = read_.get(model_.owner_listeners, target);
    if (owner == nullptr) return std::nullopt;
    ParentBinding binding{ref, target, owner->gateway, {}, {}};
    if (owner->refused) {
      binding.unaccepted = {"NoMatchingParent",
                            to_string(target) + " is not accepted: " + owner->refused.message};
    } else {
      attach(*owner, binding);
    }
    return binding;
  }

 private:
  void attach(const OwnerListeners& owner, ParentBinding& binding) {
    bool matching = false, allowed = false;
    for (const BoundListener& listener : owner.listeners) {
      if (!matches(listener, binding.parent)) continue;
      matching = true;
      if (!allows(listener)) continue;
      allowed = true;
      bind(listener, binding);
    }
    if (!binding.listeners.empty()) return;
    if (!matching) {
      binding.unaccepted = no_match(owner, binding);
    } else if (!allowed) {
      binding.unaccepted = {
          "NotAllowedByListeners",
          "No listener of " + to_string(binding.target) + " that this parentRef selects allows a " +
              std::string(kind_name(route_.kind)) + " of namespace " + route_.metadata.ns.str()};
    } else {
      binding.unaccepted = {"NoMatchingListenerHostname",
                            "No hostname of the route intersects with the hostname of a listener "
                            "that this parentRef selects"};
    }
  }

  static bool selects(const BoundListener& listener, const ParentRef& ref) {
    if (ref.section_name && !ref.section_name->empty() &&
        *ref.section_name != listener.id.name.view()) {
      return false;
    }
    return !ref.port || *ref.port == listener.port;
  }

  // A conflicted listener does not exist for routes. One of an unsupported protocol does, but
  // allows no kind.
  static bool matches(const BoundListener& listener, const ParentRef& ref) {
    return selects(listener, ref) && !listener.conflicted;
  }

  bool allows(const BoundListener& listener) {
    return listener.usable() &&
           std::ranges::find(listener.route_kinds, route_.kind) != listener.route_kinds.end() &&
           model_.selects_namespace(read_, listener.spec->allowed_routes.namespaces,
                                    listener.id.owner.ns(), route_.metadata.ns);
  }

  void bind(const BoundListener& listener, ParentBinding& binding) {
    ListenerAttachment attachment{
        listener.id, listener.port, *listener.protocol, route_table_of(listener), {}};
    if (listener.by_hostname()) {
      attachment.hosts = intersect_all(listener.hostname, hostnames_);
      if (attachment.hosts.empty()) return;
      isolate(listener, attachment.hosts);
    }
    binding.listeners.push_back(std::move(attachment));
  }

  // Leaves out the hosts that a more specific listener of the port owns.
  void isolate(const BoundListener& listener, std::vector<AttachedHost>& hosts) {
    const PortHostnames* port =
        read_.get(model_.port_hostnames, GatewayPort{listener.id.gateway, listener.port});
    if (port == nullptr || port->hostnames.size() < 2) return;
    std::erase_if(hosts, [&](const AttachedHost& host) {
      const Name hostname = host.domain == Name("*") ? Name() : host.domain;
      return port->owner_of(hostname) != listener.hostname;
    });
  }

  static Fault no_match(const OwnerListeners& owner, const ParentBinding& binding) {
    for (const BoundListener& listener : owner.listeners) {
      if (!selects(listener, binding.parent)) continue;
      return {"NoMatchingParent", "Listener \"" + listener.id.name.str() + "\" of " +
                                      to_string(binding.target) +
                                      " is in conflict: " + listener.conflicted.message};
    }
    std::string wanted;
    const ParentRef& ref = binding.parent;
    if (ref.section_name) wanted += " named \"" + *ref.section_name + "\"";
    if (ref.port) wanted += " on port " + std::to_string(*ref.port);
    return {"NoMatchingParent", to_string(binding.target) + " has no listener" + wanted};
  }

  const Model& model_;
  engine::Read& read_;
  const RouteObject& route_;
  const std::vector<Name> hostnames_;
};

// Default Gateways (GEP-3793): as if the route named every Gateway of the scope.
void attach_to_defaults(const Model& model, engine::Read& read, const RouteObject& route,
                        Judge& judge, RouteAttachment& result) {
  if (route.use_default_gateways != "All") return;
  for (const ObjectKey& gateway : read.members(model.gateways_by_scope, "All")) {
    const ObjectRef target{Kind::kGateway, gateway};
    const auto names_it = [&](const ParentBinding& binding) { return binding.target == target; };
    if (std::ranges::any_of(result.parents, names_it)) continue;
    ParentRef ref;
    ref.ns = gateway.ns.str();
    ref.name = gateway.name.str();
    if (auto binding = judge.judge(ref)) result.parents.push_back(*std::move(binding));
  }
}

std::optional<RouteAttachment> judge_route(const Model& model, const RouteObject& route,
                                           engine::Read& read) {
  RouteAttachment result;
  Judge judge(model, read, route);
  for (const ParentRef& ref : route.parent_refs) {
    if (auto binding = judge.judge(ref)) result.parents.push_back(*std::move(binding));
  }
  attach_to_defaults(model, read, route, judge, result);
  if (result.parents.empty()) return std::nullopt;
  return result;
}

// f(const ListenerAttachment&)
template <typename F>
void for_each_listener(const RouteAttachment& route, F&& f) {
  for (const ParentBinding& parent : route.parents) {
    for (const ListenerAttachment& listener : parent.listeners) f(listener);
  }
}

}  // namespace

RouteTableId route_table_of(const BoundListener& listener) {
  const ListenerId& id = listener.id;
  if (listener.protocol == Protocol::kHttp) {
    return {id.gateway, "listener~" + std::to_string(listener.port)};
  }
  if (listener.protocol != Protocol::kHttps) return {};
  if (id.owner.kind == Kind::kGateway) return {id.gateway, id.name};
  return {id.gateway, to_string(id.owner.key) + "/" + id.name.str()};
}

engine::Derived<ObjectRef, RouteAttachment>& make_attachments(engine::Graph& graph,
                                                              const Model& model) {
  const auto judge = [&model](const auto&, const RouteObject& route, engine::Read& read) {
    return judge_route(model, route, read);
  };
  return graph.derived<ObjectRef, RouteAttachment>("attachments")
      .from(
          model.inputs.http_routes,
          [](const ObjectKey& key) { return ObjectRef{Kind::kHttpRoute, key}; }, judge)
      .from(
          model.inputs.grpc_routes,
          [](const ObjectKey& key) { return ObjectRef{Kind::kGrpcRoute, key}; }, judge)
      .from(model.inputs.stream_routes, judge);
}

engine::Index<ListenerId, ObjectRef, RouteAttachment>& make_routes_by_listener(engine::Graph& graph,
                                                                               const Model& model) {
  return graph.index<ListenerId>(
      model.attachments, "routes by listener",
      [](const ObjectRef&, const RouteAttachment& route, auto&& emit) {
        for_each_listener(route, [&](const ListenerAttachment& l) { emit(l.listener); });
      });
}

engine::Index<HostId, ObjectRef, RouteAttachment>& make_routes_by_host(engine::Graph& graph,
                                                                       const Model& model) {
  return graph.index<HostId>(model.attachments, "routes by host",
                             [](const ObjectRef&, const RouteAttachment& route, auto&& emit) {
                               for_each_listener(route, [&](const ListenerAttachment& l) {
                                 if (l.protocol == Protocol::kTls) return;
                                 for (const AttachedHost& host : l.hosts) {
                                   emit(HostId{l.table, host.domain});
                                 }
                               });
                             });
}

engine::Index<ObjectKey, ObjectRef, RouteAttachment>& make_routes_by_gateway(engine::Graph& graph,
                                                                             const Model& model) {
  return graph.index<ObjectKey>(model.attachments, "routes by gateway",
                                [](const ObjectRef&, const RouteAttachment& route, auto&& emit) {
                                  for (const ParentBinding& parent : route.parents)
                                    emit(parent.gateway);
                                });
}

}  // namespace kgw::attach
