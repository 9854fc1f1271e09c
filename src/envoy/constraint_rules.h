// The rules of Envoy's API (protoc-gen-validate), compiled from the descriptors into tables that
// serialized messages are compared with (constraints.h). Internal to envoy/.
//
// A message type has one table, made when it is first needed and never freed. Envoy checks what is
// not set too: an empty string breaks min_len, so such fields are looked for after the walk.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Descriptor;
}

namespace kgw::envoy {

// What is wrong with a value, in words; nothing when it is fine.
using Broken = std::optional<std::string>;

struct Bounds {
  std::optional<double> greater, at_least, less, at_most;

  Broken check(double value) const;
};

// The well known expressions that rules name.
enum class Characters : std::uint8_t { kAny, kNoLineBreak, kHeaderName, kHeaderValue };

struct TextRules {
  std::size_t min_bytes = 0, max_bytes = SIZE_MAX;
  std::size_t min_characters = 0, max_characters = SIZE_MAX;
  Characters characters = Characters::kAny;
  std::unique_ptr<re2::RE2> pattern;
  std::string prefix, suffix;
  std::vector<std::string> in;
  bool ignore_empty = false;

  Broken check(std::string_view value) const;
};

// Of a number, bool or enum.
struct NumberRules {
  Bounds bounds;
  std::optional<bool> truth;  // the one value of a bool
  std::vector<int> defined;   // the values of an enum; empty: any
  std::vector<int> not_in;

  Broken check(double value) const;
};

struct MessageTable;

struct FieldTable {
  enum class Kind : std::uint8_t { kIgnored, kNumber, kText, kMessage, kDuration, kAny };
  // How a number is written.
  enum class Wire : std::uint8_t { kVarint, kSigned, kFixed32, kFixed64, kFloat, kDouble };

  std::string name;
  Kind kind = Kind::kIgnored;
  Wire wire = Wire::kVarint;
  bool repeated = false;
  bool unique = false;
  bool required = false;
  Broken when_unset;  // a scalar that is not there has its default, which breaks a rule
  std::size_t min_items = 0, max_items = SIZE_MAX;
  std::unique_ptr<TextRules> text;
  std::unique_ptr<NumberRules> value;
  std::unique_ptr<Bounds> duration;       // in seconds
  const MessageTable* message = nullptr;  // of kMessage

  // Whether a value of its own, or the lack of one, can be wrong.
  bool has_rules() const;
};

struct MessageTable {
  struct OneOf {
    std::string name;
    std::vector<std::size_t> members;  // positions in `fields`
  };

  std::vector<FieldTable> fields;
  std::vector<std::uint16_t> by_number;  // position in `fields`, plus one
  std::vector<OneOf> required;           // one member each must be set
  bool checks = false;                   // something in it, at any depth, can be broken

  // Null: the message has no such field.
  const FieldTable* find(std::uint64_t number) const {
    if (number >= by_number.size() || by_number[number] == 0) return nullptr;
    return &fields[by_number[number] - 1U];
  }
};

// Null: nothing in the message is checked. Thread: any.
const MessageTable* table_of(const google::protobuf::Descriptor& type);
// Of the message in an Any; null too if the type is not known here.
const MessageTable* table_of_packed(std::string_view type_url);

}  // namespace kgw::envoy
