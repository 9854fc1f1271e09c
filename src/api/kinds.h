// How a kind is entered into the registry. Included by registry.cc and kinds_*.cc only.
#pragma once

#include <memory>
#include <vector>

#include "api/registry.h"
#include "api/schema.h"

namespace kgw {

struct KindForm {
  ServedVersion version;
  const schema::StructType* type;
};

struct KindDefinition {
  KindInfo info;
  std::vector<KindForm> forms;  // parallel to info.versions
  std::shared_ptr<Object> (*create)();
  void* (*address)(Object&);  // as the Types expect it
  bool (*equal)(const Object&, const Object&);
};

// REQUIRES: T's constructor sets `kind`, or T takes the kind.
template <typename T, Kind kind>
KindDefinition define(std::string_view plural, std::vector<KindForm> forms) {
  KindDefinition definition;
  definition.info.kind = kind;
  definition.info.plural = plural;
  for (const KindForm& form : forms) definition.info.versions.push_back(form.version);
  definition.forms = std::move(forms);
  definition.create = []() -> std::shared_ptr<Object> {
    if constexpr (std::is_default_constructible_v<T>) {
      return std::make_shared<T>();
    } else {
      return std::make_shared<T>(kind);
    }
  };
  definition.address = [](Object& object) -> void* { return static_cast<T*>(&object); };
  definition.equal = [](const Object& a, const Object& b) {
    return static_cast<const T&>(a) == static_cast<const T&>(b);
  };
  return definition;
}

// REQUIRES: kind is not kUnknown.
const KindDefinition& definition_of(Kind kind);

// One per kinds_*.cc.
void add_gateway_kinds(std::vector<KindDefinition>& kinds);
void add_route_kinds(std::vector<KindDefinition>& kinds);
void add_policy_kinds(std::vector<KindDefinition>& kinds);
void add_core_kinds(std::vector<KindDefinition>& kinds);
void add_backend_kinds(std::vector<KindDefinition>& kinds);
void add_parameters_kinds(std::vector<KindDefinition>& kinds);

}  // namespace kgw
