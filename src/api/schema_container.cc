#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/container/flat_hash_set.h"
#include "api/schema_value.h"
#include "api/schema_words.h"

namespace kgw::schema {
namespace {

const Constraints& of(const std::shared_ptr<const Constraints>& each) {
  static const Constraints* none = new Constraints;
  return each == nullptr ? *none : *each;
}

// What makes a list entry unique, as JSON: itself, or its key fields.
std::string identity(const doc::Node& item, const std::vector<std::string>& keys) {
  if (keys.empty()) return doc::to_json(item);
  std::string text;
  for (const std::string& key : keys) {
    const doc::Node* value = item.find(key);
    if (value == nullptr || value->is_null()) continue;
    text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", key, doc::to_json(*value));
  }
  return fmt::format("{{{}}}", text);
}

void check_total_bytes(Context& context, const doc::Node& node, std::size_t max) {
  if (max == 0) return;
  std::size_t bytes = 0;
  for (const doc::Member& member : node.members()) {
    bytes += member.key.as_string().size();
    if (member.value.is_string()) bytes += member.value.as_string().size();
  }
  if (bytes <= max) return;
  context.error(node.line(), reason::kTooLong,
                fmt::format("Too long: may not be more than {} bytes", max));
}

}  // namespace

void OptionalType::decode(Context& context, const doc::Node& node, void* out,
                          const Constraints& constraints) const {
  inner_.decode(context, node, emplace(out), constraints);
}

Json OptionalType::encode(const void* value, const Constraints& constraints) const {
  return inner_.encode(get(value), constraints);
}

void OptionalType::hash(Hasher& hasher, const void* value) const {
  const void* inner = get(value);
  hasher.add(std::uint64_t{inner != nullptr});
  if (inner != nullptr) inner_.hash(hasher, inner);
}

bool OptionalType::equal(const void* a, const void* b) const {
  const void* left = get(a);
  const void* right = get(b);
  if (left == nullptr || right == nullptr) return left == right;
  return inner_.equal(left, right);
}

Json OptionalType::openapi(const Constraints& constraints) const {
  return inner_.openapi(constraints);
}

void ListType::decode(Context& context, const doc::Node& node, void* out,
                      const Constraints& constraints) const {
  if (!node.is_sequence()) return wrong_type(context, node, "array");
  const auto items = node.items();
  clear(out, 0);
  // An oversized list is not read any further: it is wrong already, and may be huge.
  if (!check_size(context, node.line(), items.size(), constraints)) return;
  clear(out, items.size());
  const Constraints& each = of(constraints.item);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Context::Step step(context, i);
    const doc::Node* item = &items[i];
    if (!constraints.wrapper.empty()) {
      const doc::Node* inner = item->find(constraints.wrapper);
      if (inner == nullptr) {
        context.error(item->line(), reason::kRequired, "Required value", constraints.wrapper);
        continue;
      }
      item = inner;
    }
    if (item->is_null()) {
      wrong_type(context, *item, "a value other than null");
      continue;
    }
    item_.decode(context, *item, append(out), each);
  }
  check_unique(context, node, constraints);
}

void ListType::check_unique(Context& context, const doc::Node& node,
                            const Constraints& constraints) const {
  const auto items = node.items();
  if ((!constraints.is_set && constraints.map_keys.empty()) || items.size() < 2) return;
  absl::flat_hash_set<std::string> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string text = identity(items[i], constraints.map_keys);
    if (seen.insert(text).second) continue;
    const Context::Step step(context, i);
    context.error(items[i].line(), reason::kDuplicateValue,
                  fmt::format("Duplicate value: {}", text));
  }
}

Json ListType::encode(const void* value, const Constraints& constraints) const {
  Json out = Json::array();
  const Constraints& each = of(constraints.item);
  for (std::size_t i = 0; i < size(value); ++i) {
    Json item = item_.encode(at(value, i), each);
    if (!constraints.wrapper.empty()) item = Json{{constraints.wrapper, std::move(item)}};
    out.push_back(std::move(item));
  }
  return out;
}

void ListType::hash(Hasher& hasher, const void* value) const {
  hasher.add(size(value));
  for (std::size_t i = 0; i < size(value); ++i) item_.hash(hasher, at(value, i));
}

bool ListType::equal(const void* a, const void* b) const {
  if (size(a) != size(b)) return false;
  for (std::size_t i = 0; i < size(a); ++i) {
    if (!item_.equal(at(a, i), at(b, i))) return false;
  }
  return true;
}

