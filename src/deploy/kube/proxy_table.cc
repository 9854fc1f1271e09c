#include "deploy/kube/proxy_table.h"

#include <utility>

namespace kgw::deploy::kube {
namespace {

using engine::Read;

const GatewayParameters* parameters_of(const attach::Model& model, const Gateway& gateway,
                                       Read& read) {
  if (!gateway.infrastructure || !gateway.infrastructure->parameters_ref) return nullptr;
  return read.get(model.inputs.gateway_parameters,
                  ObjectKey{gateway.metadata.ns, gateway.infrastructure->parameters_ref->name});
}

const GatewayParameters* class_parameters_of(const attach::Model& model, const Gateway& gateway,
                                             Read& read) {
  const GatewayClass* gateway_class =
      read.get(model.inputs.gateway_classes, ObjectKey{{}, gateway.gateway_class_name});
  if (gateway_class == nullptr || !gateway_class->parameters_ref) return nullptr;
  const ParametersRef& ref = *gateway_class->parameters_ref;
  if (!ref.ns) return nullptr;
  return read.get(model.inputs.gateway_parameters, ObjectKey{*ref.ns, ref.name});
}

engine::Derived<ObjectKey, ProxyPlan>& make_plans(engine::Graph& graph, attach::Model& model,
                                                  engine::Input<ObjectKey, std::string>& xds_ca,
                                                  Settings settings) {
  return graph.derived<ObjectKey, ProxyPlan>("proxy plans")
      .from(model.listeners,
            [&model, &xds_ca, settings = std::move(settings)](
                const ObjectKey&, const attach::GatewayListeners& listeners,
                Read& read) -> std::optional<ProxyPlan> {
              if (listeners.unaccepted) return std::nullopt;
              if (listeners.parameters) return ProxyPlan{{}, listeners.parameters.message};
              const Gateway& gateway = *listeners.gateway;
              Settings now = settings;
              if (const std::string* ca = read.get(xds_ca, ObjectKey{})) now.xds_ca = *ca;
              auto proxy =
                  render_proxy({.gateway = gateway,
                                .ports = proxy_ports(listeners),
                                .class_parameters = class_parameters_of(model, gateway, read),
                                .parameters = parameters_of(model, gateway, read)},
                               now);
              if (!proxy) return ProxyPlan{{}, proxy.error()};
              return ProxyPlan{std::move(*proxy), {}};
            });
}

}  // namespace

bool operator==(const ProxyPlan& a, const ProxyPlan& b) {
  return a.invalid == b.invalid && a.proxy.objects == b.proxy.objects &&
         a.proxy.keep_service == b.proxy.keep_service && a.proxy.diagnostics == b.proxy.diagnostics;
}

ProxyTable::ProxyTable(engine::Graph& graph, attach::Model& model, Settings settings)
    : xds_ca(graph.input<ObjectKey, std::string>("xds ca")),
      plans(make_plans(graph, model, xds_ca, std::move(settings))) {}

}  // namespace kgw::deploy::kube
