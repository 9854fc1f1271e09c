// YAML documents through libyaml's events: a stack of open collections, children collected in one
// vector and copied to the arena when their collection ends.
#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "api/document_internal.h"

namespace kgw::doc::internal {
namespace {

constexpr std::size_t kNodeCost = sizeof(Node);

// A finished node with what is needed to bound its reuse by aliases.
struct Built {
  Node node;
  std::size_t cost = kNodeCost;  // bytes of tree with all aliases expanded
  std::uint32_t height = 0;      // levels of collections below and including it
};

struct Frame {
  bool mapping = false;
  std::uint32_t line = 0;
  std::size_t first_child = 0;  // index into Builder::children_
  std::size_t cost = kNodeCost;
  std::uint32_t height = 1;
  std::string anchor;
  std::vector<std::size_t> merges;  // positions of `<<` keys in Builder::children_
};

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// "tag:yaml.org,2002:int" -> "!!int".
std::string short_tag(const yaml_char_t* tag) {
  constexpr std::string_view kLong = "tag:yaml.org,2002:";
  const std::string_view text = text_of(tag);
  if (text.starts_with(kLong)) return fmt::format("!!{}", text.substr(kLong.size()));
  return std::string(text);
}

// Owns one libyaml event.
class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  yaml_event_t* operator->() { return &event_; }
  yaml_event_t* get() { return &event_; }

