// Which BackendTLSPolicy governs which port (GEP-1897).
#include "attach/backend_tls.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "attach/tables.h"

namespace kgw::attach {
namespace {

using Policies = std::vector<std::pair<ObjectKey, const BackendTlsPolicy*>>;

// In precedence order: older first, then by namespace/name.
Policies policies_of(const Model& model, const ObjectRef& target, engine::Read& read) {
  Policies policies;
  read.each(model.tls_policies_by_target, target,
            [&](const ObjectKey& key, const BackendTlsPolicy& policy) {
              policies.emplace_back(key, &policy);
            });
  std::ranges::stable_sort(policies, {},
                           [](const auto& entry) { return entry.second->metadata.creation_time; });
  return policies;
}

struct TargetPort {
  std::int32_t port = 0;
  std::string name;
};

// Absent: the target does not exist.
std::optional<std::vector<TargetPort>> ports_of(const Model& model, const ObjectRef& target,
                                                engine::Read& read) {
  std::vector<TargetPort> ports;
  if (target.kind == Kind::kBackend) {
    if (read.get(model.inputs.backends, target.key) == nullptr) return std::nullopt;
    return std::vector{TargetPort{}};
  }
  const ServiceFacts* service = read.get(model.service_facts, target.key);
  if (service == nullptr) return std::nullopt;
  for (const ServicePort& port : service->ports) {
    if (port.protocol == "TCP") ports.push_back({port.port, port.name});
  }
  return ports;
}

Fault judge_section(const ObjectRef& target, const std::string& section,
                    const std::optional<std::vector<TargetPort>>& ports) {
  if (!ports) return {"TargetNotFound", to_string(target) + " does not exist"};
  if (section.empty() || std::ranges::find(*ports, section, &TargetPort::name) != ports->end()) {
    return {};
  }
  return {"TargetNotFound", to_string(target) + " has no TCP port named \"" + section + "\""};
}

TargetTls judge_target(const Model& model, const ObjectRef& target, engine::Read& read) {
  const auto ports = ports_of(model, target, read);
  std::map<std::string, ObjectKey> winners;  // by section
  TargetTls result;
  for (const auto& [key, policy] : policies_of(model, target, read)) {
    for (const PolicyTargetRef& ref : policy->target_refs) {
      if (target_of(*policy, ref) != target) continue;
      const std::string section = ref.section_name.value_or("");
      Fault lost = judge_section(target, section, ports);
      if (!lost) {
        const auto [winner, won] = winners.try_emplace(section, key);
        if (!won) {
          lost = {"Conflicted", "BackendTLSPolicy " + to_string(winner->second) +
                                    " has the same target and precedence"};
        }
      }
      result.outcomes.push_back({key, section, std::move(lost)});
    }
  }
  for (const TargetPort& port : ports.value_or(std::vector<TargetPort>{})) {
    auto winner = port.name.empty() ? winners.end() : winners.find(port.name);
    if (winner == winners.end()) winner = winners.find("");
    if (winner != winners.end()) result.ports.emplace_back(port.port, winner->second);
  }
  std::ranges::sort(result.ports);
  return result;
}

Fault check_ca(const Model& model, const LocalObjectRef& ref, const ObjectRef& object,
               engine::Read& read) {
  if (object.kind != Kind::kConfigMap && object.kind != Kind::kSecret) {
    return {"InvalidKind", "Kind " + (ref.group.empty() ? "" : ref.group + "/") + ref.kind +
                               " is not supported as a certificate authority, only ConfigMap and "
                               "Secret"};
  }
  const CaBundle* bundle = read.get(model.ca_bundles, object);
  if (bundle == nullptr) {
    return {"InvalidCACertificateRef", to_string(object) + " does not exist"};
  }
  if (bundle->invalid) {
    return {"InvalidCACertificateRef", to_string(object) + ": " + bundle->invalid.message};
  }
  return {};
}

std::optional<BackendTls> tls_of(const Model& model, const BackendPort& id, engine::Read& read) {
  const TargetTls* target = read.get(model.target_tls, id.backend);
  if (target == nullptr) return std::nullopt;
  const auto port = std::ranges::find(target->ports, id.port, [](auto& p) { return p.first; });
  if (port == target->ports.end()) return std::nullopt;
  const BackendTlsPolicy* policy = read.get(model.inputs.backend_tls_policies, port->second);
  if (policy == nullptr) return std::nullopt;
  Validation validation = judge_validation(model, *policy, read);
  return BackendTls{port->second,
                    policy->hostname,
                    policy->subject_alt_names,
                    std::move(validation.ca_references),
                    validation.system_ca,
                    std::move(validation.unaccepted)};
}

}  // namespace

ObjectRef target_of(const BackendTlsPolicy& policy, const PolicyTargetRef& ref) {
  const Kind kind = kind_of(ref.group, ref.kind);
  if (kind != Kind::kService && kind != Kind::kBackend) return {};
  return {kind, {policy.metadata.ns, ref.name}};
}

Validation judge_validation(const Model& model, const BackendTlsPolicy& policy,
                            engine::Read& read) {
  Validation result;
  const std::string& well_known = policy.well_known_ca_certificates.value_or("");
  if (policy.ca_certificate_refs.empty() && !well_known.empty()) {
    result.system_ca = well_known == "System";
    if (!result.system_ca) {
      result.unaccepted = {"Invalid", "wellKnownCACertificates: \"" + well_known +
                                          "\" is not supported, only System"};
    }
    return result;
  }
  for (const LocalObjectRef& ref : policy.ca_certificate_refs) {
    const ObjectRef object{kind_of(ref.group, ref.kind), {policy.metadata.ns, ref.name}};
    Fault fault = check_ca(model, ref, object, read);
    if (!fault) result.ca_references.push_back(object);
    if (!result.unresolved) result.unresolved = std::move(fault);
  }
  if (result.ca_references.empty()) {
    result.unaccepted = {"NoValidCACertificate",
                         policy.ca_certificate_refs.empty()
                             ? "Neither caCertificateRefs nor wellKnownCACertificates is given"
                             : "None of the caCertificateRefs is usable"};
  }
  return result;
}

engine::Index<ObjectRef, ObjectKey, BackendTlsPolicy>& make_tls_policies_by_target(
    engine::Graph& graph, const Model& model) {
  return graph.index<ObjectRef>(model.inputs.backend_tls_policies, "backend tls policies by target",
                                [](const ObjectKey&, const BackendTlsPolicy& policy, auto&& emit) {
                                  for (const PolicyTargetRef& ref : policy.target_refs) {
                                    const ObjectRef target = target_of(policy, ref);
                                    if (target.kind != Kind::kUnknown) emit(target);
                                  }
                                });
}

engine::Index<Name, ObjectKey, BackendTlsPolicy>& make_tls_policies_by_namespace(
    engine::Graph& graph, const Model& model) {
  return graph.index<Name>(
      model.inputs.backend_tls_policies, "backend tls policies by namespace",
      [](const ObjectKey& key, const BackendTlsPolicy&, auto&& emit) { emit(key.ns); });
}

engine::Derived<ObjectRef, TargetTls>& make_target_tls(engine::Graph& graph, const Model& model) {
  return graph.derived<ObjectRef, TargetTls>("backend tls by target")
      .from(model.tls_policies_by_target, [&model](const ObjectRef& target, engine::Read& read) {
        return std::optional(judge_target(model, target, read));
      });
}

engine::Index<BackendPort, ObjectRef, TargetTls>& make_tls_ports(engine::Graph& graph,
                                                                 const Model& model) {
  return graph.index<BackendPort>(model.target_tls, "backend tls ports",
                                  [](const ObjectRef& target, const TargetTls& tls, auto&& emit) {
                                    for (const auto& [port, policy] : tls.ports)
                                      emit(BackendPort{target, port});
                                  });
}

engine::Derived<BackendPort, BackendTls>& make_backend_tls(engine::Graph& graph,
                                                           const Model& model) {
  return graph.derived<BackendPort, BackendTls>("backend tls")
      .from(model.tls_ports, [&model](const BackendPort& id, engine::Read& read) {
        return tls_of(model, id, read);
      });
}

}  // namespace kgw::attach
