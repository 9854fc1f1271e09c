// OpenAPI v3 of described structs, as CRDs carry it.
#include <nlohmann/json.hpp>

#include "api/schema_type.h"

namespace kgw::schema {

void add_validations(Json& schema, const std::vector<Rule>& rules) {
  Json list = Json::array();
  for (const Rule& rule : rules) {
    if (rule.cel.empty()) continue;
    Json entry{{"message", rule.message}, {"rule", rule.cel}};
    if (!rule.field.empty()) entry["fieldPath"] = "." + rule.field;
    list.push_back(std::move(entry));
  }
  if (list.empty()) return;
  Json& all = schema["x-kubernetes-validations"];
  if (all.is_null()) all = Json::array();
  for (Json& entry : list) all.push_back(std::move(entry));
}

Json StructType::openapi(const Constraints&) const {
  Json schema{{"type", "object"}};
  Json properties = Json::object(), required = Json::array();
  for (const Field& field : fields_) {
    Json property = field.type->openapi(field.constraints);
    if (!field.doc.empty()) property["description"] = field.doc;
    if (field.default_value != nullptr) {
      property["default"] = field.type->encode(field.default_value.get(), field.constraints);
    }
    add_validations(property, field.rules);
    properties[field.name] = std::move(property);
    if (field.is_required) required.push_back(field.name);
  }
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  add_validations(schema, rules_);
  return schema;
}

}  // namespace kgw::schema
