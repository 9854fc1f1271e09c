#include "api/document.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "api/document_internal.h"

namespace kgw::doc {
namespace {

constexpr std::size_t kSmallMapping = 16;

// U+0085, U+2028 and U+2029 are line breaks in YAML 1.1, which folds them: the escape of the one
// that `text` begins with, and its length in UTF-8.
std::pair<std::string_view, std::size_t> escaped_break(std::string_view text) {
  if (text.starts_with("\xc2\x85")) return {"\\u0085", 2};
  if (text.starts_with("\xe2\x80\xa8")) return {"\\u2028", 3};
  if (text.starts_with("\xe2\x80\xa9")) return {"\\u2029", 3};
  return {};
}

// Appends `text` as a JSON string that reads as the same in YAML.
void append_quoted(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '\xc2':
      case '\xe2':
        if (const auto [escape, bytes] = escaped_break(text.substr(i)); bytes > 0) {
          out += escape;
          i += bytes - 1;
        } else {
          out += c;
        }
        break;
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[(c >> 4) & 0xf];
          out += kHex[c & 0xf];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_json(std::string& out, const Node& node) {
  switch (node.kind()) {
    case Kind::kNull:
      out += "null";
      break;
    case Kind::kBool:
      out += node.as_bool() ? "true" : "false";
      break;
    case Kind::kInt:
      out += std::to_string(node.as_int());
      break;
    case Kind::kFloat: {
      char buffer[32];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, node.as_float()).ptr;
      const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
      out += text;
      // Keeps a whole number a float when it is read again.
      if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
      break;
    }
    case Kind::kString:
      append_quoted(out, node.as_string());
      break;
    case Kind::kSequence: {
      out += '[';
      bool first = true;
      for (const Node& item : node.items()) {
        if (!std::exchange(first, false)) out += ',';
        append_json(out, item);
      }
      out += ']';
      break;
    }
    case Kind::kMapping: {
      out += '{';
      bool first = true;
      for (const Member& member : node.members()) {
        if (!std::exchange(first, false)) out += ',';
        append_quoted(out, member.key.as_string());
        out += ':';
        append_json(out, member.value);
      }
      out += '}';
      break;
    }
  }
}

// True when `line` starts with the document marker `---` followed by a space or its end.
bool is_marker(std::string_view line) {
  return line.starts_with("---") && (line.size() == 3 || line[3] == ' ' || line[3] == '\t' ||
                                     line[3] == '\r' || line[3] == '\n');
}

// True for a line that may stand before the first marker of a document: blank, comment, directive.
bool is_prologue(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos || line[first] == '#' || line[0] == '%';
}

// Cuts a file at its `---` lines. YAML forbids such a line inside any scalar, so the cut is exact.
template <typename Visit>
void for_each_chunk(std::string_view text, Visit visit) {
  std::size_t start = 0;
  std::uint32_t start_line = 1, line_number = 1;
  bool only_prologue = true;
  for (std::size_t at = 0; at < text.size(); ++line_number) {
    const auto newline = text.find('\n', at);
    const auto end = newline == std::string_view::npos ? text.size() : newline + 1;
    const std::string_view line = text.substr(at, end - at);
    if (is_marker(line)) {
      if (!only_prologue) {
        visit(text.substr(start, at - start), start_line);
        start = at;
        start_line = line_number;
      }
      only_prologue = false;
    } else if (only_prologue) {
      only_prologue = is_prologue(line);
    }
    at = end;
  }
  if (start < text.size()) visit(text.substr(start), start_line);
}

void parse_yaml_file(std::string_view text, const Limits& limits, Parsed& parsed) {
  internal::Store store(*parsed.arena);
  std::size_t alias_budget =
      std::min(limits.alias_max, limits.alias_base + limits.alias_factor * text.size());
  for_each_chunk(text, [&](std::string_view chunk, std::uint32_t first_line) {
    internal::parse_yaml(chunk, first_line, limits, alias_budget, store, parsed.documents,
                         parsed.errors);
  });
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "boolean";
    case Kind::kInt:
      return "integer";
    case Kind::kFloat:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kSequence:
      return "array";
    case Kind::kMapping:
      return "object";
  }
  return "";
}

Node Node::boolean(bool value, std::uint32_t line) {
  Node node(Kind::kBool, line);
  node.bool_ = value;
  return node;
}

Node Node::integer(std::int64_t value, std::uint32_t line) {
  Node node(Kind::kInt, line);
  node.int_ = value;
  return node;
}

Node Node::floating(double value, std::uint32_t line) {
  Node node(Kind::kFloat, line);
  node.float_ = value;
  return node;
}

Node Node::string(std::string_view in_arena, std::uint32_t line) {
  Node node(Kind::kString, line);
  node.size_ = static_cast<std::uint32_t>(in_arena.size());
  node.chars_ = in_arena.data();
  return node;
}

Node Node::sequence(std::span<const Node> in_arena, std::uint32_t line) {
  Node node(Kind::kSequence, line);
  node.size_ = static_cast<std::uint32_t>(in_arena.size());
  node.items_ = in_arena.data();
  return node;
}

Node Node::mapping(std::span<const Member> in_arena, std::uint32_t line) {
  Node node(Kind::kMapping, line);
  node.size_ = static_cast<std::uint32_t>(in_arena.size());
  node.members_ = in_arena.data();
  return node;
}

const Node* Node::find(std::string_view key) const {
  if (!is_mapping()) return nullptr;
  for (const Member& member : members()) {
    if (member.key.as_string() == key) return &member.value;
  }
  return nullptr;
}

const Node* Node::find(std::initializer_list<std::string_view> path) const {
  const Node* node = this;
  for (const std::string_view key : path) {
    node = node->find(key);
    if (node == nullptr) return nullptr;
  }
  return node;
}

bool equal(const Node& a, const Node& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.as_bool() == b.as_bool();
    case Kind::kInt:
      return a.as_int() == b.as_int();
    case Kind::kFloat:
      return a.as_float() == b.as_float();
    case Kind::kString:
      return a.as_string() == b.as_string();
    case Kind::kSequence:
      return std::ranges::equal(a.items(), b.items(), equal);
    case Kind::kMapping:
      break;
  }
  if (a.members().size() != b.members().size()) return false;
  absl::flat_hash_map<std::string_view, const Node*> right;
  for (const Member& member : b.members()) right.emplace(member.key.as_string(), &member.value);
  return std::ranges::all_of(a.members(), [&](const Member& member) {
    const auto found = right.find(member.key.as_string());
    return found != right.end() && equal(member.value, *found->second);
  });
}

