#include "envoy/constraint_rules.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "validate/validate.pb.h"

namespace kgw::envoy {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using validate::FieldRules;
using Kind = FieldTable::Kind;
using Wire = FieldTable::Wire;

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

bool is_in(Characters set, char c) {
  const auto byte = static_cast<unsigned char>(c);
  switch (set) {
    case Characters::kAny:
      return true;
    case Characters::kNoLineBreak:
      return c != '\0' && c != '\n' && c != '\r';
    case Characters::kHeaderName:
      return absl::ascii_isalnum(byte) ||
             std::string_view("!#$%&'*+-.^_`|~:").find(c) != std::string_view::npos;
    case Characters::kHeaderValue:
      return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  }
  return true;
}

std::string plural(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// "0.5", "600"
std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", value);
  return text.data();
}

// Makes the tables of message types, and of what they contain. One at a time.
class Compiler {
 public:
  const MessageTable* table_of(const Descriptor& type) {
    const std::lock_guard lock(mutex_);
    return known(type);
  }

  const MessageTable* table_of_packed(std::string_view type_url) {
    const std::lock_guard lock(mutex_);
    const auto found = packed_.find(std::string(type_url));
    if (found != packed_.end()) return found->second;
    const std::string name(type_url.substr(type_url.rfind('/') + 1));
    const Descriptor* type = DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    if (type == nullptr) return nullptr;  // not remembered: the name may come from anywhere
    return packed_[std::string(type_url)] = known(*type);
  }

 private:
  const MessageTable* known(const Descriptor& type) {
    MessageTable& table = compile(type);
    settle();
    return table.checks ? &table : nullptr;
  }

  MessageTable& compile(const Descriptor& type) {
    const auto [entry, fresh] = tables_.try_emplace(&type, nullptr);
    if (!fresh) return *entry->second;
    entry->second = std::make_unique<MessageTable>();
    MessageTable& table = *entry->second;  // stays where it is
    open_.push_back(&table);
    if (type.options().GetExtension(validate::disabled)) return table;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      add(table, field, field.options().GetExtension(validate::rules));
    }
    for (int i = 0; i < type.oneof_decl_count(); ++i) {
      const auto& one_of = *type.oneof_decl(i);
      if (!one_of.options().GetExtension(validate::required)) continue;
      MessageTable::OneOf required{one_of.name(), {}};
      for (int member = 0; member < one_of.field_count(); ++member) {
        required.members.push_back(static_cast<std::size_t>(one_of.field(member)->index()));
      }
      table.required.push_back(std::move(required));
    }
    return table;
  }

  // `rules` of the field, but for the value of a map.
  void add(MessageTable& table, const FieldDescriptor& field, const FieldRules& rules) {
    const auto number = static_cast<std::size_t>(field.number());
    if (table.by_number.size() <= number) table.by_number.resize(number + 1);
    table.by_number[number] = static_cast<std::uint16_t>(table.fields.size() + 1);
    table.fields.push_back(table_of_field(field, rules));
  }

  FieldTable table_of_field(const FieldDescriptor& field, const FieldRules& rules) {
    FieldTable table;
    table.name = field.name();
    table.repeated = field.is_repeated();
    if (field.is_map()) {
      compile_map(field, rules.map(), table);
    } else if (field.is_repeated()) {
      const auto& repeated = rules.repeated();
      table.min_items = repeated.ignore_empty() ? 0 : repeated.min_items();
      if (repeated.has_max_items()) table.max_items = repeated.max_items();
      table.unique = repeated.unique();
      compile_value(field, repeated.items(), table);
    } else {
      compile_value(field, rules, table);
      if (!field.has_presence()) table.when_unset = broken_by_default(table);
      // A member of a oneof is required only of those that choose it.
      if (field.real_containing_oneof() != nullptr) table.required = false;
    }
    return table;
  }

  static Broken broken_by_default(const FieldTable& table) {
    if (table.text) return table.text->check("");
    if (table.value) return table.value->check(0);
    return {};
  }

  void compile_map(const FieldDescriptor& field, const validate::MapRules& rules,
                   FieldTable& table) {
    table.min_items = rules.ignore_empty() ? 0 : rules.min_pairs();
    if (rules.has_max_pairs()) table.max_items = rules.max_pairs();
    MessageTable& entry = synthetic();
    add(entry, *field.message_type()->map_key(), rules.keys());
    add(entry, *field.message_type()->map_value(), rules.values());
    table.kind = Kind::kMessage;
    table.message = &entry;
  }

