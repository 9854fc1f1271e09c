#include "attach/parameters.h"

#include <string>

namespace kgw::attach {
namespace {

Fault invalid(std::string message) { return {"InvalidParameters", std::move(message)}; }

Fault judge_kind(const ParametersRef& ref) {
  if (ref.group == "gateway.kgateway.dev" && ref.kind == "GatewayParameters") return {};
  return invalid("parametersRef: kind " + ref.group + "/" + ref.kind +
                 " is not supported, only gateway.kgateway.dev/GatewayParameters");
}

Fault judge_presence(const Model& model, const ObjectKey& key, engine::Read& read) {
  if (read.get(model.inputs.gateway_parameters, key) != nullptr) return {};
  return invalid("parametersRef: GatewayParameters " + to_string(key) + " does not exist");
}

}  // namespace

Fault judge_parameters(const Model& model, const GatewayClass& gateway_class, engine::Read& read) {
  if (!gateway_class.parameters_ref) return {};
  const ParametersRef& ref = *gateway_class.parameters_ref;
  if (Fault fault = judge_kind(ref)) return fault;
  if (!ref.ns) return invalid("parametersRef: the namespace is required");
  return judge_presence(model, {*ref.ns, ref.name}, read);
}

Fault judge_parameters(const Model& model, const Gateway& gateway, engine::Read& read) {
  if (gateway.infrastructure && gateway.infrastructure->parameters_ref) {
    const ParametersRef& ref = *gateway.infrastructure->parameters_ref;
    Fault fault = judge_kind(ref);
    if (!fault) fault = judge_presence(model, {gateway.metadata.ns, ref.name}, read);
    if (fault) return invalid("infrastructure." + fault.message);
  }
  const GatewayClass* gateway_class =
      read.get(model.inputs.gateway_classes, ObjectKey{{}, gateway.gateway_class_name});
  if (gateway_class == nullptr) return {};
  const Fault fault = judge_parameters(model, *gateway_class, read);
  if (!fault) return {};
  return invalid("GatewayClass " + gateway_class->metadata.name.str() + ": " + fault.message);
}

}  // namespace kgw::attach
