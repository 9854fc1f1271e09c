#include "source/kube/stream.h"

namespace kgw::kube {
namespace {

std::string text_at(const doc::Node& node, std::initializer_list<std::string_view> path) {
  const doc::Node* found = node.find(path);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

Error invalid(std::string message) { return {0, "InvalidAnswer", std::move(message)}; }

}  // namespace

void ListReader::feed_string(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
  }
}

// Outside of items. True: `c` begins one.
bool ListReader::feed_envelope(char c) {
  if (in_string_) {
    feed_string(c);
    if (in_string_ && depth_ == 1) last_string_ += c;
  } else if (c == '"') {
    in_string_ = true;
    last_string_.clear();
  } else if ((c == '{' || c == '[') && in_items_ && depth_ == 2) {
    depth_ = 3;  // a list is no object, and whoever gets it will say so
    return true;
  } else if (c == '{' || c == '[') {
    if (c == '[' && depth_ == 1 && last_string_ == "items") in_items_ = true;
    ++depth_;
  } else if (c == '}' || c == ']') {
    --depth_;
    if (depth_ < 2) in_items_ = false;
  } else if (c == ',' && in_items_ && depth_ == 2) {
    return false;  // between items
  }
  envelope_ += c;
  return false;
}

bool ListReader::feed(std::string_view piece) {
  std::size_t begin = 0;  // of the part of an item that is not in item_ yet
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const char c = piece[i];
    if (depth_ < 3 || !in_items_) {
      if (feed_envelope(c)) begin = i;
      continue;
    }
    if (in_string_) {
      feed_string(c);
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 2) {
      item_ += piece.substr(begin, i + 1 - begin);
      on_item_(item_);
      item_.clear();
    }
  }
  if (depth_ >= 3 && in_items_) item_ += piece.substr(begin);
  too_large_ |= item_.size() > kMaxItem || envelope_.size() > kMaxEnvelope;
  return !too_large_;
}

Result<ListReader::End> ListReader::finish() {
  if (too_large_) return std::unexpected(invalid("an object of the list is too large"));
  const doc::Parsed parsed = doc::parse(envelope_, doc::Format::kJson);
  if (parsed.documents.empty() || !parsed.errors.empty()) {
    return std::unexpected(invalid("the answer is not a complete list"));
  }
  const doc::Node& list = parsed.documents[0];
  End end{text_at(list, {"metadata", "resourceVersion"}), text_at(list, {"metadata", "continue"})};
  if (end.resource_version.empty()) {
    return std::unexpected(invalid("the list has no resource version"));
  }
  return end;
}

bool LineReader::feed(std::string_view piece) {
  for (;;) {
    const auto end = piece.find('\n');
    if (end == std::string_view::npos) break;
    std::string_view line = piece.substr(0, end);
    if (!rest_.empty()) {
      rest_ += line;
      line = rest_;
    }
    const bool blank = line.find_first_not_of(" \t\r") == std::string_view::npos;
    if (!blank && !on_line_(line)) return false;
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
  rest_ += piece;
  return rest_.size() <= kMaxLine;
}

WatchEvent decode_watch_event(std::string_view line) {
  WatchEvent event;
  event.parsed = doc::parse(line, doc::Format::kJson);
  event.error = invalid("not a watch event: " + std::string(line.substr(0, 100)));
  if (event.parsed.documents.empty()) {
    const bool too_deep =
        !event.parsed.errors.empty() && event.parsed.errors[0].message.starts_with("nested deeper");
    if (too_deep) event.type = WatchEvent::Type::kUnreadable;
    return event;
  }
  const doc::Node& root = event.parsed.documents[0];
  const std::string type = text_at(root, {"type"});
  event.object = root.find("object");
  if (event.object == nullptr || !event.object->is_mapping()) return event;
  event.resource_version = text_at(*event.object, {"metadata", "resourceVersion"});
  if (type == "ADDED" || type == "MODIFIED") {
    event.type = WatchEvent::Type::kPut;
  } else if (type == "DELETED") {
    event.type = WatchEvent::Type::kDeleted;
  } else if (type == "BOOKMARK") {
    event.type = WatchEvent::Type::kBookmark;
  } else if (type == "ERROR") {
    event.error = decode_error(200, doc::to_json(*event.object));
  }
  return event;
}

}  // namespace kgw::kube
