#include <algorithm>
#include <array>

#include "attach/local_address.h"
#include "attach/tables.h"
#include "attach/trust.h"

namespace kgw::attach {
namespace {

ResolvedBackend refuse(std::string reason, std::string message) {
  ResolvedBackend result;
  result.unresolved = {std::move(reason), std::move(message)};
  return result;
}

bool speaks_http2(std::string_view protocol) {
  constexpr std::array kHttp2 = {"http2", "grpc", "grpc-web", "kubernetes.io/h2c"};
  return std::ranges::find(kHttp2, protocol) != kHttp2.end();
}

// Applies an appProtocol (GEP-1911), or the port name that stands in for it, to what the route
// speaks.
void apply_protocol(ResolvedBackend& result, std::string_view protocol, bool from_port_name) {
  if (result.cluster.protocol == BackendProtocol::kTcp ||
      result.cluster.protocol == BackendProtocol::kUdp) {
    return;
  }
  if (speaks_http2(protocol)) {
    result.cluster.protocol = BackendProtocol::kHttp2;
  } else if (protocol == "kubernetes.io/ws") {
    result.websocket = true;
  } else if (!from_port_name && protocol.starts_with("kubernetes.io/")) {
    result.unresolved = {"UnsupportedProtocol", "appProtocol \"" + std::string(protocol) +
                                                    "\" of " + to_string(result.cluster.backend) +
                                                    " is not supported"};
  }
}

BackendProtocol cluster_protocol(BackendProtocol preferred) {
  return preferred == BackendProtocol::kWebSocket ? BackendProtocol::kAuto : preferred;
}

ResolvedBackend resolve_service(const ObjectKey& key, const ServiceFacts* service,
                                const BackendObjectRef& ref, BackendProtocol preferred) {
  const ObjectRef backend{Kind::kService, key};
  if (!ref.port) {
    return refuse("BackendNotFound", "The reference to " + to_string(backend) + " needs a port");
  }
  if (service == nullptr) return refuse("BackendNotFound", to_string(backend) + " does not exist");
  ResolvedBackend result{{backend, *ref.port, cluster_protocol(preferred)}};
  if (service->type == "ExternalName" && service->ports.empty()) return result;
  const char* l4_protocol = preferred == BackendProtocol::kUdp ? "UDP" : "TCP";
  const ServicePort* port = service->find_port(*ref.port, l4_protocol);
  if (port == nullptr) {
    return refuse("BackendNotFound", to_string(backend) + " has no " + l4_protocol + " port " +
                                         std::to_string(*ref.port));
  }
  apply_protocol(result, port->app_protocol.value_or(port->name), !port->app_protocol);
  return result;
}

// A port picks among the hosts of a Backend. Empty: none has it. 0: all are meant.
std::optional<std::int32_t> port_among(const StaticBackend& backend,
                                       std::optional<std::int32_t> wanted) {
  if (!wanted) return 0;
  const auto having = std::ranges::count(backend.hosts, *wanted, &BackendHost::port);
  if (having == 0) return std::nullopt;
  return static_cast<std::size_t>(having) == backend.hosts.size() ? 0 : *wanted;
}

ResolvedBackend resolve_extension(const ObjectKey& key, const Backend* object,
                                  const BackendObjectRef& ref, BackendProtocol preferred) {
  const ObjectRef backend{Kind::kBackend, key};
  if (object == nullptr) return refuse("BackendNotFound", to_string(backend) + " does not exist");
  if (!object->static_backend) {
    return refuse("InvalidKind", to_string(backend) + ": type " +
                                     (object->type.empty() ? "(none)" : object->type) +
                                     " is not supported, only Static");
  }
  if (preferred == BackendProtocol::kUdp) {
    return refuse("UnsupportedProtocol", to_string(backend) + " cannot take UDP traffic");
  }
  const std::optional<std::int32_t> port = port_among(*object->static_backend, ref.port);
  if (!port) {
    return refuse("BackendNotFound",
                  to_string(backend) + " has no host with port " + std::to_string(*ref.port));
  }
  ResolvedBackend result{{backend, *port, cluster_protocol(preferred)}};
  if (object->static_backend->app_protocol) {
    apply_protocol(result, *object->static_backend->app_protocol, false);
  }
  return result;
}

Fault judge_place(const ServiceFacts* service, const Backend* backend) {
  if (service != nullptr && service->type == "ExternalName") {
    return local_host(service->external_name.view());
  }
  if (backend != nullptr && backend->static_backend) return local_host(*backend->static_backend);
  return {};
}

}  // namespace

ResolvedBackend Model::resolve_backend(engine::Read& read, const ObjectRef& from,
                                       const BackendObjectRef& ref,
                                       BackendProtocol preferred) const {
  const Kind kind = kind_of(ref.group, ref.kind);
  const ObjectKey key{ref.ns ? Name(*ref.ns) : from.ns(), ref.name};
  if (kind == Kind::kHttpRoute) {
    return refuse("InvalidKind",
                  "Delegation to " + to_string(ObjectRef{kind, key}) + " is not supported yet");
  }
  if (kind != Kind::kService && kind != Kind::kBackend) {
    return refuse("InvalidKind", "Kind " + (ref.group.empty() ? "" : ref.group + "/") + ref.kind +
                                     " is not supported as a backend");
  }
  if (!permitted(read, from, ref.group, ref.kind, key)) {
    return refuse("RefNotPermitted", "No ReferenceGrant in namespace " + key.ns.str() + " allows " +
                                         to_string(from) + " to refer to " +
                                         to_string(ObjectRef{kind, key}));
  }
  const ServiceFacts* service = kind == Kind::kService ? read.get(service_facts, key) : nullptr;
  const Backend* backend = kind == Kind::kBackend ? read.get(inputs.backends, key) : nullptr;
  ResolvedBackend result = kind == Kind::kService ? resolve_service(key, service, ref, preferred)
                                                  : resolve_extension(key, backend, ref, preferred);
  if (!result.unresolved && !trust().local_backends) {
    result.unresolved = judge_place(service, backend);
  }
  return result;
}

Name cluster_name(const ClusterId& id) {
  std::string name = id.backend.kind == Kind::kService ? "kube_" : "backend_";
  name += id.backend.ns().str() + "_" + id.backend.name().str() + "_" + std::to_string(id.port);
  switch (id.protocol) {
    case BackendProtocol::kHttp2:
      return name + "_h2";
    case BackendProtocol::kTcp:
      return name + "_tcp";
    case BackendProtocol::kUdp:
      return name + "_udp";
    case BackendProtocol::kAuto:
    case BackendProtocol::kWebSocket:
      break;
  }
  return name;
}

std::string to_string(const ClusterId& id) { return cluster_name(id).str(); }

}  // namespace kgw::attach
