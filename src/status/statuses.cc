#include "status/statuses.h"

#include "status/conditions.h"
#include "status/gateway_status.h"
#include "status/route_status.h"

namespace kgw::status {
namespace {

using attach::ListenerAttachment;
using engine::Read;

struct Sources {
  const attach::Model& model;
  const policy::Rules& rules;
  const envoy::Routes& routes;
  const Delivery& delivery;
};

Progress http_progress(const Sources& sources, const ObjectRef& route,
                       const ListenerAttachment& listener, Read& read) {
  const envoy::EncodedRoute* encoded = read.get(sources.routes.encoded_routes, route);
  if (encoded == nullptr) return {};
  for (const envoy::EncodedRule& rule : encoded->rules) {
    if (!rule.refusal.empty()) return {false, rule.refusal};
  }
  if (listener.hosts.empty() || encoded->rules.empty()) return {true, {}};
  const envoy::Version* delivered =
      read.get(sources.delivery.routes, RouteInTable{route, listener.table});
  return {delivered != nullptr && *delivered == encoded->version, {}};
}

Progress stream_progress(const Sources& sources, const ListenerAttachment& listener, Read& read) {
  const bool udp = listener.protocol == attach::Protocol::kUdp;
  const Name name((udp ? "listener~udp~" : "listener~") + std::to_string(listener.port));
  const ResourceDelivery* delivery =
      read.get(sources.delivery.resources,
               GatewayResource{listener.listener.gateway, {envoy::ResourceType::kListener, name}});
  if (delivery == nullptr) return {};
  return {delivery->acknowledged, delivery->rejection};
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
  }
  return route_status(attachment, facts, [&](const ListenerAttachment& listener) {
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
  return route_status(attachment, facts, [&](const ListenerAttachment& listener) {
    return stream_progress(sources, listener, read);
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
    return BackendStatus{{holds("Accepted", "Accepted", "The backend is accepted.", generation)}};
  }
  return BackendStatus{{fails(
      "Accepted",
      {"Invalid", "Backends of type " + backend.type + " are not supported; only Static is."},
      generation)}};
}

engine::Derived<ObjectRef, ObjectStatus>& make_table(engine::Graph& graph, const Sources sources) {
  const auto as = [](Kind kind) {
    return [kind](const ObjectKey& key) { return ObjectRef{kind, key}; };
  };
  const attach::Inputs& inputs = sources.model.inputs;
  using Status = std::optional<ObjectStatus>;
  return graph.derived<ObjectRef, ObjectStatus>("statuses")
      .from(inputs.gateway_classes, as(Kind::kGatewayClass),
            [](const ObjectKey&, const GatewayClass& gateway_class, Read&) -> Status {
              if (gateway_class.controller_name != attach::kControllerName) return std::nullopt;
              return gateway_class_status(gateway_class);
            })
      .from(sources.model.listeners, as(Kind::kGateway),
            [sources](const ObjectKey&, const attach::GatewayListeners& listeners,
                      Read& read) -> Status {
              return gateway_status(sources.model, sources.delivery, listeners, read);
            })
      .from(inputs.listener_sets, as(Kind::kListenerSet),
            [sources](const ObjectKey&, const ListenerSet& set, Read& read) -> Status {
              return listener_set_status(sources.model, sources.delivery, set, read);
            })
      .from(sources.model.attachments,
            [sources](const ObjectRef& ref, const attach::RouteAttachment& attachment, Read& read)
                -> Status { return any_route_status(sources, ref, attachment, read); })
      .from(inputs.backend_tls_policies, as(Kind::kBackendTlsPolicy),
            [sources](const ObjectKey& key, const BackendTlsPolicy& policy, Read& read) -> Status {
              const auto* verdict = read.get(sources.model.backend_tls_verdicts, key);
              if (verdict == nullptr || verdict->gateways.empty()) return std::nullopt;
              return backend_tls_status(*verdict, policy.metadata.generation);
            })
      .from(inputs.backends, as(Kind::kBackend),
            [](const ObjectKey&, const Backend& backend, Read&) -> Status {
              return backend_status(backend);
            });
}

}  // namespace

Statuses::Statuses(engine::Graph& graph, attach::Model& model, policy::Rules& rules,
                   envoy::Routes& routes, Delivery& delivery)
    : table(make_table(graph, Sources{model, rules, routes, delivery})) {}

}  // namespace kgw::status
