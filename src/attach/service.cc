#include "attach/tables.h"

namespace kgw::attach {
namespace {

bool opts_out_of_istio_mtls(const Service& service) {
  const auto& annotations = service.metadata.annotations;
  const auto found = annotations.find("kgateway.dev/disable-istio-auto-mtls");
  return found != annotations.end() && found->second == "true";
}

}  // namespace

engine::Derived<ObjectKey, ServiceFacts>& make_service_facts(engine::Graph& graph,
                                                             const Model& model) {
  return graph.derived<ObjectKey, ServiceFacts>("service facts")
      .from(model.inputs.services, [](const ObjectKey&, const Service& service, engine::Read&) {
        return std::optional(ServiceFacts{.type = service.type,
                                          .external_name = service.external_name,
                                          .headless = service.cluster_ip == "None",
                                          .traffic_distribution = service.traffic_distribution,
                                          .no_istio_mtls = opts_out_of_istio_mtls(service),
                                          .ports = service.ports});
      });
}

engine::Index<ObjectKey, ObjectKey, EndpointSlice>& make_slices_by_service(engine::Graph& graph,
                                                                           const Model& model) {
  return graph.index<ObjectKey>(
      model.inputs.endpoint_slices, "endpoint slices by service",
      [](const ObjectKey& key, const EndpointSlice& slice, auto&& emit) {
        const auto service = slice.metadata.labels.find(EndpointSlice::kServiceName);
        if (service == slice.metadata.labels.end() || service->second.empty()) return;
        emit(ObjectKey{key.ns, service->second});
      });
}

}  // namespace kgw::attach
