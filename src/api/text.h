// Text for terminals, logs and statuses: one line of bounded length, in which nothing is hidden.
//
// What a user writes (a name, a regular expression, a header value) is quoted in messages that
// other people read. A line break or an escape sequence in it would forge a line, a bidirectional
// override would show another text, and a message that is too long makes the API server refuse the
// whole status. Everything that leaves for people goes through here.
// Thread: all functions may be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kgw {

// Of a condition's message, which the API server bounds at 32,768 bytes.
inline constexpr std::size_t kMaxMessageBytes = 8192;

// True if `text` is UTF-8 and every character of it shows: no control characters (C0, DEL, C1), no
// line separators, nothing invisible and nothing that changes the direction of writing.
bool is_one_line(std::string_view text);

// `text` with each character that does not show as an escape ("\n", "\x1b", "\u202e"). A result of
// more than `max_bytes` is cut between two characters and ends in "...".
std::string one_line(std::string_view text, std::size_t max_bytes = std::string_view::npos);

// The same for JSON text: in its strings, as JSON escapes. Line feeds between values stay.
// REQUIRES: `json` is JSON, which has no control characters inside strings.
std::string show_all(std::string json);

// Puts items behind each other as long as there is room, and counts the others:
// "a; b; ... and 12 more".
class Listing {
 public:
  explicit Listing(std::size_t max_bytes = kMaxMessageBytes / 2) : max_bytes_(max_bytes) {}

  void add(std::string_view item);
  bool empty() const { return text_.empty() && more_ == 0; }
  std::string text() const;

 private:
  std::size_t max_bytes_;
  std::string text_;
  std::size_t more_ = 0;
};

}  // namespace kgw
