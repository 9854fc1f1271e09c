#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/schema_value.h"
#include "api/schema_words.h"

namespace kgw::schema {
namespace {

constexpr std::string_view kDurationPattern = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";
constexpr std::string_view kQuantityPattern =
    "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+"
    "(\\.[0-9]*)?)|(\\.[0-9]+))))?$";
constexpr std::int64_t kMaxDurationMillis = std::int64_t{99999} * 3600 * 1000 + 3599999;

struct Unit {
  std::string_view name;
  std::int64_t millis;
};
constexpr Unit kUnits[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

// REQUIRES: `text` matches kDurationPattern.
std::int64_t duration_millis(std::string_view text) {
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t number = 0;
    while (text[0] >= '0' && text[0] <= '9') {
      number = number * 10 + (text[0] - '0');
      text.remove_prefix(1);
    }
    const bool milli = text.starts_with("ms");
    for (const Unit& unit : kUnits) {
      if (milli ? unit.name == "ms" : text.starts_with(unit.name)) {
        total += number * unit.millis;
        text.remove_prefix(unit.name.size());
        break;
      }
    }
  }
  return total;
}

std::string duration_text(std::int64_t millis) {
  std::string text;
  for (const Unit& unit : kUnits) {
    if (const std::int64_t count = millis / unit.millis; count > 0) {
      text += fmt::format("{}{}", count, unit.name);
      millis %= unit.millis;
    }
  }
  return text.empty() ? "0s" : text;
}

bool check_number(Context& context, std::uint32_t line, std::int64_t value,
                  const Constraints& constraints) {
  const auto& allowed = constraints.allowed_numbers;
  if (!allowed.empty() && std::ranges::find(allowed, value) == allowed.end()) {
    std::vector<std::string> names;
    for (const std::int64_t number : allowed) names.push_back(std::to_string(number));
    context.error(line, reason::kUnsupportedValue, unsupported(std::to_string(value), names));
    return false;
  }
  if (constraints.minimum && value < *constraints.minimum) {
    context.error(line, reason::kInvalidValue,
                  fmt::format("Invalid value: {}: should be greater than or equal to {}", value,
                              *constraints.minimum));
    return false;
  }
  if (constraints.maximum && value > *constraints.maximum) {
    context.error(line, reason::kInvalidValue,
                  fmt::format("Invalid value: {}: should be less than or equal to {}", value,
                              *constraints.maximum));
    return false;
  }
  return true;
}

Json string_schema(const Constraints& constraints) {
  Json schema{{"type", "string"}};
  if (!constraints.allowed.empty()) schema["enum"] = constraints.allowed;
  if (constraints.min_length > 0) schema["minLength"] = constraints.min_length;
  if (constraints.longest) schema["maxLength"] = *constraints.longest;
  if (!constraints.regex.empty()) schema["pattern"] = constraints.regex;
  return schema;
}

// Whole numbers may be written with a fraction of zero, as in JSON.
bool read_integer(const doc::Node& node, std::int64_t& value) {
  if (node.kind() == doc::Kind::kInt) {
    value = node.as_int();
    return true;
  }
  if (node.kind() != doc::Kind::kFloat) return false;
  const double number = node.as_float();
  if (!(number >= -9e15 && number <= 9e15)) return false;
  value = static_cast<std::int64_t>(number);
  return static_cast<double>(value) == number;
}

}  // namespace

void StringType::decode(Context& context, const doc::Node& node, void* out,
                        const Constraints& constraints) const {
  if (!node.is_string()) return wrong_type(context, node, "string");
  if (check_string(context, node.line(), node.as_string(), constraints)) {
    assign(out, node.as_string());
  }
}

Json StringType::encode(const void* value, const Constraints&) const { return view(value); }

Json StringType::openapi(const Constraints& constraints) const {
  return string_schema(constraints);
}

void IntOrStringType::decode(Context& context, const doc::Node& node, void* out,
                             const Constraints& constraints) const {
  std::int64_t number = 0;
  if (read_integer(node, number)) {
    if (check_number(context, node.line(), number, constraints)) {
      assign(out, std::to_string(number));
    }
  } else if (node.is_string()) {
    StringType::decode(context, node, out, constraints);
  } else {
    wrong_type(context, node, "integer or string");
  }
}

Json IntOrStringType::encode(const void* value, const Constraints&) const {
  const std::string text(view(value));
  const bool digits = !text.empty() && text.size() < 10 &&
                      std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits && (text[0] != '0' || text.size() == 1)) return std::stoll(text);
  return text;
}