Json ListType::openapi(const Constraints& constraints) const {
  Json schema{{"type", "array"}};
  if (constraints.min_size > 0) schema["minItems"] = constraints.min_size;
  if (constraints.largest) schema["maxItems"] = *constraints.largest;
  if (!constraints.map_keys.empty()) {
    schema["x-kubernetes-list-type"] = "map";
    schema["x-kubernetes-list-map-keys"] = constraints.map_keys;
  } else {
    schema["x-kubernetes-list-type"] = constraints.is_set ? "set" : "atomic";
  }
  Json item = item_.openapi(of(constraints.item));
  if (!constraints.wrapper.empty()) {
    const std::string& name = constraints.wrapper;
    item = {{"type", "object"}, {"properties", {{name, item}}}, {"required", {name}}};
  }
  schema["items"] = std::move(item);
  return schema;
}

void MapType::decode_bytes(Context& context, const doc::Node& node, void* out) const {
  if (!node.is_string()) return wrong_type(context, node, "string");
  if (!decode_base64(node.as_string(), *static_cast<std::string*>(out))) {
    context.error(node.line(), reason::kInvalidValue, "Invalid value: must be base64");
  }
}

void MapType::decode(Context& context, const doc::Node& node, void* out,
                     const Constraints& constraints) const {
  if (!node.is_mapping()) return wrong_type(context, node, "object");
  if (!check_size(context, node.line(), node.members().size(), constraints)) return;
  const bool base64 = constraints.codec == Constraints::Codec::kBase64 ||
                      constraints.codec == Constraints::Codec::kBase64Binary;
  const auto& kept = constraints.kept_prefixes;
  check_total_bytes(context, node, constraints.max_total_bytes);
  for (const doc::Member& member : node.members()) {
    const std::string_view key = member.key.as_string();
    const bool wanted = kept.empty() || std::ranges::any_of(kept, [&](const std::string& prefix) {
                          return key.starts_with(prefix);
                        });
    if (!wanted && context.mode() == DecodeMode::kLenient) continue;  // the API server checked it
    const auto step = Context::Step(context, Context::Element{key, 0, Context::Element::kKey});
    if (constraints.key != nullptr &&
        !check_string(context, member.key.line(), key, *constraints.key)) {
      continue;
    }
    if (member.value.is_null()) continue;
    if (!wanted && !member.value.is_string()) {
      wrong_type(context, member.value, "string");
    } else if (!wanted) {
      check_string(context, member.value.line(), member.value.as_string(), of(constraints.item));
    } else if (base64) {
      decode_bytes(context, member.value, insert(out, key));
    } else {
      value_.decode(context, member.value, insert(out, key), of(constraints.item));
    }
  }
}

Json MapType::encode(const void* value, const Constraints& constraints) const {
  Json out = Json::object();
  using Codec = Constraints::Codec;
  const Codec codec = constraints.codec;
  each(value, [&](std::string_view key, const void* entry) {
    if (codec == Codec::kPlain) {
      out[std::string(key)] = value_.encode(entry, of(constraints.item));
      return;
    }
    const std::string& bytes = *static_cast<const std::string*>(entry);
    if (codec != Codec::kBase64 && (codec == Codec::kText) != is_utf8(bytes)) return;
    out[std::string(key)] = codec == Codec::kText ? bytes : encode_base64(bytes);
  });
  return out;
}

void MapType::hash(Hasher& hasher, const void* value) const {
  hasher.add(size(value));
  each(value, [&](std::string_view key, const void* entry) {
    hasher.add(key);
    value_.hash(hasher, entry);
  });
}

bool MapType::equal(const void* a, const void* b) const {
  if (size(a) != size(b)) return false;
  bool same = true;
  each(a, [&](std::string_view key, const void* entry) {
    const void* other = find(b, key);
    same = same && other != nullptr && value_.equal(entry, other);
  });
  return same;
}

Json MapType::openapi(const Constraints& constraints) const {
  Json schema{{"type", "object"}};
  if (constraints.min_size > 0) schema["minProperties"] = constraints.min_size;
  if (constraints.largest) schema["maxProperties"] = *constraints.largest;
  schema["additionalProperties"] = value_.openapi(of(constraints.item));
  return schema;
}

}  // namespace kgw::schema
