// What the API server streams, cut into objects: the items of a list, the events of a watch.
//
// Input is not trusted: sizes are bounded, and whatever is not what it should be is an Error value.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/document.h"
#include "source/kube/error.h"

namespace kgw::kube {

// Hands on the items of a list one by one, as they arrive in pieces of any size, so that a page is
// never in memory as a whole.
class ListReader {
 public:
  using OnItem = std::function<void(std::string_view json)>;
  static constexpr std::size_t kMaxItem = std::size_t{32} << 20;
  static constexpr std::size_t kMaxEnvelope = std::size_t{1} << 20;

  explicit ListReader(OnItem on_item) : on_item_(std::move(on_item)) {}

  // False: too large.
  bool feed(std::string_view piece);

  struct End {
    std::string resource_version;
    std::string continue_token;  // empty: this was the last page
  };
  // Error: InvalidAnswer, what was fed is no complete list.
  Result<End> finish();

 private:
  bool feed_envelope(char c);
  void feed_string(char c);

  OnItem on_item_;
  std::string envelope_;  // everything but the items
  std::string item_;
  std::string last_string_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  bool too_large_ = false;
};

// Cuts at line ends; `on_line` gets lines that are not blank, and ends the reading with false.
class LineReader {
 public:
  using OnLine = std::function<bool(std::string_view line)>;
  static constexpr std::size_t kMaxLine = std::size_t{32} << 20;

  explicit LineReader(OnLine on_line) : on_line_(std::move(on_line)) {}
  // False: ended by `on_line`, or a line is too large.
  bool feed(std::string_view piece);

 private:
  OnLine on_line_;
  std::string rest_;
};

// One line of a watch.
struct WatchEvent {
  // kUnreadable: of an object that is nested too deeply, which says nothing of the others.
  enum class Type { kPut, kDeleted, kBookmark, kUnreadable, kError };

  Type type = Type::kError;
  doc::Parsed parsed;                 // owns `object`
  const doc::Node* object = nullptr;  // never null but for kUnreadable and kError
  std::string resource_version;       // of the object; may be empty
  Error error;                        // what the server says, or InvalidAnswer
};

WatchEvent decode_watch_event(std::string_view line);

}  // namespace kgw::kube