  void compile_value(const FieldDescriptor& field, const FieldRules& rules, FieldTable& table) {
    switch (field.type()) {
      case FieldDescriptor::TYPE_MESSAGE:
        return compile_message(*field.message_type(), rules, table);
      case FieldDescriptor::TYPE_STRING:
      case FieldDescriptor::TYPE_BYTES:
        table.kind = Kind::kText;
        table.text = text_rules(rules);
        return;
      default:
        table.kind = Kind::kNumber;
        table.wire = wire_of(field);
        table.value = number_rules(field, rules);
    }
  }

  void compile_message(const Descriptor& type, const FieldRules& rules, FieldTable& table) {
    table.required = rules.message().required() || rules.duration().required() ||
                     rules.any().required() || rules.timestamp().required();
    table.kind = Kind::kMessage;
    const std::string& name = type.full_name();
    if (name == "google.protobuf.Duration") {
      table.kind = Kind::kDuration;
      table.duration = duration_rules(rules.duration());
    } else if (name == "google.protobuf.Any") {
      table.kind = Kind::kAny;
    } else if (name.starts_with("google.protobuf.") && name.ends_with("Value")) {
      MessageTable& wrapper = synthetic();  // the rules are those of the value in it
      if (type.field_count() == 1) add(wrapper, *type.field(0), rules);
      table.message = &wrapper;
    } else if (!rules.message().skip()) {
      table.message = &compile(type);
    }
  }

  static Wire wire_of(const FieldDescriptor& field) {
    switch (field.type()) {
      case FieldDescriptor::TYPE_FLOAT:
        return Wire::kFloat;
      case FieldDescriptor::TYPE_DOUBLE:
        return Wire::kDouble;
      case FieldDescriptor::TYPE_FIXED32:
      case FieldDescriptor::TYPE_SFIXED32:
        return Wire::kFixed32;
      case FieldDescriptor::TYPE_FIXED64:
      case FieldDescriptor::TYPE_SFIXED64:
        return Wire::kFixed64;
      case FieldDescriptor::TYPE_INT32:
      case FieldDescriptor::TYPE_INT64:
      case FieldDescriptor::TYPE_ENUM:
        return Wire::kSigned;
      default:
        return Wire::kVarint;
    }
  }

  static std::unique_ptr<TextRules> text_rules(const FieldRules& rules) {
    auto text = std::make_unique<TextRules>();
    const auto take_sizes = [&](const auto& given) {
      if (given.has_pattern()) {
        text->pattern = std::make_unique<re2::RE2>(given.pattern(), re2::RE2::Quiet);
      }
      text->prefix = given.prefix();
      text->suffix = given.suffix();
      text->in.assign(given.in().begin(), given.in().end());
      text->ignore_empty = given.ignore_empty();
    };
    if (rules.has_bytes()) {
      text->min_bytes = rules.bytes().min_len();
      if (rules.bytes().has_max_len()) text->max_bytes = rules.bytes().max_len();
      take_sizes(rules.bytes());
      return text;
    }
    if (!rules.has_string()) return nullptr;
    const validate::StringRules& given = rules.string();
    text->min_bytes = given.min_bytes();
    if (given.has_max_bytes()) text->max_bytes = given.max_bytes();
    text->min_characters = given.min_len();
    if (given.has_max_len()) text->max_characters = given.max_len();
    take_sizes(given);
    const bool name = given.well_known_regex() == validate::HTTP_HEADER_NAME;
    if (given.has_well_known_regex()) {
      text->characters = !given.strict() ? Characters::kNoLineBreak
                         : name          ? Characters::kHeaderName
                                         : Characters::kHeaderValue;
    }
    return text;
  }

  template <typename Rules>
  static void take_bounds(const Rules& rules, Bounds& bounds) {
    if (rules.has_gt()) bounds.greater = static_cast<double>(rules.gt());
    if (rules.has_gte()) bounds.at_least = static_cast<double>(rules.gte());
    if (rules.has_lt()) bounds.less = static_cast<double>(rules.lt());
    if (rules.has_lte()) bounds.at_most = static_cast<double>(rules.lte());
  }

  static std::unique_ptr<NumberRules> number_rules(const FieldDescriptor& field,
                                                   const FieldRules& rules) {
    auto number = std::make_unique<NumberRules>();
    switch (rules.type_case()) {
      case FieldRules::kFloat:
        take_bounds(rules.float_(), number->bounds);
        break;
      case FieldRules::kDouble:
        take_bounds(rules.double_(), number->bounds);
        break;
      case FieldRules::kInt32:
        take_bounds(rules.int32(), number->bounds);
        break;
      case FieldRules::kInt64:
        take_bounds(rules.int64(), number->bounds);
        break;
      case FieldRules::kUint32:
        take_bounds(rules.uint32(), number->bounds);
        break;
      case FieldRules::kUint64:
        take_bounds(rules.uint64(), number->bounds);
        break;
      case FieldRules::kBool:
        if (rules.bool_().has_const_()) number->truth = rules.bool_().const_();
        break;
      case FieldRules::kEnum:
        if (rules.enum_().defined_only() && field.enum_type() != nullptr) {
          for (int i = 0; i < field.enum_type()->value_count(); ++i) {
            number->defined.push_back(field.enum_type()->value(i)->number());
          }
        }
        number->not_in.assign(rules.enum_().not_in().begin(), rules.enum_().not_in().end());
        break;
      default:
        return nullptr;
    }
    return number;
  }

