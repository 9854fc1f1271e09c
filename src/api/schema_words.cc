#include "api/schema_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>

namespace kgw::schema {
namespace {

constexpr std::size_t kShownChars = 100;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Reads exactly `digits` digits of `text` from `at` on.
bool read_digits(std::string_view text, std::size_t at, std::size_t digits, int& value) {
  if (at + digits > text.size()) return false;
  value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}();

}  // namespace

std::string quote(std::string_view text) {
  if (text.size() <= kShownChars) return fmt::format("\"{}\"", text);
  std::size_t end = kShownChars;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return fmt::format("\"{}...\"", text.substr(0, end));
}

std::string unsupported(std::string_view shown_value, std::span<const std::string> allowed) {
  std::string text = fmt::format("Unsupported value: {}: supported values:", shown_value);
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    text += fmt::format("{} \"{}\"", i == 0 ? "" : ",", allowed[i]);
  }
  return text;
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.size() > kShownChars) return {};
  std::string_view best;
  std::size_t best_distance = text.size() / 3 + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string format_time(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

bool parse_time(std::string_view text, std::int64_t& seconds) {
  using namespace std::chrono;
  int y, mo, d, h, mi, s;
  const bool shaped = read_digits(text, 0, 4, y) && text[4] == '-' && read_digits(text, 5, 2, mo) &&
                      text[7] == '-' && read_digits(text, 8, 2, d) && text.size() > 19 &&
                      (text[10] == 'T' || text[10] == 't') && read_digits(text, 11, 2, h) &&
                      text[13] == ':' && read_digits(text, 14, 2, mi) && text[16] == ':' &&
                      read_digits(text, 17, 2, s);
  if (!shaped || h > 23 || mi > 59 || s > 60) return false;
  const year_month_day date(year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d)));
  if (!date.ok()) return false;
  std::size_t at = 19;
  if (text[at] == '.') {
    ++at;
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first) return false;
  }
  std::int64_t zone = 0;
  const std::string_view rest = text.substr(at);
  if (rest.starts_with('+') || rest.starts_with('-')) {
    int zone_hours, zone_minutes;
    if (rest.size() != 6 || rest[3] != ':' || !read_digits(rest, 1, 2, zone_hours) ||
        !read_digits(rest, 4, 2, zone_minutes) || zone_hours > 23 || zone_minutes > 59) {
      return false;
    }
    zone = (zone_hours * 60 + zone_minutes) * (rest[0] == '-' ? -60 : 60);
  } else if (rest != "Z" && rest != "z") {
    return false;
  }
  seconds = sys_days(date).time_since_epoch().count() * std::int64_t{86400} + h * 3600 + mi * 60 +
            s - zone;
  return true;
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) -> std::uint32_t {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
    };
    const std::uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kBase64[bits >> 18];
    out += kBase64[(bits >> 12) & 63];
    out += i + 1 < bytes.size() ? kBase64[(bits >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kBase64[bits & 63] : '=';
  }
  return out;
}

bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t characters = 0, padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    ++characters;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::int8_t value = kBase64Values[static_cast<unsigned char>(c)];
    if (value < 0 || padding > 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (characters % 4 == 0) {
      bytes += static_cast<char>(bits >> 16);
      bytes += static_cast<char>(bits >> 8);
      bytes += static_cast<char>(bits);
      bits = 0;
    }
  }
  if (characters % 4 != 0 || padding > 2) return false;
  if (padding == 1) {
    bytes += static_cast<char>(bits >> 10);
    bytes += static_cast<char>(bits >> 2);
  } else if (padding == 2) {
    bytes += static_cast<char>(bits >> 4);
  }
  return true;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    for (std::size_t j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(bytes[i + j]) & 0xc0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool out_of_range = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
    if (overlong || out_of_range) return false;
    i += length;
  }
  return true;
}

}  // namespace kgw::schema
