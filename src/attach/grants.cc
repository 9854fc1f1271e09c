#include <algorithm>

#include "attach/tables.h"

namespace kgw::attach {
namespace {

constexpr const char* kNameLabel = "kubernetes.io/metadata.name";

bool allows(const ReferenceGrant& grant, const ObjectRef& from, std::string_view to_group,
            std::string_view to_kind, const Name& to_name) {
  return std::ranges::any_of(grant.from,
                             [&](const GrantFrom& entry) {
                               return entry.group == kind_group(from.kind) &&
                                      entry.kind == kind_name(from.kind) &&
                                      entry.ns == from.ns().view();
                             }) &&
         std::ranges::any_of(grant.to, [&](const GrantTo& entry) {
           return entry.group == to_group && entry.kind == to_kind &&
                  (!entry.name || entry.name->empty() || *entry.name == to_name.view());
         });
}

}  // namespace

engine::Derived<ObjectKey, StringMap>& make_namespace_labels(engine::Graph& graph,
                                                             const Model& model) {
  return graph.derived<ObjectKey, StringMap>("namespace labels")
      .from(model.inputs.namespaces, [](const ObjectKey& key, const Namespace& ns, engine::Read&) {
        StringMap labels = ns.metadata.labels;
        labels.try_emplace(kNameLabel, key.name.str());
        return std::optional(std::move(labels));
      });
}

engine::Index<Name, ObjectKey, ReferenceGrant>& make_grants_by_namespace(engine::Graph& graph,
                                                                         const Model& model) {
  return graph.index<Name>(
      model.inputs.grants, "grants by namespace",
      [](const ObjectKey& key, const ReferenceGrant&, auto&& emit) { emit(key.ns); });
}

bool Model::permitted(engine::Read& read, const ObjectRef& from, std::string_view to_group,
                      std::string_view to_kind, const ObjectKey& to) const {
  if (from.ns() == to.ns) return true;
  bool permitted = false;
  read.each(grants_by_namespace, to.ns, [&](const ObjectKey&, const ReferenceGrant& grant) {
    permitted = permitted || allows(grant, from, to_group, to_kind, to.name);
  });
  return permitted;
}

bool Model::selects_namespace(engine::Read& read, const NamespacePolicy& policy, const Name& own,
                              const Name& ns) const {
  switch (policy.from) {
    case FromNamespaces::kAll:
      return true;
    case FromNamespaces::kSame:
      return own == ns;
    case FromNamespaces::kNone:
      return false;
    case FromNamespaces::kSelector:
      break;
  }
  if (!policy.selector) return false;
  const StringMap* labels = read.get(namespace_labels, ObjectKey{{}, ns});
  return policy.selector->matches(labels != nullptr ? *labels : StringMap{{kNameLabel, ns.str()}});
}

}  // namespace kgw::attach
