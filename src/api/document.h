// Text into one compact, immutable tree: YAML (libyaml events) and JSON (simdjson) give the same
// Node, so that everything after this file knows only one input.
//
// - A Node is 16 bytes and trivially copyable: kind, line, and a pointer into the arena or a value.
//   Children of a collection are contiguous. An alias copies the Node and shares its children.
// - Scalars follow what kubectl does with YAML (YAML 1.1 as go-yaml v2 reads it): yes/no/on/off/y/n
//   are booleans, 0777 is octal, quoted scalars are strings, timestamps stay strings, `<<` merges.
//   Mapping keys are always strings, as in JSON; a key given twice is an error.
// - Granularity of errors: a YAML file is cut at its `---` lines first, so a syntax error costs one
//   document and never its neighbours. A JSON file is one document.
// - Input size is not trusted: bytes, depth, and the growth that aliases can cause are bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kgw::doc {

enum class Kind : std::uint8_t { kNull, kBool, kInt, kFloat, kString, kSequence, kMapping };

// "string", "mapping", ...: the words used in error messages.
std::string_view name_of(Kind kind);

struct Member;

// Accessors REQUIRE the matching kind. Thread: immutable, so readable from any thread for as long
// as the Parsed that owns its memory lives.
class Node {
 public:
  Node() : Node(Kind::kNull, 0) {}
  static Node boolean(bool value, std::uint32_t line);
  static Node integer(std::int64_t value, std::uint32_t line);
  static Node floating(double value, std::uint32_t line);
  static Node string(std::string_view in_arena, std::uint32_t line);
  static Node null(std::uint32_t line) { return Node(Kind::kNull, line); }
  static Node sequence(std::span<const Node> in_arena, std::uint32_t line);
  static Node mapping(std::span<const Member> in_arena, std::uint32_t line);

  Kind kind() const { return static_cast<Kind>(kind_); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_mapping() const { return kind() == Kind::kMapping; }
  bool is_sequence() const { return kind() == Kind::kSequence; }
  // 1-based line of the first character in the file.
  std::uint32_t line() const { return line_; }

  bool as_bool() const { return bool_; }
  std::int64_t as_int() const { return int_; }
  double as_float() const { return float_; }
  std::string_view as_string() const { return {chars_, size_}; }
  std::span<const Node> items() const { return {items_, size_}; }
  std::span<const Member> members() const;
  // The value under `key`, or null; also null when this is not a mapping.
  const Node* find(std::string_view key) const;
  // find() along several keys.
  const Node* find(std::initializer_list<std::string_view> path) const;

 private:
  Node(Kind kind, std::uint32_t line)
      : line_(line), kind_(static_cast<std::uint32_t>(kind)), size_(0), int_(0) {}

  std::uint32_t line_;
  std::uint32_t kind_ : 3;
  std::uint32_t size_ : 29;
  union {
    bool bool_;
    std::int64_t int_;
    double float_;
    const char* chars_;
    const Node* items_;
    const Member* members_;
  };
};
static_assert(sizeof(Node) == 16);

struct Member {
  Node key;  // a string
  Node value;
};

inline std::span<const Member> Node::members() const { return {members_, size_}; }

// Equal in kind and value at every depth; lines and the order of mapping members do not count.
bool equal(const Node& a, const Node& b);

// Compact JSON text of the tree.
std::string to_json(const Node& node);

struct Limits {
  std::size_t max_bytes = 64u << 20;
  std::uint32_t max_depth = 100;
  // Memory that aliases may stand for, in bytes of tree: alias_base + alias_factor * input size,
  // and never more than alias_max.
  std::size_t alias_base = 1u << 20;
  std::size_t alias_factor = 16;
  std::size_t alias_max = 64u << 20;
};

struct SyntaxError {
  std::uint32_t line = 0;    // 1-based
  std::uint32_t column = 0;  // 1-based, in characters
  std::string message;
  friend bool operator==(const SyntaxError&, const SyntaxError&) = default;
};

enum class Format : std::uint8_t {
  kAuto,  // JSON when the first character is { or [, and YAML when that fails
  kYaml,
  kJson,
};

// Owns: every string and child of `documents`.
struct Parsed {
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena;
  std::vector<Node> documents;  // in file order, without empty ones
  std::vector<SyntaxError> errors;
};

// Never throws and never fails as a whole: what could be read is in `documents`, the rest in
// `errors`. Text must be UTF-8 (a byte order mark is skipped).
Parsed parse(std::string_view text, Format format = Format::kAuto, const Limits& limits = {});

}  // namespace kgw::doc