 private:
  yaml_event_t event_{};
};

// Builds the documents of one chunk.
class Builder {
 public:
  Builder(std::string_view chunk, std::uint32_t first_line, const Limits& limits,
          std::size_t& alias_budget, Store& store)
      : chunk_(chunk),
        first_line_(first_line),
        limits_(limits),
        alias_budget_(alias_budget),
        store_(store) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(chunk.data()),
                                 chunk.size());
  }
  ~Builder() { yaml_parser_delete(&parser_); }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  void run(std::vector<Node>& documents, std::vector<SyntaxError>& errors) {
    for (bool more = true; more;) {
      Event event;
      if (yaml_parser_parse(&parser_, event.get()) == 0) {
        errors.push_back(parser_error());
        return;
      }
      more = event->type != YAML_STREAM_END_EVENT;
      handle(*event.get(), documents);
      if (error_) {
        errors.push_back(std::move(*error_));
        return;
      }
    }
  }

 private:
  std::uint32_t line_of(const yaml_mark_t& mark) const {
    return first_line_ + static_cast<std::uint32_t>(mark.line);
  }

  SyntaxError parser_error() const {
    SyntaxError error;
    if (parser_.error == YAML_READER_ERROR) {
      const auto offset = std::min(parser_.problem_offset, chunk_.size());
      const std::string_view before = chunk_.substr(0, offset);
      const auto line_start = before.rfind('\n') + 1;  // npos + 1 == 0
      error.line = first_line_ + static_cast<std::uint32_t>(std::ranges::count(before, '\n'));
      error.column = static_cast<std::uint32_t>(offset - line_start) + 1;
    } else {
      error.line = line_of(parser_.problem_mark);
      error.column = static_cast<std::uint32_t>(parser_.problem_mark.column) + 1;
    }
    const std::string_view context = parser_.context == nullptr ? "" : parser_.context;
    const std::string_view problem = parser_.problem == nullptr ? "out of memory" : parser_.problem;
    error.message = context.empty() ? std::string(problem)
                                    : fmt::format("{} {} that began on line {}", problem, context,
                                                  line_of(parser_.context_mark));
    return error;
  }

  void fail(const yaml_mark_t& mark, std::string message) {
    fail(line_of(mark), static_cast<std::uint32_t>(mark.column) + 1, std::move(message));
  }
  void fail(std::uint32_t line, std::uint32_t column, std::string message) {
    if (!error_) error_ = SyntaxError{line, column, std::move(message)};
  }

  void handle(const yaml_event_t& event, std::vector<Node>& documents) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        anchors_.clear();
        root_ = Node();
        break;
      case YAML_DOCUMENT_END_EVENT:
        if (!root_.is_null()) documents.push_back(root_);
        break;
      case YAML_SCALAR_EVENT:
        scalar(event);
        break;
      case YAML_ALIAS_EVENT:
        alias(event);
        break;
      case YAML_SEQUENCE_START_EVENT:
        open(event, false, text_of(event.data.sequence_start.anchor),
             short_tag(event.data.sequence_start.tag));
        break;
      case YAML_MAPPING_START_EVENT:
        open(event, true, text_of(event.data.mapping_start.anchor),
             short_tag(event.data.mapping_start.tag));
        break;
      case YAML_SEQUENCE_END_EVENT:
        close_sequence(event);
        break;
      case YAML_MAPPING_END_EVENT:
        close_mapping(event);
        break;
      default:
        break;
    }
  }

  // True where the next node of the innermost open collection is a mapping key.
  bool at_key() const {
    return !frames_.empty() && frames_.back().mapping &&
           (children_.size() - frames_.back().first_child) % 2 == 0;
  }

  void scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    const std::uint32_t line = line_of(event.start_mark);
    const std::string_view raw(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const std::string tag = short_tag(scalar.tag);
    if (at_key() && plain && tag.empty() && raw == "<<") {
      frames_.back().merges.push_back(children_.size());
    }
    const std::string_view text = store_.copy(raw);
    Built built{Node::string(text, line), kNodeCost + text.size(), 0};
    if (plain || !tag.empty()) {
      // A quoted scalar without a tag is a string; with the tag !!int it is resolved all the same.
      auto resolved = resolve_scalar(text, tag, line);
      if (!resolved) return fail(event.start_mark, std::move(resolved.error()));
      built.node = *resolved;
    }
    finish(built, text_of(scalar.anchor), event.start_mark);
  }

  void alias(const yaml_event_t& event) {
    const std::string_view name = text_of(event.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      return fail(event.start_mark, fmt::format("unknown anchor '{}'", name));
    }
    const Built& target = found->second;
    if (target.cost > alias_budget_) {
      return fail(event.start_mark, "aliases expand this file too much");
    }
    if (frames_.size() + target.height > limits_.max_depth) return fail_depth(event.start_mark);
    alias_budget_ -= target.cost;
    finish(target, {}, event.start_mark);
  }

  void fail_depth(const yaml_mark_t& mark) {
    fail(mark, fmt::format("nested deeper than {} levels", limits_.max_depth));
  }

  void open(const yaml_event_t& event, bool mapping, std::string_view anchor,
            std::string_view tag) {
    if (!tag.empty() && tag != "!" && tag != (mapping ? "!!map" : "!!seq")) {
      return fail(event.start_mark, fmt::format("unsupported tag {}", tag));
    }
    if (at_key()) return fail(event.start_mark, "a mapping key must be a scalar");
    if (frames_.size() >= limits_.max_depth) return fail_depth(event.start_mark);
    Frame frame;
    frame.mapping = mapping;
    frame.line = line_of(event.start_mark);
    frame.first_child = children_.size();
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close_sequence(const yaml_event_t& event) {
    const Frame& frame = frames_.back();
    const std::span<const Node> children(children_.begin() + frame.first_child, children_.end());
    close(Node::sequence(store_.copy(children), frame.line), event);
  }

  void close_mapping(const yaml_event_t& event) {
    const Frame& frame = frames_.back();
    members_.clear();
    auto merge = frame.merges.begin();
    for (std::size_t at = frame.first_child; at + 1 < children_.size(); at += 2) {
      if (merge != frame.merges.end() && *merge == at) {
        ++merge;
      } else {
        members_.push_back({children_[at], children_[at + 1]});
      }
    }
    if (const auto twice = duplicate_key(members_)) {
      return fail(twice->line(), 1, fmt::format("key '{}' is given twice", twice->as_string()));
    }
    if (!frame.merges.empty() && !apply_merges(frame)) {
      return fail(event.start_mark,
                  "the value of a merge key '<<' must be a mapping or a list of mappings");
    }
    close(Node::mapping(store_.copy(std::span<const Member>(members_)), frame.line), event);
  }

  // Adds the members of merged mappings that the mapping does not have itself; the first of
  // several merged mappings wins. Returns false when a merged value is not a mapping.
  bool apply_merges(const Frame& frame) {
    absl::flat_hash_set<std::string_view> own;
    for (const Member& member : members_) own.insert(member.key.as_string());
    const auto add = [&](const Node& mapping) {
      for (const Member& member : mapping.members()) {
        if (own.insert(member.key.as_string()).second) members_.push_back(member);
      }
    };
    for (const std::size_t at : frame.merges) {
      const Node& value = children_[at + 1];
      if (value.is_mapping()) {
        add(value);
      } else if (value.is_sequence() && std::ranges::all_of(value.items(), &Node::is_mapping)) {
        for (const Node& item : value.items()) add(item);
      } else {
        return false;
      }
    }
    return true;
  }

  void close(const Node& node, const yaml_event_t& event) {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    children_.resize(frame.first_child);
    finish(Built{node, frame.cost, frame.height}, frame.anchor, event.start_mark);
  }

  // Turns a scalar key into a string, as the JSON that kubectl sends does.
  bool make_key(Node& key) {
    switch (key.kind()) {
      case Kind::kString:
        return true;
      case Kind::kBool:
        key = Node::string(key.as_bool() ? "true" : "false", key.line());
        return true;
      case Kind::kInt:
      case Kind::kFloat: {
        key = Node::string(store_.copy(std::string_view(to_json(key))), key.line());
        return true;
      }
      default:
        return false;
    }
  }

  // Adds a finished node to the innermost open collection, or makes it the root.
  void finish(Built built, std::string_view anchor, const yaml_mark_t& mark) {
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), built);
    if (frames_.empty()) {
      root_ = built.node;
      return;
    }
    if (at_key() && !make_key(built.node)) {
      return fail(mark, "a mapping key must be a string, number or boolean");
    }
    Frame& frame = frames_.back();
    frame.cost += built.cost;
    frame.height = std::max(frame.height, built.height + 1);
    children_.push_back(built.node);
  }

  std::string_view chunk_;
  std::uint32_t first_line_;
  const Limits& limits_;
  std::size_t& alias_budget_;  // that of the file
  Store& store_;
  yaml_parser_t parser_{};
  std::vector<Frame> frames_;
  std::vector<Node> children_;
  std::vector<Member> members_;
  std::map<std::string, Built, std::less<>> anchors_;
  Node root_;
  std::optional<SyntaxError> error_;
};

}  // namespace

void parse_yaml(std::string_view chunk, std::uint32_t first_line, const Limits& limits,
                std::size_t& alias_budget, Store& store, std::vector<Node>& documents,
                std::vector<SyntaxError>& errors) {
  Builder(chunk, first_line, limits, alias_budget, store).run(documents, errors);
}

}  // namespace kgw::doc::internal
