#include "status/statuses.h"

#include <algorithm>

#include "api/ineffective.h"
#include "api/text.h"
#include "attach/parameters.h"
#include "status/conditions.h"
#include "status/gateway_status.h"
#include "status/route_status.h"
#include "status/warnings.h"

namespace kgw::status {
namespace {

using attach::ListenerAttachment;
using engine::Read;

struct Sources {
  const attach::Model& model;
  const policy::Rules& rules;
  const envoy::Routes& routes;
  const envoy::Resources& resources;
  const Delivery& delivery;
};

// Why no proxy of the Gateway serves the route, or not what it sends to.
attach::Fault shortfall(const Sources& sources, const ObjectRef& route, const ObjectKey& gateway,
                        Read& read) {
  const Shortfall* lack = read.get(sources.delivery.shortfalls, gateway);
  if (lack == nullptr) return {};
  if (lack->no_proxy) {
    return {"Pending", "No proxy of Gateway " + kgw::to_string(gateway) + " is connected."};
  }
  const auto* uses = read.get(sources.routes.cluster_users, route);
  if (uses == nullptr) return {};
  for (const envoy::GatewayCluster& use : *uses) {
    if (use.gateway != gateway) continue;
    for (const auto type : {envoy::ResourceType::kCluster, envoy::ResourceType::kEndpoint}) {
      const auto found = lack->refused.find({type, attach::cluster_name(use.cluster)});
      if (found == lack->refused.end()) continue;
      return {"BackendRejected", "Envoy rejected the " + std::string(envoy::type_name(type)) +
                                     " of " + kgw::to_string(use.cluster.backend) + ": " +
                                     found->second};
    }
  }
  return {};
}

// Why no proxy serves the listener, as far as that is known. Once a proxy has `delivered` what
// hangs on it, proxies need not be asked.
attach::Fault unserved_listener(const Sources& sources, const ListenerAttachment& listener,
                                bool delivered, Read& read) {
  const auto about = [&](std::string_view problem) {
    return "Listener " + listener.listener.name.str() + " is not served: " + std::string(problem);
  };
  if (const attach::Fault fault = unservable(sources.model, listener.listener, read)) {
    return {"ListenerNotProgrammed", about(fault.message.view())};
  }
  if (delivered) return {};
  const envoy::PortId port{listener.listener.gateway, listener.port,
                           listener.protocol == attach::Protocol::kUdp};
  const ResourceDelivery* delivery = read.get(
      sources.delivery.resources,
      GatewayResource{port.gateway, {envoy::ResourceType::kListener, envoy::listener_name(port)}});
  if (delivery == nullptr || delivery->rejection.empty()) return {};
  return {"ListenerRejected", about("Envoy rejected it: " + delivery->rejection)};
}

// A listener of HTTP, HTTPS or TLS of which other ones have every host that the route could have.
attach::Fault hosts_elsewhere(const ListenerAttachment& listener) {
  return {"NoHostLeft",
          "Listener " + listener.listener.name.str() + " on port " + std::to_string(listener.port) +
              " has no host for the route: listeners of the port with a more specific "
              "hostname have them all."};
}

Progress http_progress(const Sources& sources, const ObjectRef& route,
                       const ListenerAttachment& listener, Read& read) {
  const envoy::EncodedRoute* encoded = read.get(sources.routes.encoded_routes, route);
  if (encoded == nullptr) return {};
  if (encoded->held) return {};  // until it is known who is to blame
  for (const envoy::EncodedRule& rule : encoded->rules) {
    if (rule.refusal.empty()) continue;
    const std::string finding = rule.refused_by_proxy
                                    ? "Envoy rejected a rule: "
                                    : "A rule breaks a constraint of Envoy and is not sent to it: ";
    return {.refused = {"RouteRuleReplaced", finding + rule.refusal}};
  }
  if (auto fault = shortfall(sources, route, listener.listener.gateway, read)) {
    return {.refused = std::move(fault)};
  }
  if (listener.hosts.empty()) return {.idle = hosts_elsewhere(listener)};
  bool delivered = encoded->rules.empty();
  if (!delivered) {
    const envoy::Version* version =
        read.get(sources.delivery.routes, RouteInTable{route, listener.table});
    delivered = version != nullptr && *version == encoded->version;
  }
  // The table is that of all listeners of the port, also of those that have certificates.
  const bool tells_all = listener.protocol != attach::Protocol::kHttps;
  if (delivered && tells_all) return {.delivered = true};
  attach::Fault unserved = unserved_listener(sources, listener, delivered, read);
  const bool served = !unserved;
  return {.delivered = delivered && served, .unserved = std::move(unserved)};
}

Progress stream_progress(const Sources& sources, const ObjectRef& route,
                         const ListenerAttachment& listener, Read& read) {
  const ObjectKey& gateway = listener.listener.gateway;
  const auto* bound = read.get(sources.model.listeners, gateway);
  if (bound == nullptr) return {};
  const attach::BoundListener* found = bound->find(listener.listener);
  if (found == nullptr) return {};
  if (auto fault = shortfall(sources, route, gateway, read)) return {.refused = std::move(fault)};
  if (listener.protocol == attach::Protocol::kTls && listener.hosts.empty()) {
    return {.idle = hosts_elsewhere(listener)};
  }
  const ListenerProgress progress =
      listener_progress(sources.resources, sources.delivery, *found, read);
  if (!progress.rejection.empty()) return {.unserved = {"ListenerRejected", progress.rejection}};
  if (!progress.acknowledged)
    return {.unserved = unserved_listener(sources, listener, false, read)};
  const auto shape = envoy::shape_of(*found);
  if (!shape) return {};
  envoy::StreamLoss loss = envoy::stream_loss(
      read.get(sources.resources.stream_owners, envoy::chain_shape(*shape)), route, listener);
  if (loss.message.empty()) return {.delivered = true};
  return {.delivered = !loss.all, .unserved = {"Conflicted", std::move(loss.message)}};
}

// What is accepted of a route and has no effect, besides what its rules say.
void add_warnings(const Sources& sources, const RouteObject& route,
                  const attach::RouteAttachment& attachment, RouteFacts& facts, Read& read) {
  const attach::Inputs& inputs = sources.model.inputs;
  Diagnostics warnings = ineffective_metadata(route, sources.resources.settings.weighted_routes);
  std::ranges::move(parent_warnings(route, &attachment,
                                    [&](const ObjectRef& parent) {
                                      return parent.kind == Kind::kGateway
                                                 ? read.get(inputs.gateways, parent.key) != nullptr
                                                 : read.get(inputs.listener_sets, parent.key) !=
                                                       nullptr;
                                    }),
                    std::back_inserter(warnings));
  Listing listing;
  if (!facts.warnings.empty()) listing.add(facts.warnings);
  for (const Diagnostic& each : warnings) listing.add(each.field + ": " + each.message);
  facts.warnings = listing.text();
}

// The attachment as it is where a Gateway does not take the route for its number of entries; absent
// where all do.
std::optional<attach::RouteAttachment> with_refusals(const Sources& sources, const ObjectRef& ref,
                                                     const attach::RouteAttachment& attachment,
                                                     Read& read) {
  std::optional<attach::RouteAttachment> judged;
  for (std::size_t i = 0; i < attachment.parents.size(); ++i) {
    const attach::ParentBinding& parent = attachment.parents[i];
    if (parent.listeners.empty()) continue;
    const auto fault = sources.routes.loads.refusal(read, ref, parent.gateway);
    if (!fault) continue;
    if (!judged) judged = attachment;
    judged->parents[i].unaccepted = fault;
    judged->parents[i].listeners.clear();
  }
  return judged;
}

template <typename Route>
ObjectStatus http_route_status(const Sources& sources, const Route& route,
                               const attach::RouteAttachment& attachment, Read& read) {
  const ObjectRef ref = route.ref();
  RouteFacts facts{.generation = route.metadata.generation};
  if (const policy::BoundRoute* bound = read.get(sources.rules.rules, ref)) {
    facts.unaccepted = bound->unaccepted;
    facts.unresolved = bound->unresolved;
    facts.partially_invalid = bound->partially_invalid;
    facts.replaced = bound->replaced;
    facts.warnings = bound->warnings;
  }
  add_warnings(sources, route, attachment, facts, read);
  const auto judged = with_refusals(sources, ref, attachment, read);
  return route_status(judged ? *judged : attachment, facts,
                      [&](const ListenerAttachment& listener) {
                        return http_progress(sources, ref, listener, read);
                      });
}

ObjectStatus stream_route_status(const Sources& sources, const StreamRoute& route,
                                 const attach::RouteAttachment& attachment, Read& read) {
  RouteFacts facts{.generation = route.metadata.generation};
  if (const policy::BoundStreamRoute* bound = read.get(sources.rules.stream_rules, route.ref())) {
    facts.unaccepted = bound->unaccepted;
    facts.unresolved = bound->unresolved;
  }
  add_warnings(sources, route, attachment, facts, read);
  return route_status(attachment, facts, [&](const ListenerAttachment& listener) {
    return stream_progress(sources, route.ref(), listener, read);
  });
}

std::optional<ObjectStatus> any_route_status(const Sources& sources, const ObjectRef& ref,
                                             const attach::RouteAttachment& attachment,
                                             Read& read) {
  if (attachment.parents.empty()) return std::nullopt;
  const attach::Inputs& inputs = sources.model.inputs;
  if (ref.kind == Kind::kHttpRoute) {
    const HttpRoute* route = read.get(inputs.http_routes, ref.key);
    if (route != nullptr) return http_route_status(sources, *route, attachment, read);
  } else if (ref.kind == Kind::kGrpcRoute) {
    const GrpcRoute* route = read.get(inputs.grpc_routes, ref.key);
    if (route != nullptr) return http_route_status(sources, *route, attachment, read);
  } else if (const StreamRoute* route = read.get(inputs.stream_routes, ref)) {
    return stream_route_status(sources, *route, attachment, read);
  }
  return std::nullopt;
}

ObjectStatus backend_status(const Backend& backend) {
  const std::int64_t generation = backend.metadata.generation;
  if (backend.static_backend) {
    return BackendStatus{{holds(
        "Accepted", "Accepted",
        "The backend is accepted." + but(ineffective_metadata(backend, false)), generation)}};
  }
  return BackendStatus{{fails(
      "Accepted",
      {"Invalid", "Backends of type " + backend.type + " are not supported; only Static is."},
      generation)}};
}

// What `compute` gives, fit to be shown. Everything that has a status goes through here.
template <typename Compute>
auto presentable(Compute compute) {
  return [compute = std::move(compute)](const auto& key, const auto& value, Read& read) {
    std::optional<ObjectStatus> status = compute(key, value, read);
    if (status) make_presentable(*status);
    return status;
  };
}

engine::Derived<ObjectRef, ObjectStatus>& make_table(engine::Graph& graph, const Sources sources) {
  const auto as = [](Kind kind) {
    return [kind](const ObjectKey& key) { return ObjectRef{kind, key}; };
  };
  const attach::Inputs& inputs = sources.model.inputs;
  using Status = std::optional<ObjectStatus>;
  return graph.derived<ObjectRef, ObjectStatus>("statuses")
      .from(inputs.gateway_classes, as(Kind::kGatewayClass),
            presentable([sources](const ObjectKey&, const GatewayClass& gateway_class,
                                  Read& read) -> Status {
              if (gateway_class.controller_name != attach::kControllerName) return std::nullopt;
              return gateway_class_status(
                  gateway_class, read.get(sources.delivery.platform, ObjectKey{}),
                  attach::judge_parameters(sources.model, gateway_class, read));
            }))
      .from(sources.model.listeners, as(Kind::kGateway),
            presentable([sources](const ObjectKey&, const attach::GatewayListeners& listeners,
                                  Read& read) -> Status {
              return gateway_status(sources.model, sources.resources, sources.delivery, listeners,
                                    read);
            }))
      .from(inputs.listener_sets, as(Kind::kListenerSet),
            presentable([sources](const ObjectKey&, const ListenerSet& set, Read& read) -> Status {
              return listener_set_status(sources.model, sources.resources, sources.delivery, set,
                                         read);
            }))
      .from(sources.model.attachments,
            presentable([sources](const ObjectRef& ref, const attach::RouteAttachment& attachment,
                                  Read& read) -> Status {
              return any_route_status(sources, ref, attachment, read);
            }))
      .from(inputs.backend_tls_policies, as(Kind::kBackendTlsPolicy),
            presentable([sources](const ObjectKey& key, const BackendTlsPolicy& policy,
                                  Read& read) -> Status {
              const auto* verdict = read.get(sources.model.backend_tls_verdicts, key);
              if (verdict == nullptr || verdict->gateways.empty()) return std::nullopt;
              return backend_tls_status(*verdict, policy);
            }))
      .from(inputs.backends, as(Kind::kBackend),
            presentable([](const ObjectKey&, const Backend& backend, Read&) -> Status {
              return backend_status(backend);
            }));
}

}  // namespace

Statuses::Statuses(engine::Graph& graph, attach::Model& model, policy::Rules& rules,
                   envoy::Routes& routes, envoy::Resources& resources, Delivery& delivery)
    : table(make_table(graph, Sources{model, rules, routes, resources, delivery})) {}

}  // namespace kgw::status
