// What the YAML and JSON readers share; included by document*.cc only.
#pragma once

#include <cstring>
#include <expected>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/document.h"

namespace kgw::doc::internal {

// Copies strings and children into the arena of a Parsed.
class Store {
 public:
  explicit Store(std::pmr::monotonic_buffer_resource& arena) : arena_(arena) {}

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* memory = static_cast<char*>(arena_.allocate(text.size(), 1));
    std::memcpy(memory, text.data(), text.size());
    return {memory, text.size()};
  }
  template <typename T>
  std::span<const T> copy(std::span<const T> values) {
    if (values.empty()) return {};
    void* memory = arena_.allocate(values.size_bytes(), alignof(T));
    std::memcpy(memory, values.data(), values.size_bytes());
    return {static_cast<const T*>(memory), values.size()};
  }

 private:
  std::pmr::monotonic_buffer_resource& arena_;
};

// The first key that stands twice among `members`, if any.
std::optional<Node> duplicate_key(std::span<const Member> members);

// A JSON number, or nothing when it is out of the range of a double.
std::optional<Node> number(std::string_view text, std::uint32_t line);

// What a plain YAML scalar means. `tag` is the short tag ("!!int") or empty.
// Error: a message without position.
std::expected<Node, std::string> resolve_scalar(std::string_view in_arena, std::string_view tag,
                                                std::uint32_t line);

// Reads all documents of one chunk whose first line is `first_line` of the file; stops at the first
// syntax error. `alias_budget`: what aliases may still stand for in the file; less afterwards.
void parse_yaml(std::string_view chunk, std::uint32_t first_line, const Limits& limits,
                std::size_t& alias_budget, Store& store, std::vector<Node>& documents,
                std::vector<SyntaxError>& errors);

// Reads the one document of a JSON file.
std::expected<Node, SyntaxError> parse_json(std::string_view text, const Limits& limits,
                                            Store& store);

}  // namespace kgw::doc::internal
