#include "policy/path_spelling.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

namespace kgw::policy {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_unreserved(char c) {
  return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::optional<int> hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return {};
}

// The byte that the escape at the beginning of `text` stands for.
std::optional<char> escape_at(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return {};
  const auto high = hex_value(text[1]), low = hex_value(text[2]);
  if (!high || !low) return {};
  return static_cast<char>(*high * 16 + *low);
}

// f(part, is_escape) for each character and each escape.
template <typename F>
void for_each_part(std::string_view path, F&& f) {
  for (std::size_t i = 0; i < path.size();) {
    const std::size_t size = escape_at(path.substr(i)) ? 3 : 1;
    f(path.substr(i, size), size == 3);
    i += size;
  }
}

bool has_letters_outside_escapes(std::string_view path) {
  bool found = false;
  for_each_part(path, [&](std::string_view part, bool escape) {
    found = found || (!escape && is_letter(part[0]));
  });
  return found;
}

std::string either_case(std::string_view escape) {
  std::string regex;
  for (const char c : escape) {
    if (is_letter(c)) {
      regex.append("[").append(1, c).append(1, static_cast<char>(c - 'A' + 'a')).append("]");
    } else {
      regex += c;
    }
  }
  return regex;
}

// "\C" is any byte; "." would not take what is no UTF-8.
std::string_view rest_regex(PathEnd end) {
  switch (end) {
    case PathEnd::kNothing:
      return R"((?:\?\C*)?)";
    case PathEnd::kSegments:
      return R"((?:[/?]\C*)?)";
    case PathEnd::kAnything:
      return R"(\C*)";
  }
  return {};
}

std::string spellings(std::string_view normal, PathEnd end) {
  std::string regex;
  for_each_part(normal, [&](std::string_view part, bool escape) {
    regex += escape ? either_case(part) : re2::RE2::QuoteMeta({part.data(), part.size()});
  });
  return regex.append(rest_regex(end));
}

}  // namespace

std::string normal_path(std::string_view path) {
  std::string result;
  for_each_part(path, [&](std::string_view part, bool escape) {
    const std::optional<char> byte = escape ? escape_at(part) : std::nullopt;
    if (byte && is_unreserved(*byte)) {
      result += *byte;
    } else if (escape) {
      for (const char c : part) result += static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
    } else {
      result += part;
    }
  });
  return result;
}

Problem check_segments(std::string_view normal) {
  const auto has = [&](std::string_view part) { return normal.find(part) != normal.npos; };
  if (has("//") || has("/./") || has("/../") || normal.ends_with("/.") || normal.ends_with("/..")) {
    return "no request has this path: Envoy resolves \"//\", \".\" and \"..\" first";
  }
  return {};
}

bool has_spellings(std::string_view normal) {
  bool found = false;
  for_each_part(normal, [&](std::string_view part, bool escape) {
    found = found || (escape && std::ranges::any_of(part, is_letter));
  });
  return found;
}

bool takes_any_case(std::string_view normal, PathEnd end) {
  return has_spellings(normal) && has_letters_outside_escapes(normal) &&
         spelling_regex(normal, end).empty();
}

std::string spelling_regex(std::string_view normal, PathEnd end) {
  if (!has_letters_outside_escapes(normal)) return {};
  std::string regex = spellings(normal, end);
  return check_regex(regex) ? std::string() : regex;
}

std::string certain_beginning(std::string_view unusable) {
  constexpr std::string_view kPlain = "/-_~!&',;=:@";
  constexpr std::size_t kEnough = 64;  // the expression that is made of it must not be too large
  if (unusable.find('|') != unusable.npos) return {};  // an alternative may begin otherwise
  if (unusable.starts_with('^')) unusable.remove_prefix(1);
  std::size_t size = 0;
  while (size < std::min(unusable.size(), kEnough)) {
    const char c = unusable[size];
    if (!is_digit(c) && !is_letter(c) && kPlain.find(c) == kPlain.npos) break;
    if (size > 0 && c == '/' && unusable[size - 1] == '/') break;
    ++size;
  }
  const bool repeats = size > 0 && size < unusable.size() &&
                       std::string_view("*?{").find(unusable[size]) != std::string_view::npos;
  const std::string_view beginning = unusable.substr(0, repeats ? size - 1 : size);
  return beginning.starts_with('/') ? std::string(beginning) : std::string();
}

}  // namespace kgw::policy