Json IntOrStringType::openapi(const Constraints&) const {
  return {{"x-kubernetes-int-or-string", true}};
}

void QuantityType::decode(Context& context, const doc::Node& node, void* out,
                          const Constraints& constraints) const {
  static const Constraints* shape = &(new Constraints)->pattern(kQuantityPattern);
  const bool number = node.kind() == doc::Kind::kInt || node.kind() == doc::Kind::kFloat;
  if (!number && !node.is_string()) return wrong_type(context, node, "integer or string");
  const std::string text = number ? doc::to_json(node) : std::string(node.as_string());
  if (check_string(context, node.line(), text, *shape) &&
      check_string(context, node.line(), text, constraints)) {
    *static_cast<std::string*>(out) = text;
  }
}

Json QuantityType::openapi(const Constraints&) const {
  return {{"x-kubernetes-int-or-string", true},
          {"anyOf", {{{"type", "integer"}}, {{"type", "string"}}}},
          {"pattern", kQuantityPattern}};
}

void RawObjectType::decode(Context& context, const doc::Node& node, void* out,
                           const Constraints&) const {
  if (!node.is_mapping()) return wrong_type(context, node, "object");
  // Parsed once more for its order of members, so that equal objects have equal text.
  *static_cast<std::string*>(out) = Json::parse(doc::to_json(node)).dump();
}

Json RawObjectType::encode(const void* value, const Constraints&) const {
  const std::string& text = *static_cast<const std::string*>(value);
  return text.empty() ? Json::object() : Json::parse(text);
}

