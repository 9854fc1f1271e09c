// CustomResourceDefinitions and reference pages, from the descriptions of the kinds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/yaml_writer.h"

namespace kgw {
namespace {

using Json = nlohmann::json;

// metav1.Condition, as every status carries it.
Json conditions_schema() {
  Json condition = {
      {"type", "object"},
      {"required", {"lastTransitionTime", "message", "reason", "status", "type"}},
      {"properties",
       {{"lastTransitionTime", {{"type", "string"}, {"format", "date-time"}}},
        {"message", {{"type", "string"}, {"maxLength", 32768}}},
        {"observedGeneration", {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}}},
        {"reason", {{"type", "string"}, {"minLength", 1}, {"maxLength", 1024}}},
        {"status", {{"type", "string"}, {"enum", {"True", "False", "Unknown"}}}},
        {"type", {{"type", "string"}, {"maxLength", 316}}}}}};
  return {{"type", "array"},
          {"maxItems", 8},
          {"x-kubernetes-list-type", "map"},
          {"x-kubernetes-list-map-keys", {"type"}},
          {"items", condition}};
}

Json printer_columns(Kind kind) {
  const auto column = [](std::string_view name, std::string_view path, std::string_view type) {
    return Json{{"name", name}, {"jsonPath", path}, {"type", type}};
  };
  if (kind != Kind::kBackend) return Json::array();
  return {column("Type", ".spec.type", "string"),
          column("Accepted", ".status.conditions[?(@.type=='Accepted')].status", "string"),
          column("Age", ".metadata.creationTimestamp", "date")};
}

Json version_schema(const KindForm& form, bool has_conditions) {
  Json schema = form.type->openapi({});
  Json& properties = schema["properties"];
  properties["metadata"] = {{"type", "object"}};
  properties["apiVersion"] = {{"type", "string"}};
  properties["kind"] = {{"type", "string"}};
  properties["status"] = {{"type", "object"}};
  if (has_conditions) properties["status"]["properties"] = {{"conditions", conditions_schema()}};
  std::erase(schema["required"].get_ref<Json::array_t&>(), Json("metadata"));
  return schema;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// ---- reference pages ----

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

std::string type_text(const Json& schema) {
  if (schema.contains("x-kubernetes-int-or-string")) return "integer or string";
  const std::string type = schema.value("type", "any");
  if (type == "array") return "list of " + type_text(schema["items"]);
  if (type == "object" && schema.contains("additionalProperties")) {
    return "map of " + type_text(schema["additionalProperties"]);
  }
  return schema.value("format", "") == "date-time" ? "time" : type;
}

std::string bounds(const Json& schema, const char* least, const char* most, std::string_view what) {
  const bool has_least = schema.contains(least), has_most = schema.contains(most);
  if (!has_least && !has_most) return "";
  return fmt::format("{}{}..{}", what, has_least ? schema[least].dump() : "",
                     has_most ? schema[most].dump() : "");
}

std::string allowed_text(const Json& schema) {
  std::vector<std::string> parts;
  if (schema.contains("enum")) {
    std::string names;
    for (const Json& name : schema["enum"]) {
      names += (names.empty() ? "`" : ", `") +
               (name.is_string() ? name.get<std::string>() : name.dump()) + "`";
    }
    parts.push_back(names);
  }
  for (const std::string& part : {bounds(schema, "minimum", "maximum", ""),
                                  bounds(schema, "minLength", "maxLength", "length "),
                                  bounds(schema, "minItems", "maxItems", "entries "),
                                  bounds(schema, "minProperties", "maxProperties", "entries ")}) {
    if (!part.empty()) parts.push_back(part);
  }
  if (schema.contains("pattern")) parts.push_back("`" + schema["pattern"].get<std::string>() + "`");
  if (schema.contains("x-kubernetes-list-map-keys")) {
    parts.push_back("unique by " + schema["x-kubernetes-list-map-keys"][0].get<std::string>());
  } else if (schema.value("x-kubernetes-list-type", "") == "set") {
    parts.push_back("unique");
  }
  if (schema.contains("items")) {
    const std::string each = allowed_text(schema["items"]);
    if (!each.empty()) parts.push_back("each: " + each);
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

class ReferencePage {
 public:
  explicit ReferencePage(const KindDefinition& definition) {
    const ServedVersion& version = definition.info.versions[0];
    out_ =
        fmt::format("# {}\n\n`apiVersion: {}`, {}.\n\n", version.kind_name, version.api_version(),
                    definition.info.namespaced ? "namespaced" : "cluster-scoped");
    out_ += "| Field | Type | Default | Allowed | Meaning |\n| --- | --- | --- | --- | --- |\n";
    Json schema = definition.forms[0].type->openapi({});
    schema["properties"].erase("metadata");
    members("", schema);
    if (!rules_.empty()) out_ += "\nRules:\n\n" + rules_;
  }
  std::string take() { return std::move(out_); }

 private:
  void members(const std::string& path, const Json& schema) {
    const Json validations = schema.value("x-kubernetes-validations", Json::array());
    for (const Json& rule : validations) {
      rules_ += fmt::format("- `{}`: {}\n", path, rule["message"].get<std::string>());
    }
    const Json required = schema.value("required", Json::array());
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, member] : properties.items()) {
      const bool needed = std::ranges::find(required, Json(name)) != required.end();
      const std::string at = path.empty() ? name : path + "." + name;
      out_ += fmt::format(
          "| `{}`{} | {} | {} | {} | {} |\n", at, needed ? " (required)" : "", type_text(member),
          member.contains("default") ? "`" + escaped(member["default"].dump()) + "`" : "",
          escaped(allowed_text(member)), escaped(member.value("description", "")));
      if (member.contains("items")) {
        members(at + "[]", member["items"]);
      } else {
        members(at, member);
      }
    }
  }

  std::string out_;
  std::string rules_;
};

}  // namespace

std::span<const Kind> own_kinds() {
  static constexpr std::array kOwn = {Kind::kBackend, Kind::kGatewayParameters};
  return kOwn;
}

std::string crd_yaml(Kind kind) {
  const KindDefinition& definition = definition_of(kind);
  const ServedVersion& served = definition.info.versions[0];
  const bool has_conditions = kind != Kind::kGatewayParameters;
  Json version = {
      {"name", served.version},
      {"served", true},
      {"storage", true},
      {"subresources", {{"status", Json::object()}}},
      {"schema", {{"openAPIV3Schema", version_schema(definition.forms[0], has_conditions)}}}};
  if (Json columns = printer_columns(kind); !columns.empty()) {
    version["additionalPrinterColumns"] = std::move(columns);
  }
  const Json crd = {{"apiVersion", "apiextensions.k8s.io/v1"},
                    {"kind", "CustomResourceDefinition"},
                    {"metadata",
                     {{"name", fmt::format("{}.{}", definition.info.plural, served.group)},
                      {"labels", {{"app", "kgateway"}, {"app.kubernetes.io/name", "kgateway"}}}}},
                    {"spec",
                     {{"group", served.group},
                      {"names",
                       {{"kind", served.kind_name},
                        {"listKind", fmt::format("{}List", served.kind_name)},
                        {"plural", definition.info.plural},
                        {"singular", lower(served.kind_name)},
                        {"categories", {"kgateway"}}}},
                      {"scope", definition.info.namespaced ? "Namespaced" : "Cluster"},
                      {"versions", Json::array({version})}}}};
  return to_yaml(crd);
}

Json schemas_json() {
  Json all = Json::object();
  for (const KindInfo& info : known_kinds()) {
    for (const KindForm& form : definition_of(info.kind).forms) {
      all[fmt::format("{}/{}", form.version.api_version(), form.version.kind_name)] =
          form.type->openapi({});
    }
  }
  return all;
}

std::string reference_doc(Kind kind) { return ReferencePage(definition_of(kind)).take(); }

}  // namespace kgw
