#include "api/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace kgw {
namespace {

constexpr std::string_view kCut = "...";

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;  // UTF-8
};

// REQUIRES: at < text.size().
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead < 0xc2   ? 0
                            : lead < 0xe0 ? 2
                            : lead < 0xf0 ? 3
                            : lead < 0xf5 ? 4
                                          : 0;
  if (bytes == 0 || at + bytes > text.size()) return {lead, 1, false};
  char32_t code = lead & (0xffu >> (bytes + 1));
  for (std::size_t i = at + 1; i < at + bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {lead, 1, false};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[bytes] || code > 0x10ffff || surrogate) return {lead, 1, false};
  return {code, bytes, true};
}

// Unicode's Cc, Cf, Zl and Zp, and what is no character.
bool shows(char32_t code) {
  struct Range {
    char32_t first, last;
  };
  static constexpr std::array kHidden = {
      Range{0x00, 0x1f},       Range{0x7f, 0x9f},       Range{0xad, 0xad},
      Range{0x600, 0x605},     Range{0x61c, 0x61c},     Range{0x6dd, 0x6dd},
      Range{0x70f, 0x70f},     Range{0x890, 0x891},     Range{0x8e2, 0x8e2},
      Range{0x115f, 0x1160},   Range{0x180b, 0x180f},   Range{0x200b, 0x200f},
      Range{0x2028, 0x202e},   Range{0x2060, 0x206f},   Range{0x3164, 0x3164},
      Range{0xfdd0, 0xfdef},   Range{0xfe00, 0xfe0f},   Range{0xfeff, 0xfeff},
      Range{0xffa0, 0xffa0},   Range{0xfff0, 0xfffb},   Range{0xfffe, 0xffff},
      Range{0x110bd, 0x110bd}, Range{0x110cd, 0x110cd}, Range{0x13430, 0x1343f},
      Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a}, Range{0xe0000, 0x10ffff},
  };
  const auto* range = std::ranges::lower_bound(kHidden, code, {}, &Range::last);
  return range == kHidden.end() || code < range->first;
}

std::string escape(const Character& c) {
  if (!c.valid) return fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c.code));
  switch (c.code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto code = static_cast<std::uint32_t>(c.code);
  if (code < 0x100) return fmt::format("\\x{:02x}", code);
  return code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
}

std::string json_escape(char32_t character) {
  const auto code = static_cast<std::uint32_t>(character);
  if (code < 0x10000) return fmt::format("\\u{:04x}", code);
  const std::uint32_t rest = code - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
}

}  // namespace

bool is_one_line(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (!c.valid || !shows(c.code)) return false;
    at += c.bytes;
  }
  return true;
}

std::string one_line(std::string_view text, std::size_t max_bytes) {
  std::string out;
  std::size_t end = 0;  // of what stays when the rest is cut
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.valid && shows(c.code)) {
      out.append(text, at, c.bytes);
    } else {
      out += escape(c);
    }
    at += c.bytes;
    if (out.size() > max_bytes) return out.substr(0, end).append(kCut);
    if (out.size() + kCut.size() <= max_bytes) end = out.size();
  }
  return out;
}

std::string show_all(std::string json) {
  const auto needs_escape = [](const Character& c) { return c.code != '\n' && !shows(c.code); };
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < json.size();) {
    const Character c = character_at(json, at);
    if (c.valid && needs_escape(c)) {
      out.append(json, copied, at - copied).append(json_escape(c.code));
      copied = at + c.bytes;
    }
    at += c.bytes;
  }
  if (copied == 0) return json;
  return out.append(json, copied);
}

void Listing::add(std::string_view item) {
  const std::size_t separator = text_.empty() ? 0 : 2;
  if (more_ > 0 || (!text_.empty() && text_.size() + separator + item.size() > max_bytes_)) {
    ++more_;
    return;
  }
  if (separator > 0) text_ += "; ";
  text_ += item.size() > max_bytes_ ? one_line(item, max_bytes_) : std::string(item);
}

std::string Listing::text() const {
  if (more_ == 0) return text_;
  return fmt::format("{}; ... and {} more", text_, more_);
}

}  // namespace kgw
