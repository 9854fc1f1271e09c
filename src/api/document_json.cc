// JSON documents through simdjson's on-demand interface, every value visited once.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>

#include "api/document_internal.h"

namespace kgw::doc::internal {
namespace {

namespace ondemand = simdjson::ondemand;

class Reader {
 public:
  Reader(std::string_view text, const Limits& limits, Store& store)
      : limits_(limits), store_(store), text_(text), counted_(text_.data()) {}

  std::expected<Node, SyntaxError> run() {
    ondemand::parser parser(limits_.max_bytes + simdjson::SIMDJSON_PADDING);
    ondemand::document document;
    Node root;
    if (const auto error = parser.iterate(text_).get(document)) {
      fail(error);
    } else if (!read_root(document, root) || error_) {
      if (!error_) fail(simdjson::TAPE_ERROR);
    } else if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      fail("unexpected content after the end of the document");
    }
    if (error_) return std::unexpected(std::move(*error_));
    return root;
  }

 private:
  // 1-based line of `at`. REQUIRES: calls come in the order of the text.
  std::uint32_t line_at(const char* at) {
    if (at > counted_ && at <= text_.data() + text_.size()) {
      line_ += static_cast<std::uint32_t>(std::count(counted_, at, '\n'));
      counted_ = at;
    }
    return line_;
  }

  void fail(std::string message) {
    if (error_) return;
    const char* line_start = counted_;
    while (line_start > text_.data() && line_start[-1] != '\n') --line_start;
    error_ = SyntaxError{line_, static_cast<std::uint32_t>(counted_ - line_start) + 1,
                         std::move(message)};
  }
  void fail(simdjson::error_code error) { fail(simdjson::error_message(error)); }

  // Runs `step`; a simdjson error becomes ours.
  bool ok(simdjson::error_code error) {
    if (error != simdjson::SUCCESS) fail(error);
    return error == simdjson::SUCCESS;
  }

  bool read_root(ondemand::document& document, Node& out) {
    ondemand::json_type type;
    if (!ok(document.type().get(type))) return false;
    if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
      ondemand::value value;
      return ok(document.get_value().get(value)) && read(value, out, 0);
    }
    fail("a document must be an object or an array");
    return false;
  }

  bool read(ondemand::value value, Node& out, std::uint32_t depth) {
    ondemand::json_type type;
    const std::string_view token = value.raw_json_token();
    const std::uint32_t line = line_at(token.data());
    if (!ok(value.type().get(type))) return false;
    switch (type) {
      case ondemand::json_type::object:
        return read_object(value, out, depth + 1, line);
      case ondemand::json_type::array:
        return read_array(value, out, depth + 1, line);
      case ondemand::json_type::string: {
        std::string_view text;
        if (!ok(value.get_string().get(text))) return false;
        out = Node::string(store_.copy(text), line);
        return true;
      }
      case ondemand::json_type::number:
        return read_number(value, token, out, line);
      case ondemand::json_type::boolean: {
        bool flag = false;
        if (!ok(value.get_bool().get(flag))) return false;
        out = Node::boolean(flag, line);
        return true;
      }
      case ondemand::json_type::null: {
        bool null = false;
        if (!ok(value.is_null().get(null))) return false;
        if (!null) return ok(simdjson::N_ATOM_ERROR);
        out = Node::null(line);
        return true;
      }
    }
    return false;
  }

  bool read_number(ondemand::value value, std::string_view token, Node& out, std::uint32_t line) {
    token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
    ondemand::number parsed;
    const auto error = value.get_number().get(parsed);
    if (error == simdjson::SUCCESS && parsed.is_int64()) {
      out = Node::integer(parsed.get_int64(), line);
      return true;
    }
    if (error == simdjson::SUCCESS) {
      // Read by us: simdjson 3.1 gives 0 for a fraction of more than 19 digits.
      const auto own = number(token, line);
      out = own ? *own : Node::floating(0, line);  // too small for a double
      return true;
    }
    if (const auto big = big_integer(token, line)) {
      out = *big;  // the value stays unconsumed; going on to the next one skips it
      return true;
    }
    return ok(error);
  }

  // An integer beyond 64 bits: simdjson refuses it, Go (and so Kubernetes) reads it as a float.
  static std::optional<Node> big_integer(std::string_view token, std::uint32_t line) {
    std::string_view digits = token;
    if (digits.starts_with('-')) digits.remove_prefix(1);
    const bool plain = digits.size() > 18 && digits[0] != '0' &&
                       digits.find_first_not_of("0123456789") == std::string_view::npos;
    return plain ? number(token, line) : std::nullopt;
  }

  bool enter(std::uint32_t depth) {
    if (depth <= limits_.max_depth) return true;
    fail(fmt::format("nested deeper than {} levels", limits_.max_depth));
    return false;
  }

  bool read_array(ondemand::value value, Node& out, std::uint32_t depth, std::uint32_t line) {
    ondemand::array array;
    if (!enter(depth) || !ok(value.get_array().get(array))) return false;
    const std::size_t first = children_.size();
    for (auto element : array) {
      ondemand::value item;
      Node node;
      if (!ok(element.get(item)) || !read(item, node, depth)) return false;
      children_.push_back(node);
    }
    const std::span<const Node> items(children_.begin() + first, children_.end());
    out = Node::sequence(store_.copy(items), line);
    children_.resize(first);
    return true;
  }

  bool read_object(ondemand::value value, Node& out, std::uint32_t depth, std::uint32_t line) {
    ondemand::object object;
    if (!enter(depth) || !ok(value.get_object().get(object))) return false;
    const std::size_t first = members_.size();
    for (auto element : object) {
      ondemand::field field;
      if (!ok(std::move(element).get(field))) return false;
      const std::uint32_t key_line = line_at(field.key().raw());
      std::string_view key;
      if (!ok(field.unescaped_key().get(key))) return false;
      Member member{Node::string(store_.copy(key), key_line), Node()};
      if (!read(field.value(), member.value, depth)) return false;
      members_.push_back(member);
    }
    const std::span<const Member> members(members_.begin() + first, members_.end());
    if (const auto twice = duplicate_key(members)) {
      fail(fmt::format("key '{}' is given twice", twice->as_string()));
      error_->line = twice->line();
      error_->column = 1;
      return false;
    }
    out = Node::mapping(store_.copy(members), line);
    members_.resize(first);
    return true;
  }

  const Limits& limits_;
  Store& store_;
  simdjson::padded_string text_;
  const char* counted_;
  std::uint32_t line_ = 1;
  std::vector<Node> children_;
  std::vector<Member> members_;
  std::optional<SyntaxError> error_;
};

}  // namespace

std::expected<Node, SyntaxError> parse_json(std::string_view text, const Limits& limits,
                                            Store& store) {
  return Reader(text, limits, store).run();
}

}  // namespace kgw::doc::internal
