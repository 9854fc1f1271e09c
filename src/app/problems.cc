#include "app/problems.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "api/ineffective.h"
#include "app/backend_warnings.h"
#include "attach/tls_options.h"
#include "deploy/kube/parameters.h"
#include "envoy/stream_owners.h"
#include "status/conditions.h"
#include "status/warnings.h"

namespace kgw::app {
namespace {

struct FaultyCondition {
  std::string where;  // "spec.listeners[https]", "spec.parentRefs[0]"
  const Condition* condition;
};

// Sums up what its listeners say themselves.
bool is_summary(const Condition& condition) {
  return condition.reason == "ListenersNotValid" || condition.reason == "ListenersNotResolved";
}

void collect(const std::string& where, const status::Conditions& conditions,
             std::vector<FaultyCondition>& out) {
  for (const Condition& condition : conditions) {
    const bool bad_when_true =
        condition.type == "PartiallyInvalid" || condition.type == "Conflicted";
    // Programmed follows from the others, unless it is about addresses.
    const bool repeats =
        condition.type == "Programmed" && !condition.reason.view().starts_with("Address");
    if (repeats || is_summary(condition)) continue;
    if (condition.status == (bad_when_true ? "True" : "False")) out.push_back({where, &condition});
  }
}

void collect(const std::vector<status::ListenerStatus>& listeners,
             std::vector<FaultyCondition>& out) {
  for (const auto& listener : listeners)
    collect("spec.listeners[" + listener.name + "]", listener.conditions, out);
}

const RouteObject* route_of(const Translation& translation, const ObjectRef& ref) {
  return dynamic_cast<const RouteObject*>(translation.model.inputs.find(ref));
}

// "spec.parentRefs[1]"; without index for a parent that the route does not name (a default
// Gateway).
std::string place_of(const RouteObject* route, const ParentRef& parent) {
  const std::string field = "spec.parentRefs";
  if (route == nullptr) return field;
  const auto found = std::ranges::find(route->parent_refs, parent);
  if (found == route->parent_refs.end()) return field;
  return field + "[" + std::to_string(found - route->parent_refs.begin()) + "]";
}

std::vector<FaultyCondition> faults_of(const Translation& translation, const ObjectRef& ref,
                                       const status::ObjectStatus& status) {
  std::vector<FaultyCondition> out;
  std::visit(
      [&]<typename Status>(const Status& one) {
        if constexpr (requires { one.conditions; }) collect("", one.conditions, out);
        if constexpr (requires { one.listeners; }) collect(one.listeners, out);
        if constexpr (requires { one.parents; }) {
          const RouteObject* route = route_of(translation, ref);
          for (const auto& parent : one.parents) {
            collect(place_of(route, parent.parent_ref), parent.conditions, out);
          }
        }
        if constexpr (requires { one.ancestors; }) {
          for (const auto& ancestor : one.ancestors) collect("", ancestor.conditions, out);
        }
      },
      status);
  return out;
}

// The rules' own diagnostics are more precise than the conditions that summarize them.
bool add_rule_diagnostics(const Translation& translation, const ObjectRef& ref, Diagnostics& out) {
  const Diagnostics* diagnostics = nullptr;
  if (const auto* bound = translation.rules.rules.find(ref)) diagnostics = &bound->diagnostics;
  if (const auto* bound = translation.rules.stream_rules.find(ref))
    diagnostics = &bound->diagnostics;
  if (diagnostics == nullptr || diagnostics->empty()) return false;
  out.insert(out.end(), diagnostics->begin(), diagnostics->end());
  return true;
}

// Whether the condition says something that the rules' diagnostics do not: why a parent does not
// take the route.
bool concerns_attachment(const Translation& translation, const ObjectRef& ref,
                         const FaultyCondition& fault) {
  if (fault.condition->type != "Accepted") return false;
  const attach::Fault* of_rules = nullptr;
  if (const auto* bound = translation.rules.rules.find(ref)) of_rules = &bound->unaccepted;
  if (const auto* bound = translation.rules.stream_rules.find(ref)) of_rules = &bound->unaccepted;
  return of_rules == nullptr || of_rules->message != fault.condition->message;
}

void report_statuses(const Translation& translation, Diagnostics& out) {
  translation.statuses.table.for_each(
      [&](const ObjectRef& ref, const status::ObjectStatus& status) {
        const bool detailed = add_rule_diagnostics(translation, ref, out);
        for (const FaultyCondition& fault : faults_of(translation, ref, status)) {
          const Condition& condition = *fault.condition;
          // Of a stream route, and reported by report_losers().
          if (condition.reason == "Conflicted" && condition.type == status::kRouteProgrammed)
            continue;
          if (detailed && !concerns_attachment(translation, ref, fault)) continue;
          const bool warns = condition.reason == "NoHostLeft";
          out.push_back({ref,
                         fault.where,
                         condition.reason,
                         condition.message,
                         warns ? Severity::kWarning : Severity::kError,
                         {}});
        }
      });
}

template <typename F>
void for_each_route(const Translation& translation, F&& f) {
  const attach::Inputs& inputs = translation.model.inputs;
  inputs.http_routes.for_each([&](const ObjectKey&, const HttpRoute& route) { f(route); });
  inputs.grpc_routes.for_each([&](const ObjectKey&, const GrpcRoute& route) { f(route); });
  inputs.stream_routes.for_each([&](const ObjectRef&, const StreamRoute& route) { f(route); });
}

// A Gateway of a class that another controller has, or a ListenerSet of one.
bool belongs_to_others(const attach::Inputs& inputs, ObjectRef parent) {
  if (parent.kind == Kind::kListenerSet) {
    const ListenerSet* set = inputs.listener_sets.find(parent.key);
    if (set == nullptr) return false;
    parent = target_of(set->parent_ref, set->metadata.ns);
  }
  const Gateway* gateway = inputs.gateways.find(parent.key);
  if (gateway == nullptr) return false;
  const GatewayClass* its_class = inputs.gateway_classes.find({{}, gateway->gateway_class_name});
  return its_class != nullptr && its_class->controller_name != attach::kControllerName;
}

bool has_parent_of_others(const attach::Inputs& inputs, const RouteObject& route) {
  return std::ranges::any_of(route.parent_refs, [&](const ParentRef& ref) {
    const ObjectRef target = target_of(ref, route.metadata.ns);
    if (target.kind != Kind::kGateway && target.kind != Kind::kListenerSet) return false;
    return belongs_to_others(inputs, target);
  });
}

// Routes without a parent have no status, and a parent that does not exist has no place in one.
void report_parents(const Translation& translation, Diagnostics& out) {
  const attach::Inputs& inputs = translation.model.inputs;
  const status::Exists exists = [&](const ObjectRef& parent) {
    return inputs.find(parent) != nullptr;
  };
  for_each_route(translation, [&](const RouteObject& route) {
    const ObjectRef ref = route.ref();
    const auto* attachment = translation.model.attachments.find(ref);
    Diagnostics nobodys = status::parent_warnings(route, attachment, exists);
    if (attachment != nullptr) {
      std::ranges::move(nobodys, std::back_inserter(out));
      return;
    }
    if (has_parent_of_others(inputs, route)) return;
    std::string message = "No parent is a Gateway or ListenerSet of a class of this controller";
    for (const Diagnostic& each : nobodys) message += "; " + each.message;
    out.push_back({ref,
                   "spec.parentRefs",
                   "NoMatchingParent",
                   std::move(message) + ".",
                   Severity::kWarning,
                   {}});
  });
}

// Routes that are attached to a listener which another route has.
void report_losers(const Translation& translation, Diagnostics& out) {
  translation.model.attachments.for_each([&](const ObjectRef& ref,
                                             const attach::RouteAttachment& attachment) {
    if (translation.rules.stream_rules.find(ref) == nullptr) return;
    for (const attach::ParentBinding& parent : attachment.parents) {
      const auto* gateway = translation.model.listeners.find(parent.gateway);
      if (gateway == nullptr) continue;
      for (const attach::ListenerAttachment& listener : parent.listeners) {
        const attach::BoundListener* bound = gateway->find(listener.listener);
        const auto shape = bound == nullptr ? std::nullopt : envoy::shape_of(*bound);
        if (!shape) continue;
        envoy::StreamLoss loss = envoy::stream_loss(
            translation.resources.stream_owners.find(envoy::chain_shape(*shape)), ref, listener);
        if (loss.message.empty()) continue;
        out.push_back({ref,
                       place_of(route_of(translation, ref), parent.parent),
                       "Conflicted",
                       std::move(loss.message),
                       Severity::kWarning,
                       {}});
      }
    }
  });
}

void report_metadata(const Translation& translation, Diagnostics& out) {
  const bool weighted = translation.resources.settings.weighted_routes;
  const auto add = [&](Diagnostics warnings) {
    std::ranges::move(warnings, std::back_inserter(out));
  };
  const auto metadata = [&](const ObjectKey&, const Object& object) {
    add(ineffective_metadata(object, weighted));
  };
  const attach::Inputs& inputs = translation.model.inputs;
  for_each_route(translation,
                 [&](const RouteObject& route) { add(ineffective_metadata(route, weighted)); });
  translation.model.listeners.for_each(
      [&](const ObjectKey&, const attach::GatewayListeners& bound) {
        add(status::gateway_warnings(*bound.gateway));
      });
  inputs.backend_tls_policies.for_each([&](const ObjectKey&, const BackendTlsPolicy& policy) {
    add(status::policy_warnings(policy));
  });
  inputs.gateway_classes.for_each([&](const ObjectKey& key, const GatewayClass& gateway_class) {
    if (gateway_class.controller_name == attach::kControllerName) metadata(key, gateway_class);
  });
  inputs.listener_sets.for_each(metadata);
  inputs.backends.for_each(metadata);
  inputs.gateway_parameters.for_each(metadata);
  inputs.services.for_each(metadata);
  inputs.endpoint_slices.for_each(metadata);
  inputs.secrets.for_each(metadata);
  inputs.config_maps.for_each(metadata);
  inputs.namespaces.for_each(metadata);
  inputs.grants.for_each(metadata);
}

// A policy that no route of ours brings to a Gateway has no status.
void report_unused_policies(const Translation& translation, Diagnostics& out) {
  translation.model.backend_tls_verdicts.for_each(
      [&](const ObjectKey& key, const attach::BackendTlsVerdict& verdict) {
        const ObjectRef ref{Kind::kBackendTlsPolicy, key};
        if (!verdict.gateways.empty()) {
          if (!verdict.partial) return;
          out.push_back({ref,
                         "spec.targetRefs",
                         verdict.partial.reason,
                         verdict.partial.message,
                         Severity::kWarning,
                         {}});
          return;
        }
        for (const attach::Fault* fault : {&verdict.unaccepted, &verdict.unresolved}) {
          if (!*fault) continue;
          out.push_back({ref, "", fault->reason, fault->message, Severity::kError, {}});
        }
      });
}

// TLS options that have no effect, and certificates that clients will refuse.
void report_listeners(const Translation& translation, Diagnostics& out) {
  const auto report = [&](const attach::BoundListener& listener, const attach::Fault& fault) {
    if (!fault) return;
    out.push_back({listener.id.owner,
                   "spec.listeners[" + listener.id.name.str() + "].tls",
                   fault.reason.str(),
                   fault.message.str(),
                   Severity::kWarning,
                   {}});
  };
  translation.model.listeners.for_each(
      [&](const ObjectKey&, const attach::GatewayListeners& gateway) {
        for (const attach::BoundListener& listener : gateway.listeners) {
          report(listener, attach::ineffective_tls_options(listener));
          const auto* tls = translation.model.listener_tls.find(listener.id);
          if (tls != nullptr) report(listener, tls->warning);
        }
      });
}

// Fields of GatewayParameters that have no effect.
void report_parameters(const Translation& translation, Diagnostics& out) {
  translation.model.inputs.gateway_parameters.for_each(
      [&](const ObjectKey&, const GatewayParameters& parameters) {
        std::ranges::move(deploy::kube::ineffective_fields(
                              parameters, translation.resources.settings.istio_mtls.has_value()),
                          std::back_inserter(out));
      });
}

// A Service, or a conflict that two conditions speak of, would stand here several times.
void drop_repeats(Diagnostics& diagnostics) {
  std::set<std::tuple<ObjectRef, std::string, std::string, std::string>> seen;
  std::erase_if(diagnostics, [&](const Diagnostic& d) {
    return !seen.emplace(d.object, d.field, d.reason, d.message).second;
  });
}

}  // namespace

Diagnostics translation_problems(const Translation& translation) {
  Diagnostics problems;
  report_statuses(translation, problems);
  report_parents(translation, problems);
  report_losers(translation, problems);
  report_metadata(translation, problems);
  report_unused_policies(translation, problems);
  report_parameters(translation, problems);
  report_backends(translation, problems);
  report_listeners(translation, problems);
  report_endpoints(translation, problems);
  if (translation.reachability) {
    std::ranges::move(translation.reachability->warnings(), std::back_inserter(problems));
  }
  drop_repeats(problems);
  return problems;
}

Diagnostics translation_warnings(const Translation& translation) {
  Diagnostics problems = translation_problems(translation);
  std::erase_if(problems, [](const Diagnostic& d) { return d.severity != Severity::kWarning; });
  return problems;
}

}  // namespace kgw::app
