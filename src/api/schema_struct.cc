#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "api/schema.h"
#include "api/schema_words.h"

namespace kgw::schema {
namespace {

const void* at(const void* base, std::uint32_t offset) {
  return static_cast<const char*>(base) + offset;
}
void* at(void* base, std::uint32_t offset) { return static_cast<char*>(base) + offset; }

void check_rules(Context& context, const std::vector<Rule>& rules, const doc::Node& node,
                 const void* value) {
  for (const Rule& rule : rules) {
    if (rule.holds(at(value, rule.offset), node)) continue;
    const doc::Node* below = rule.field.empty() ? nullptr : node.find(rule.field);
    context.error((below == nullptr ? node : *below).line(), reason::kInvalidValue, rule.message,
                  rule.field);
  }
}

}  // namespace

void StructType::inline_struct(const StructType& other, std::uint32_t offset) {
  for (const Field& field : other.fields_) {
    Field moved = field;
    moved.offset += offset;
    fields_.push_back(std::move(moved));
  }
  for (const Rule& rule : other.rules_) {
    Rule moved = rule;
    moved.offset += offset;
    rules_.push_back(std::move(moved));
  }
  ignored_.insert(ignored_.end(), other.ignored_.begin(), other.ignored_.end());
}

// Manifests mostly keep the order of the definition, so the search starts at `hint`.
std::size_t StructType::find(std::string_view name, std::size_t hint) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const std::size_t index = hint + i < fields_.size() ? hint + i : hint + i - fields_.size();
    if (fields_[index].name == name) return index;
  }
  return fields_.size();
}

void StructType::unknown_field(Context& context, const doc::Node& key) const {
  const std::string_view name = key.as_string();
  if (ignore_unknown_ || context.mode() == DecodeMode::kLenient) return;
  if (std::ranges::find(ignored_, name) != ignored_.end()) return;
  std::vector<std::string_view> known;
  for (const Field& field : fields_) known.push_back(field.name);
  for (const std::string& ignored : ignored_) known.push_back(ignored);
  const std::string_view meant = nearest(name, known);
  std::string message = fmt::format("unknown field {}", quote(name));
  if (!meant.empty()) message += fmt::format(", did you mean \"{}\"?", meant);
  context.error(key.line(), reason::kUnknownField, std::move(message), name.substr(0, 100));
}

void StructType::decode(Context& context, const doc::Node& node, void* out,
                        const Constraints&) const {
  if (!node.is_mapping()) return wrong_type(context, node, "object");
  const std::size_t errors_before = context.error_count();
  std::vector<bool> seen(fields_.size());
  std::vector<std::pair<const Field*, const doc::Node*>> later;
  std::size_t next = 0;
  for (const doc::Member& member : node.members()) {
    const std::size_t index = find(member.key.as_string(), next);
    if (index == fields_.size()) {
      unknown_field(context, member.key);
      continue;
    }
    next = index + 1 < fields_.size() ? index + 1 : 0;
    // As the API server does: a null stands for absence, and is defaulted like it.
    if (member.value.is_null()) continue;
    seen[index] = true;
    if (fields_[index].is_decode_only) {
      later.emplace_back(&fields_[index], &member.value);
    } else {
      decode_field(context, fields_[index], member.value, out);
    }
  }
  for (const auto& [field, value] : later) decode_field(context, *field, *value, out);
  decode_absent(context, node, out, seen);
  if (context.error_count() == errors_before) check_rules(context, rules_, node, out);
  if (finish_ && context.error_count() == errors_before) finish_(out);
}

void StructType::decode_field(Context& context, const Field& field, const doc::Node& node,
                              void* out) const {
  const Context::Step step(context, field.name);
  const std::size_t errors_before = context.error_count();
  field.type->decode(context, node, at(out, field.offset), field.constraints);
  if (context.error_count() == errors_before) {
    check_rules(context, field.rules, node, at(out, field.offset));
  }
}

void StructType::decode_absent(Context& context, const doc::Node& node, void* out,
                               const std::vector<bool>& seen) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (seen[i]) continue;
    const Field& field = fields_[i];
    if (field.apply_default) {
      field.apply_default(at(out, field.offset));
    } else if (field.is_required) {
      context.error(node.line(), reason::kRequired, "Required value", field.name);
    }
  }
}

Json StructType::encode(const void* value, const Constraints&) const {
  Json out = Json::object();
  for (const Field& field : fields_) {
    const void* member = at(value, field.offset);
    if (field.is_decode_only || !field.type->present(member)) continue;
    const bool always = field.is_required || field.default_value != nullptr;
    // A value as initialized decodes from absence, so it is left out.
    if (!always && field.type->equal(member, at(probe_, field.offset))) continue;
    out[field.name] = field.type->encode(member, field.constraints);
  }
  return out;
}

void StructType::hash(Hasher& hasher, const void* value) const {
  for (const Field& field : fields_) {
    if (!field.is_decode_only) field.type->hash(hasher, at(value, field.offset));
  }
}

bool StructType::equal(const void* a, const void* b) const {
  return std::ranges::all_of(fields_, [&](const Field& field) {
    return field.type->equal(at(a, field.offset), at(b, field.offset));
  });
}

namespace internal {
namespace {
std::unordered_map<const void*, StructType*>& structs() {
  static auto* map = new std::unordered_map<const void*, StructType*>;
  return *map;
}
}  // namespace

std::recursive_mutex& types_mutex() {
  static auto* mutex = new std::recursive_mutex;
  return *mutex;
}

StructType* find_struct(const void* describe) {
  const auto found = structs().find(describe);
  return found == structs().end() ? nullptr : found->second;
}

void keep_struct(const void* describe, StructType* type) { structs()[describe] = type; }

}  // namespace internal
}  // namespace kgw::schema
