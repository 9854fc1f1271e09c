#include "api/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/schema_words.h"

namespace kgw {
namespace {

struct Registry {
  std::vector<KindDefinition> definitions;
  std::vector<KindInfo> infos;
};

const Registry& registry() {
  static const Registry* built = [] {
    auto* registry = new Registry;
    auto& all = registry->definitions;
    add_gateway_kinds(all);
    add_route_kinds(all);
    add_policy_kinds(all);
    add_core_kinds(all);
    add_backend_kinds(all);
    add_parameters_kinds(all);
    std::ranges::sort(all, {}, [](const KindDefinition& d) { return d.info.kind; });
    for (const KindDefinition& definition : all) registry->infos.push_back(definition.info);
    return registry;
  }();
  return *built;
}

struct Match {
  const KindDefinition* definition = nullptr;
  const KindForm* form = nullptr;
};

// The form written as `api_version` and `kind_name`; only the definition when just the version is
// unknown.
Match find_form(std::string_view group, std::string_view version, std::string_view kind_name) {
  Match match;
  for (const KindDefinition& definition : registry().definitions) {
    for (const KindForm& form : definition.forms) {
      if (form.version.group != group || form.version.kind_name != kind_name) continue;
      match.definition = &definition;
      if (form.version.version == version) return {&definition, &form};
    }
  }
  return match;
}

std::pair<std::string_view, std::string_view> split_api_version(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";
constexpr std::string_view kOwnGroup = "gateway.kgateway.dev";
constexpr std::array<std::string_view, 3> kReadGroups = {kGatewayGroup, kOwnGroup,
                                                         "discovery.k8s.io"};

// Kinds of kgateway that this version does not support.
constexpr std::array<std::string_view, 6> kPlannedKinds = {"BackendConfigPolicy", "DirectResponse",
                                                           "GatewayExtension",    "TrafficPolicy",
                                                           "HTTPListenerPolicy",  "ListenerPolicy"};

// Core kinds that people keep beside their routes.
constexpr std::array<std::string_view, 13> kOtherCoreKinds = {"Pod",
                                                              "ServiceAccount",
                                                              "Endpoints",
                                                              "Node",
                                                              "PersistentVolumeClaim",
                                                              "PersistentVolume",
                                                              "LimitRange",
                                                              "ResourceQuota",
                                                              "ReplicationController",
                                                              "Event",
                                                              "PodTemplate",
                                                              "Binding",
                                                              "ComponentStatus"};

std::string text_at(const doc::Node& node, std::initializer_list<std::string_view> path) {
  const doc::Node* found = node.find(path);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

// One diagnostic about the object as a whole, or about a field of it.
Diagnostic about(const Decoded& decoded, const doc::Node& node, std::string_view file,
                 std::string_view field, std::string_view reason, std::string message,
                 Severity severity = Severity::kError) {
  Diagnostic diagnostic;
  diagnostic.object = decoded.ref;
  diagnostic.field = field;
  diagnostic.reason = reason;
  diagnostic.message = std::move(message);
  diagnostic.severity = severity;
  const doc::Node* at = field.empty() ? &node : node.find(field);
  diagnostic.position = {std::string(file), static_cast<int>((at == nullptr ? node : *at).line()),
                         0};
  return diagnostic;
}

std::string nearest_kind(std::string_view name) {
  std::vector<std::string_view> names;
  for (const KindInfo& info : known_kinds()) names.push_back(info.versions[0].kind_name);
  return std::string(schema::nearest(name, names));
}

std::string did_you_mean(std::string_view kind_name, std::string_view group) {
  const std::string kind = nearest_kind(kind_name);
  if (kind.empty()) return "";
  for (const KindInfo& info : known_kinds()) {
    if (info.versions[0].kind_name != kind) continue;
    if (kind == kind_name && info.versions[0].group == group) return "";
    return fmt::format("; did you mean {} of {}?", kind, info.versions[0].api_version());
  }
  return "";
}

// Explains an object whose kind is not ours. Warnings are for what belongs to others; an error is
// for what looks like a mistake, or like a policy that somebody counts on.
Diagnostic foreign_kind(const Decoded& decoded, const doc::Node& node, std::string_view file,
                        std::string_view group, std::string_view version,
                        std::string_view kind_name) {
  const std::string api_version =
      group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
  const auto warn = [&] {
    return about(
        decoded, node, file, "kind", "UnsupportedKind",
        fmt::format("{} of {} is not read by kgateway and is ignored", kind_name, api_version),
        Severity::kWarning);
  };
  const auto error = [&](std::string hint) {
    return about(decoded, node, file, "kind", "UnknownKind",
                 fmt::format("unknown kind {} of {}{}", schema::quote(kind_name),
                             schema::quote(api_version), hint));
  };
  const bool planned = std::ranges::find(kPlannedKinds, kind_name) != kPlannedKinds.end();
  if (group == kOwnGroup && (planned || nearest_kind(kind_name).empty())) {
    return about(decoded, node, file, "kind", "UnsupportedKind",
                 fmt::format("{} of {} is not supported by this version of kgateway", kind_name,
                             api_version));
  }
  if (group.empty() && std::ranges::find(kOtherCoreKinds, kind_name) != kOtherCoreKinds.end()) {
    return warn();
  }
  const bool read_group =
      group.empty() || std::ranges::find(kReadGroups, group) != kReadGroups.end();
  if (read_group) return error(did_you_mean(kind_name, group));
  // A group of somebody else, unless it is almost one of those that are read.
  const std::string_view near = schema::nearest(group, kReadGroups);
  const bool typo = !near.empty() && !group.starts_with("gateway.networking.x-") &&
                    kind_of(near, nearest_kind(kind_name)) != Kind::kUnknown;
  return typo ? error(did_you_mean(kind_name, group)) : warn();
}

Diagnostic unknown_version(const Decoded& decoded, const doc::Node& node, std::string_view file,
                           const KindDefinition& definition, std::string_view api_version) {
  std::string served;
  for (const ServedVersion& version : definition.info.versions) {
    served += fmt::format("{}{}", served.empty() ? "" : ", ", version.api_version());
  }
  return about(decoded, node, file, "apiVersion", "UnknownVersion",
               fmt::format("unknown version {} of {}; known are {}", schema::quote(api_version),
                           definition.info.versions[0].kind_name, served));
}

ObjectRef read_ref(const doc::Node& node, const KindInfo& info) {
  ObjectRef ref;
  ref.kind = info.kind;
  ref.key.name = text_at(node, {"metadata", "name"});
  if (info.namespaced) {
    const std::string ns = text_at(node, {"metadata", "namespace"});
    ref.key.ns = ns.empty() ? "default" : ns;
  }
  return ref;
}

Decoded decode_as(const doc::Node& node, const KindDefinition& definition, const KindForm& form,
                  std::string_view file, DecodeMode mode) {
  Decoded decoded;
  decoded.ref = read_ref(node, definition.info);
  std::shared_ptr<Object> object = definition.create();
  object->api_version = form.version.api_version();
  schema::Context context(mode, decoded.ref, file, decoded.diagnostics);
  form.type->decode(context, node, definition.address(*object), {});
  object->metadata.ns = decoded.ref.key.ns;
  if (context.error_count() == 0) decoded.object = std::move(object);
  return decoded;
}

const KindForm& form_of(const Object& object) {
  const KindDefinition& definition = definition_of(object.kind);
  for (const KindForm& form : definition.forms) {
    if (form.version.api_version() == object.api_version) return form;
  }
  return definition.forms[0];
}

// Types take the address of the most derived value; they only read through it here.
const void* address_of(const Object& object) {
  return definition_of(object.kind).address(const_cast<Object&>(object));
}

bool is_list(const doc::Node& node) {
  const std::string kind = text_at(node, {"kind"});
  const doc::Node* items = node.find("items");
  return kind.ends_with("List") && items != nullptr && items->is_sequence();
}

}  // namespace

const KindDefinition& definition_of(Kind kind) {
  for (const KindDefinition& definition : registry().definitions) {
    if (definition.info.kind == kind) return definition;
  }
  std::abort();  // REQUIRES of kind_info()
}

std::string ServedVersion::api_version() const {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

std::span<const KindInfo> known_kinds() { return registry().infos; }

const KindInfo& kind_info(Kind kind) { return definition_of(kind).info; }

Decoded decode_object(const doc::Node& node, std::string_view file, DecodeMode mode) {
  Decoded decoded;
  if (!node.is_mapping()) {
    decoded.diagnostics.push_back(about(decoded, node, file, "", "InvalidType",
                                        "an object must be a mapping with apiVersion and kind"));
    return decoded;
  }
  const std::string api_version = text_at(node, {"apiVersion"});
  const std::string kind_name = text_at(node, {"kind"});
  decoded.ref.key.name = text_at(node, {"metadata", "name"});
  decoded.ref.key.ns = text_at(node, {"metadata", "namespace"});
  for (const auto& [field, text] : {std::pair("apiVersion", &api_version), {"kind", &kind_name}}) {
    if (!text->empty()) continue;
    decoded.diagnostics.push_back(
        about(decoded, node, file, field, "RequiredField", "Required value"));
  }
  if (!decoded.diagnostics.empty()) return decoded;
  const auto [group, version] = split_api_version(api_version);
  const Match match = find_form(group, version, kind_name);
  if (match.form != nullptr) return decode_as(node, *match.definition, *match.form, file, mode);
  if (match.definition == nullptr) {
    decoded.diagnostics.push_back(foreign_kind(decoded, node, file, group, version, kind_name));
    return decoded;
  }
  decoded.ref = read_ref(node, match.definition->info);
  decoded.diagnostics.push_back(
      unknown_version(decoded, node, file, *match.definition, api_version));
  return decoded;
}

Decoded decode_object(const doc::Node& node, Kind kind, std::string_view api_version,
                      std::string_view file, DecodeMode mode) {
  const KindDefinition& definition = definition_of(kind);
  for (const KindForm& form : definition.forms) {
    if (form.version.api_version() == api_version) {
      return decode_as(node, definition, form, file, mode);
    }
  }
  std::abort();  // REQUIRES
}

std::vector<Decoded> decode_document(const doc::Node& node, std::string_view file,
                                     DecodeMode mode) {
  std::vector<Decoded> out;
  if (!is_list(node)) {
    out.push_back(decode_object(node, file, mode));
    return out;
  }
  const std::string kind = text_at(node, {"kind"});
  const auto [group, version] =
      split_api_version(node.find("apiVersion") == nullptr ? std::string_view()
                                                           : node.find("apiVersion")->as_string());
  const Match items_are =
      find_form(group, version, std::string_view(kind).substr(0, kind.size() - 4));
  for (const doc::Node& item : node.find("items")->items()) {
    const bool untyped = items_are.form != nullptr && item.is_mapping() &&
                         item.find("kind") == nullptr && item.find("apiVersion") == nullptr;
    if (untyped) {
      out.push_back(decode_as(item, *items_are.definition, *items_are.form, file, mode));
    } else {
      std::ranges::move(decode_document(item, file, mode), std::back_inserter(out));
    }
  }
  return out;
}

std::vector<Decoded> decode_text(std::string_view text, std::string_view file, DecodeMode mode,
                                 doc::Format format) {
  const doc::Parsed parsed = doc::parse(text, format);
  std::vector<Decoded> out;
  for (const doc::Node& document : parsed.documents) {
    std::ranges::move(decode_document(document, file, mode), std::back_inserter(out));
  }
  for (const doc::SyntaxError& error : parsed.errors) {
    Diagnostic diagnostic;
    diagnostic.reason = "SyntaxError";
    diagnostic.message = error.message;
    diagnostic.position = {std::string(file), static_cast<int>(error.line),
                           static_cast<int>(error.column)};
    out.push_back({{}, nullptr, {std::move(diagnostic)}});
  }
  return out;
}

nlohmann::json encode_object(const Object& object) {
  const KindForm& form = form_of(object);
  nlohmann::json json = form.type->encode(address_of(object), {});
  json["apiVersion"] = form.version.api_version();
  json["kind"] = form.version.kind_name;
  return json;
}

std::uint64_t hash_object(const Object& object) {
  schema::Hasher hasher;
  hasher.add(static_cast<std::uint64_t>(object.kind));
  hasher.add(object.api_version);
  form_of(object).type->hash(hasher, address_of(object));
  return hasher.value();
}

bool equal_objects(const Object& a, const Object& b) {
  return a.kind == b.kind && definition_of(a.kind).equal(a, b);
}

}  // namespace kgw
