#include "attach/tables.h"

namespace kgw::attach {

engine::Derived<ObjectKey, ServiceFacts>& make_service_facts(engine::Graph& graph,
                                                             const Model& model) {
  return graph.derived<ObjectKey, ServiceFacts>("service facts")
      .from(model.inputs.services, [](const ObjectKey&, const Service& service, engine::Read&) {
        return std::optional(ServiceFacts{.type = service.type,
                                          .external_name = service.external_name,
                                          .headless = service.cluster_ip == "None",
                                          .traffic_distribution = service.traffic_distribution,
                                          .ports = service.ports});
      });
}

engine::Index<ObjectKey, ObjectKey, EndpointSlice>& make_slices_by_service(engine::Graph& graph,
                                                                           const Model& model) {
  return graph.index<ObjectKey>(
      model.inputs.endpoint_slices, "endpoint slices by service",
      [](const ObjectKey& key, const EndpointSlice& slice, auto&& emit) {
        const auto service = slice.metadata.labels.find("kubernetes.io/service-name");
        if (service == slice.metadata.labels.end() || service->second.empty()) return;
        emit(ObjectKey{key.ns, service->second});
      });
}

}  // namespace kgw::attach