std::string to_json(const Node& node) {
  std::string out;
  append_json(out, node);
  return out;
}

Parsed parse(std::string_view text, Format format, const Limits& limits) {
  Parsed parsed;
  if (text.size() > limits.max_bytes) {
    parsed.arena = std::make_unique<std::pmr::monotonic_buffer_resource>();
    parsed.errors.push_back({1, 1,
                             "the input has " + std::to_string(text.size()) + " bytes, more than " +
                                 std::to_string(limits.max_bytes)});
    return parsed;
  }
  const std::size_t first_block = std::clamp<std::size_t>(text.size(), 256, 1u << 20);
  parsed.arena = std::make_unique<std::pmr::monotonic_buffer_resource>(first_block);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (format == Format::kYaml) {
    parse_yaml_file(text, limits, parsed);
    return parsed;
  }
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool looks_like_json =
      first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  if (format == Format::kAuto && !looks_like_json) {
    parse_yaml_file(text, limits, parsed);
    return parsed;
  }
  internal::Store store(*parsed.arena);
  auto root = internal::parse_json(text, limits, store);
  if (root) {
    if (!root->is_null()) parsed.documents.push_back(*root);
    return parsed;
  }
  if (format == Format::kAuto) parse_yaml_file(text, limits, parsed);
  if (format == Format::kJson || !parsed.errors.empty()) {
    parsed.errors.insert(parsed.errors.begin(), std::move(root.error()));
    if (parsed.documents.empty()) parsed.errors.resize(1);
  }
  return parsed;
}

namespace internal {

std::optional<Node> duplicate_key(std::span<const Member> members) {
  if (members.size() <= kSmallMapping) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      const std::string_view key = members[i].key.as_string();
      for (std::size_t j = 0; j < i; ++j) {
        if (members[j].key.as_string() == key) return members[i].key;
      }
    }
    return std::nullopt;
  }
  absl::flat_hash_set<std::string_view> seen;
  seen.reserve(members.size());
  for (const Member& member : members) {
    if (!seen.insert(member.key.as_string()).second) return member.key;
  }
  return std::nullopt;
}

std::optional<Node> number(std::string_view text, std::uint32_t line) {
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  const auto as_integer = std::from_chars(text.data(), end, integer);
  if (as_integer.ec == std::errc() && as_integer.ptr == end) return Node::integer(integer, line);
  double floating = 0;
  const auto as_float = std::from_chars(text.data(), end, floating);
  if (as_float.ptr != end || text.empty()) return std::nullopt;
  if (as_float.ec != std::errc() || !std::isfinite(floating)) return std::nullopt;
  return Node::floating(floating, line);
}

}  // namespace internal
}  // namespace kgw::doc