  static std::unique_ptr<Bounds> duration_rules(const validate::DurationRules& rules) {
    const auto seconds = [](const google::protobuf::Duration& duration) {
      return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
    };
    auto bounds = std::make_unique<Bounds>();
    if (rules.has_gt()) bounds->greater = seconds(rules.gt());
    if (rules.has_gte()) bounds->at_least = seconds(rules.gte());
    if (rules.has_lt()) bounds->less = seconds(rules.lt());
    if (rules.has_lte()) bounds->at_most = seconds(rules.lte());
    const bool any = bounds->greater || bounds->at_least || bounds->less || bounds->at_most;
    return any ? std::move(bounds) : nullptr;
  }

  MessageTable& synthetic() {
    synthetic_.push_back(std::make_unique<MessageTable>());
    open_.push_back(synthetic_.back().get());
    return *synthetic_.back();
  }

  // Finds out which new tables check anything. Types may contain themselves.
  void settle() {
    const auto checks = [](const MessageTable& table) {
      return !table.required.empty() || std::ranges::any_of(table.fields, [](const auto& field) {
        return field.has_rules() || field.kind == Kind::kAny ||
               (field.message != nullptr && field.message->checks);
      });
    };
    for (bool changed = true; changed;) {
      changed = false;
      for (MessageTable* table : open_) {
        if (table->checks || !checks(*table)) continue;
        table->checks = true;
        changed = true;
      }
    }
    for (MessageTable* table : open_) {
      for (FieldTable& field : table->fields) {
        if (field.message != nullptr && !field.message->checks) field.message = nullptr;
      }
    }
    open_.clear();
  }

  std::mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<MessageTable>> tables_;
  std::vector<std::unique_ptr<MessageTable>> synthetic_;
  std::vector<MessageTable*> open_;                               // not yet settled
  absl::flat_hash_map<std::string, const MessageTable*> packed_;  // by type URL
};

Compiler& compiler() {
  static auto* const compiler = new Compiler;
  return *compiler;
}

}  // namespace

Broken Bounds::check(double value) const {
  if (greater && !(value > *greater)) return "must be greater than " + number(*greater);
  if (at_least && !(value >= *at_least)) return "must be at least " + number(*at_least);
  if (less && !(value < *less)) return "must be less than " + number(*less);
  if (at_most && !(value <= *at_most)) return "must be at most " + number(*at_most);
  return {};
}

Broken TextRules::check(std::string_view value) const {
  if (ignore_empty && value.empty()) return {};
  if (value.size() < min_bytes) return "must have at least " + plural(min_bytes, "byte");
  if (value.size() > max_bytes) return "must have at most " + plural(max_bytes, "byte");
  if (min_characters > 0 && count_characters(value) < min_characters) {
    return "must have at least " + plural(min_characters, "character");
  }
  if (max_characters != SIZE_MAX && count_characters(value) > max_characters) {
    return "must have at most " + plural(max_characters, "character");
  }
  if (characters != Characters::kAny &&
      !std::ranges::all_of(value, [this](char c) { return is_in(characters, c); })) {
    return "has a character that is not allowed";
  }
  if (pattern && !re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *pattern)) {
    return "must match " + pattern->pattern();
  }
  if (!value.starts_with(prefix)) return "must begin with " + prefix;
  if (!value.ends_with(suffix)) return "must end with " + suffix;
  if (!in.empty() && std::ranges::find(in, value) == in.end()) {
    return "must be one of the values that are defined";
  }
  return {};
}

Broken NumberRules::check(double value) const {
  if (truth && *truth != (value != 0)) return *truth ? "must be true" : "must be false";
  const auto is = [value](int other) { return value == other; };
  if (!defined.empty() && std::ranges::none_of(defined, is)) {
    return "must be one of the values that are defined";
  }
  if (std::ranges::any_of(not_in, is)) return "has a value that is not allowed";
  return bounds.check(value);
}

bool FieldTable::has_rules() const {
  return text || value || duration || required || unique || when_unset || min_items > 0 ||
         max_items != SIZE_MAX;
}

const MessageTable* table_of(const Descriptor& type) { return compiler().table_of(type); }

const MessageTable* table_of_packed(std::string_view type_url) {
  return compiler().table_of_packed(type_url);
}

}  // namespace kgw::envoy
