// What a BackendTLSPolicy's status says: its own faults, and its ancestors, which are the Gateways
// whose accepted routes use one of its targets.
#include <algorithm>

#include "attach/backend_tls.h"
#include "attach/tables.h"

namespace kgw::attach {
namespace {

// The backends of a route that lie in a namespace with BackendTLSPolicies.
class Collector {
 public:
  Collector(const Model& model, engine::Read& read, const Name& own_namespace)
      : model_(model), read_(read), own_namespace_(own_namespace) {}

  void add(const BackendObjectRef& ref) {
    const Kind kind = kind_of(ref.group, ref.kind);
    if (kind != Kind::kService && kind != Kind::kBackend) return;
    const ObjectRef backend{kind, {ref.ns ? Name(*ref.ns) : own_namespace_, ref.name}};
    if (read_.count(model_.tls_policies_by_namespace, backend.ns()) == 0) return;
    backends_.push_back(backend);
  }

  void add(const std::vector<RouteFilter>& filters) {
    for (const RouteFilter& filter : filters) {
      if (filter.request_mirror) add(filter.request_mirror->backend_ref);
      if (filter.external_auth) add(filter.external_auth->backend_ref);
    }
  }

  std::vector<ObjectRef> take() {
    std::ranges::sort(backends_);
    const auto repeats = std::ranges::unique(backends_);
    backends_.erase(repeats.begin(), repeats.end());
    return std::move(backends_);
  }

 private:
  const Model& model_;
  engine::Read& read_;
  const Name own_namespace_;
  std::vector<ObjectRef> backends_;
};

std::vector<ObjectKey> accepting_gateways(const Model& model, const ObjectRef& route,
                                          engine::Read& read) {
  std::vector<ObjectKey> gateways;
  const RouteAttachment* attachment = read.get(model.attachments, route);
  if (attachment == nullptr) return gateways;
  for (const ParentBinding& parent : attachment->parents) {
    if (!parent.unaccepted) gateways.push_back(parent.gateway);
  }
  return gateways;
}

template <typename Route>
std::optional<RouteBackends> backends_of(const Model& model, const Route& route,
                                         engine::Read& read) {
  Collector collector(model, read, route.metadata.ns);
  for (const auto& rule : route.rules) {
    for (const RouteBackendRef& backend : rule.backend_refs) {
      collector.add(backend.ref);
      collector.add(backend.filters);
    }
    if constexpr (requires { rule.filters; }) collector.add(rule.filters);
  }
  RouteBackends result{collector.take(), {}};
  if (result.backends.empty()) return std::nullopt;
  result.gateways = accepting_gateways(model, route.ref(), read);
  return result;
}

std::vector<ObjectKey> ancestors(const Model& model, const BackendTlsPolicy& policy,
                                 engine::Read& read) {
  std::vector<ObjectKey> gateways;
  for (const PolicyTargetRef& ref : policy.target_refs) {
    read.each(model.routes_by_backend, target_of(policy, ref),
              [&](const ObjectRef&, const RouteBackends& route) {
                gateways.insert(gateways.end(), route.gateways.begin(), route.gateways.end());
              });
  }
  std::ranges::sort(gateways);
  const auto repeats = std::ranges::unique(gateways);
  gateways.erase(repeats.begin(), repeats.end());
  return gateways;
}

Fault fate_of(const Model& model, const ObjectKey& key, const BackendTlsPolicy& policy,
              const PolicyTargetRef& ref, engine::Read& read) {
  const ObjectRef object = target_of(policy, ref);
  if (object.kind == Kind::kUnknown) {
    return {"TargetNotFound", "Kind " + (ref.group.empty() ? "" : ref.group + "/") + ref.kind +
                                  " is not supported as a target, only Service and Backend"};
  }
  const TargetTls* target = read.get(model.target_tls, object);
  if (target == nullptr) return {};
  for (const TargetTls::Outcome& outcome : target->outcomes) {
    if (outcome.policy == key && outcome.section == ref.section_name.value_or("")) {
      return outcome.lost;
    }
  }
  return {};
}

BackendTlsVerdict judge(const Model& model, const ObjectKey& key, const BackendTlsPolicy& policy,
                        engine::Read& read) {
  BackendTlsVerdict verdict;
  bool in_force = false;
  for (const PolicyTargetRef& ref : policy.target_refs) {
    Fault fate = fate_of(model, key, policy, ref, read);
    in_force = in_force || !fate;
    if (fate && !verdict.partial) verdict.partial = std::move(fate);
  }
  if (!in_force) std::swap(verdict.unaccepted, verdict.partial);
  Validation validation = judge_validation(model, policy, read);
  if (!verdict.unaccepted) verdict.unaccepted = std::move(validation.unaccepted);
  verdict.unresolved = std::move(validation.unresolved);
  verdict.gateways = ancestors(model, policy, read);
  return verdict;
}

}  // namespace

engine::Derived<ObjectRef, RouteBackends>& make_route_backends(engine::Graph& graph,
                                                               const Model& model) {
  const auto collect = [&model](const auto&, const auto& route, engine::Read& read) {
    return backends_of(model, route, read);
  };
  return graph.derived<ObjectRef, RouteBackends>("backends by route")
      .from(
          model.inputs.http_routes,
          [](const ObjectKey& key) { return ObjectRef{Kind::kHttpRoute, key}; }, collect)
      .from(
          model.inputs.grpc_routes,
          [](const ObjectKey& key) { return ObjectRef{Kind::kGrpcRoute, key}; }, collect)
      .from(model.inputs.stream_routes, collect);
}

engine::Index<ObjectRef, ObjectRef, RouteBackends>& make_routes_by_backend(engine::Graph& graph,
                                                                           const Model& model) {
  return graph.index<ObjectRef>(model.route_backends, "routes by backend",
                                [](const ObjectRef&, const RouteBackends& route, auto&& emit) {
                                  for (const ObjectRef& backend : route.backends) emit(backend);
                                });
}

engine::Derived<ObjectKey, BackendTlsVerdict>& make_backend_tls_verdicts(engine::Graph& graph,
                                                                         const Model& model) {
  return graph.derived<ObjectKey, BackendTlsVerdict>("backend tls verdicts")
      .from(model.inputs.backend_tls_policies,
            [&model](const ObjectKey& key, const BackendTlsPolicy& policy, engine::Read& read) {
              return std::optional(judge(model, key, policy, read));
            });
}

}  // namespace kgw::attach