Json RawObjectType::openapi(const Constraints&) const {
  return {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
}

void BoolType::decode(Context& context, const doc::Node& node, void* out,
                      const Constraints&) const {
  if (node.kind() != doc::Kind::kBool) return wrong_type(context, node, "boolean");
  set(out, node.as_bool());
}

Json BoolType::encode(const void* value, const Constraints&) const { return get(value) != 0; }

Json BoolType::openapi(const Constraints&) const { return {{"type", "boolean"}}; }

void IntType::decode(Context& context, const doc::Node& node, void* out,
                     const Constraints& constraints) const {
  std::int64_t value = 0;
  if (!read_integer(node, value)) return wrong_type(context, node, "integer");
  const bool fits = bits_ == 64 || (value >= std::numeric_limits<std::int32_t>::min() &&
                                    value <= std::numeric_limits<std::int32_t>::max());
  if (!fits) return wrong_type(context, node, "int32");
  if (check_number(context, node.line(), value, constraints)) set(out, value);
}

Json IntType::encode(const void* value, const Constraints&) const { return get(value); }

Json IntType::openapi(const Constraints& constraints) const {
  Json schema{{"type", "integer"}, {"format", bits_ == 32 ? "int32" : "int64"}};
  if (constraints.minimum) schema["minimum"] = *constraints.minimum;
  if (constraints.maximum) schema["maximum"] = *constraints.maximum;
  if (!constraints.allowed_numbers.empty()) schema["enum"] = constraints.allowed_numbers;
  return schema;
}

void EnumType::decode(Context& context, const doc::Node& node, void* out,
                      const Constraints&) const {
  if (!node.is_string()) return wrong_type(context, node, "string");
  for (const auto& [name, value] : names_) {
    if (name == node.as_string()) return set(out, value);
  }
  std::vector<std::string> known;
  for (const auto& entry : names_) known.push_back(entry.first);
  context.error(node.line(), reason::kUnsupportedValue,
                unsupported(quote(node.as_string()), known));
}

Json EnumType::encode(const void* value, const Constraints&) const {
  const auto found = std::ranges::find(names_, get(value), [](const auto& e) { return e.second; });
  return found == names_.end() ? Json("") : Json(found->first);
}

Json EnumType::openapi(const Constraints&) const {
  Json names = Json::array();
  for (const auto& entry : names_) names.push_back(entry.first);
  return {{"type", "string"}, {"enum", names}};
}

void DurationType::decode(Context& context, const doc::Node& node, void* out,
                          const Constraints& constraints) const {
  static const Constraints* shape = &(new Constraints)->pattern(kDurationPattern);
  if (!node.is_string()) return wrong_type(context, node, "string");
  const std::string_view text = node.as_string();
  if (!check_string(context, node.line(), text, *shape)) return;
  const std::int64_t millis = duration_millis(text);
  const std::int64_t least = constraints.minimum.value_or(0);
  const std::int64_t most = constraints.maximum.value_or(kMaxDurationMillis);
  if (millis >= least && millis <= most) return set(out, millis);
  context.error(node.line(), reason::kInvalidValue,
                fmt::format("Invalid value: {}: should be {} {}", quote(text),
                            millis < least ? "at least" : "at most",
                            duration_text(millis < least ? least : most)));
}

Json DurationType::encode(const void* value, const Constraints&) const {
  return duration_text(get(value));
}

Json DurationType::openapi(const Constraints& constraints) const {
  Json schema{{"type", "string"}, {"maxLength", 32}, {"pattern", kDurationPattern}};
  Json rules = Json::array();
  if (constraints.minimum) {
    const std::string text = duration_text(*constraints.minimum);
    rules.push_back({{"message", fmt::format("must be at least {}", text)},
                     {"rule", fmt::format("duration(self) >= duration('{}')", text)}});
  }
  if (constraints.maximum) {
    const std::string text = duration_text(*constraints.maximum);
    rules.push_back({{"message", fmt::format("must be at most {}", text)},
                     {"rule", fmt::format("duration(self) <= duration('{}')", text)}});
  }
  if (!rules.empty()) schema["x-kubernetes-validations"] = rules;
  return schema;
}

void TimeType::decode(Context& context, const doc::Node& node, void* out,
                      const Constraints&) const {
  std::int64_t seconds = 0;
  if (!node.is_string()) return wrong_type(context, node, "string");
  if (parse_time(node.as_string(), seconds)) return set(out, seconds);
  context.error(
      node.line(), reason::kInvalidValue,
      fmt::format("Invalid value: {}: must be an RFC 3339 time", quote(node.as_string())));
}

Json TimeType::encode(const void* value, const Constraints&) const {
  return format_time(get(value));
}

Json TimeType::openapi(const Constraints&) const {
  return {{"type", "string"}, {"format", "date-time"}};
}

void PresenceType::decode(Context&, const doc::Node&, void* out, const Constraints&) const {
  set(out, 1);
}

Json PresenceType::encode(const void*, const Constraints&) const { return format_time(0); }

Json PresenceType::openapi(const Constraints&) const {
  return {{"type", "string"}, {"format", "date-time"}};
}

void DoubleType::decode(Context& context, const doc::Node& node, void* out,
                        const Constraints& constraints) const {
  const bool is_int = node.kind() == doc::Kind::kInt;
  if (!is_int && node.kind() != doc::Kind::kFloat) return wrong_type(context, node, "number");
  const double value = is_int ? static_cast<double>(node.as_int()) : node.as_float();
  const bool low = constraints.minimum && value < static_cast<double>(*constraints.minimum);
  const bool high = constraints.maximum && value > static_cast<double>(*constraints.maximum);
  if (!low && !high) {
    *static_cast<double*>(out) = value;
    return;
  }
  context.error(
      node.line(), reason::kInvalidValue,
      fmt::format("Invalid value: {}: should be {} than or equal to {}", value,
                  low ? "greater" : "less", low ? *constraints.minimum : *constraints.maximum));
}

Json DoubleType::encode(const void* value, const Constraints&) const {
  return *static_cast<const double*>(value);
}

void DoubleType::hash(Hasher& hasher, const void* value) const {
  hasher.add(std::bit_cast<std::uint64_t>(*static_cast<const double*>(value)));
}

bool DoubleType::equal(const void* a, const void* b) const {
  return *static_cast<const double*>(a) == *static_cast<const double*>(b);
}

Json DoubleType::openapi(const Constraints& constraints) const {
  Json schema{{"type", "number"}};
  if (constraints.minimum) schema["minimum"] = *constraints.minimum;
  if (constraints.maximum) schema["maximum"] = *constraints.maximum;
  return schema;
}

}  // namespace kgw::schema
