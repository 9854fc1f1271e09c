// A graph with a model and objects to put into it, for the tests of attach/.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "attach/model.h"

namespace kgw::attach {

struct World {
  engine::Graph graph;
  Model model;

  explicit World(Place place = {}) : model(graph, std::move(place)) {
    GatewayClass gateway_class;
    gateway_class.metadata.name = "kgateway";
    gateway_class.controller_name = kControllerName;
    set(std::move(gateway_class));
  }

  template <typename T>
  void set(T object) {
    const ObjectRef ref = object.ref();
    model.inputs.apply(ref, std::make_shared<const T>(std::move(object)));
  }
  void erase(const ObjectRef& ref) { model.inputs.apply(ref, nullptr); }
  engine::CommitStats commit() { return graph.commit(); }
};

template <typename T>
T named(T object, const char* ns, const char* name) {
  object.metadata.ns = ns;
  object.metadata.name = name;
  object.metadata.generation = 1;
  return object;
}

inline Listener listener(const char* name, const char* protocol, std::int32_t port,
                         const char* hostname = "") {
  Listener result;
  result.name = name;
  result.protocol = protocol;
  result.port = port;
  if (*hostname != '\0') result.hostname = hostname;
  return result;
}

inline Listener tls_listener(const char* name, std::int32_t port, const char* secret,
                             const char* hostname = "") {
  Listener result = listener(name, "HTTPS", port, hostname);
  ListenerTls tls;
  if (*secret != '\0') tls.certificate_refs.push_back({.name = secret});
  result.tls = tls;
  return result;
}

inline Listener allowing(Listener listener, FromNamespaces from) {
  listener.allowed_routes.namespaces.from = from;
  return listener;
}

inline Gateway gateway(const char* ns, const char* name, std::vector<Listener> listeners) {
  auto result = named(Gateway(), ns, name);
  result.gateway_class_name = "kgateway";
  result.listeners = std::move(listeners);
  return result;
}

inline ListenerSet listener_set(const char* ns, const char* name, const char* gateway_ns,
                                const char* gateway, std::vector<Listener> listeners) {
  auto result = named(ListenerSet(), ns, name);
  result.parent_ref.ns = gateway_ns;
  result.parent_ref.name = gateway;
  result.listeners = std::move(listeners);
  return result;
}

inline ParentRef parent(const char* name, const char* section = "", std::int32_t port = 0) {
  ParentRef ref;
  ref.name = name;
  if (*section != '\0') ref.section_name = section;
  if (port != 0) ref.port = port;
  return ref;
}

inline ParentRef in(ParentRef ref, const char* ns) {
  ref.ns = ns;
  return ref;
}

inline ParentRef set_parent(const char* name, const char* section = "") {
  ParentRef ref = parent(name, section);
  ref.kind = "ListenerSet";
  return ref;
}

template <typename T>
T route(T object, const char* ns, const char* name, std::vector<ParentRef> parents,
        const std::vector<std::string>& hostnames = {}) {
  object = named(std::move(object), ns, name);
  object.parent_refs = std::move(parents);
  object.hostnames.assign(hostnames.begin(), hostnames.end());
  return object;
}

inline Namespace labelled_namespace(const char* name, StringMap labels) {
  Namespace result;
  result.metadata.name = name;
  result.metadata.labels = std::move(labels);
  return result;
}

inline NamespacePolicy selecting(const char* key, const char* value) {
  LabelSelector selector;
  selector.match_labels[key] = value;
  return {FromNamespaces::kSelector, selector};
}

inline ReferenceGrant grant(const char* ns, const char* name, GrantFrom from, GrantTo to) {
  auto result = named(ReferenceGrant(), ns, name);
  result.from.push_back(std::move(from));
  result.to.push_back(std::move(to));
  return result;
}

inline constexpr const char* kGatewayApi = "gateway.networking.k8s.io";

inline Service service(const char* ns, const char* name, std::vector<ServicePort> ports) {
  auto result = named(Service(), ns, name);
  result.ports = std::move(ports);
  return result;
}

inline ObjectRef ref(Kind kind, const char* ns, const char* name) { return {kind, {ns, name}}; }

}  // namespace kgw::attach
