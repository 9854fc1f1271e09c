#include "xds/refusal_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"

namespace kgw::xds {
namespace {

// What protobuf's debug output begins with ("goo.gle/debugstr", "goo.gle/debugonly").
constexpr std::string_view kDump = "goo.gle/debug";
constexpr std::string_view kConstraint = "Proto constraint validation failed (";
constexpr std::string_view kCause = " | caused by ";
constexpr std::string_view kValidationError = "ValidationError.";
constexpr std::string_view kCut =
    "the configuration breaks a constraint (the proxy cut its reason)";
constexpr std::string_view kUnknown =
    "the reason quotes the configuration and is not repeated here (the log of the proxy has it)";

bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

// Characters of addresses, names of extensions and words of the C library.
bool is_plain(char c) {
  return absl::ascii_isalnum(c) ||
         std::string_view(" .,:;/_-[]()'").find(c) != std::string_view::npos;
}

std::string_view up_to(std::string_view text, char end) { return text.substr(0, text.find(end)); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && absl::ascii_isspace(text.front())) text.remove_prefix(1);
  while (!text.empty() && absl::ascii_isspace(text.back())) text.remove_suffix(1);
  return text;
}

// visit(part) for each part between separators.
template <typename Visit>
void split(std::string_view text, std::string_view separator, Visit visit) {
  for (;;) {
    const std::size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + separator.size());
  }
}

std::string bounded(std::string text) {
  std::ranges::replace_if(text, [](char c) { return !is_printable(c); }, ' ');
  if (text.size() > kMaxReason) text.resize(kMaxReason);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// "VirtualHosts[0]" -> "virtual_hosts[0]"; the key of a map is a value.
std::string field_name(std::string_view name) {
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '[') {
      const std::string_view index = up_to(name.substr(i + 1), ']');
      const bool number = !index.empty() &&
                          std::ranges::all_of(index, [](char d) { return absl::ascii_isdigit(d); });
      return result + (number ? "[" + std::string(index) + "]" : "[...]");
    }
    if (!absl::ascii_isalnum(c) && c != '_') break;
    if (absl::ascii_isupper(c) && i > 0 && absl::ascii_islower(name[i - 1])) result += '_';
    result += absl::ascii_tolower(c);
  }
  return result;
}

// One link of a chain of causes: "RouteValidationError.Match: embedded message failed validation",
// or `field: "action", reason: is required`.
struct Link {
  std::string field, rule;
};

Link link_of(std::string_view text) {
  constexpr std::string_view kField = "field: \"";
  constexpr std::string_view kReason = "reason: ";
  if (text.starts_with(kField)) {
    const std::string_view rest = text.substr(kField.size());
    const std::size_t reason = rest.find(kReason);
    if (reason == std::string_view::npos) return {field_name(up_to(rest, '"')), {}};
    return {field_name(up_to(rest, '"')), std::string(rest.substr(reason + kReason.size()))};
  }
  const std::size_t error = text.find(kValidationError);
  if (error != std::string_view::npos) text.remove_prefix(error + kValidationError.size());
  const std::size_t colon = text.find(": ");
  if (colon == std::string_view::npos) return {field_name(text), {}};
  return {field_name(text.substr(0, colon)), std::string(text.substr(colon + 2))};
}

// The message that envoy/constraints.h would give, in the parentheses that make it known again.
std::string constraint(std::string_view text) {
  text = text.substr(0, text.find("): "));  // older versions print the message afterwards
  text = text.substr(0, text.rfind(')'));
  if (text.find(kCause) == std::string_view::npos &&
      text.find(kValidationError) == std::string_view::npos && !text.starts_with("field: ")) {
    return std::string(kConstraint) + std::string(text) + ")";  // made here before
  }
  std::string path, rule;
  split(text, kCause, [&](std::string_view cause) {
    Link link = link_of(cause);
    path += (path.empty() ? "" : ".") + link.field;
    rule = std::move(link.rule);
  });
  return std::string(kConstraint) + path + ": " + rule + ")";
}

// Sentences whose values are harmless (addresses of listeners, names of extensions, numbers) are
// kept from a phrase to the end of the line.
std::optional<std::string> known_sentence(std::string_view text) {
  constexpr std::array<std::string_view, 2> kKept = {"cannot bind '",
                                                     "registered implementation for '"};
  for (const std::string_view phrase : kKept) {
    const std::size_t at = text.find(phrase);
    if (at == std::string_view::npos) continue;
    std::string sentence(up_to(text.substr(at), '\n'));
    std::erase_if(sentence, [](char c) { return !is_plain(c); });
    return sentence;
  }
  constexpr std::string_view kProgram = "RE2 program size of ";
  if (const std::size_t at = text.rfind(kProgram); at != std::string_view::npos) {
    const std::string_view sentence = text.substr(at);
    return std::string(sentence.substr(0, sentence.find(". ")));
  }
  if (text.find("has the same matching rules defined as") != std::string_view::npos) {
    return "a filter chain has the same matching rules as another one";
  }
  return {};
}

// What comes before the first sign that a value may follow.
std::string first_words(std::string_view text) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const char c = text[end];
    const bool apostrophe = c == '\'' && end > 0 && absl::ascii_isalpha(text[end - 1]);
    if (!is_printable(c) ||
        (!apostrophe && std::string_view("'\"`:{=<%").find(c) != std::string_view::npos)) {
      break;
    }
  }
  constexpr std::size_t kLongWord = 32;  // rather a token than a word
  std::string words;
  int count = 0;
  split(text.substr(0, end), " ", [&](std::string_view word) {
    if (word.empty() || word.size() > kLongWord) return;
    words.append(words.empty() ? "" : " ").append(word);
    ++count;
  });
  return count < 2 ? std::string(kUnknown) : words;
}

}  // namespace

WithoutDumps without_dumps(std::string_view error) {
  WithoutDumps result;
  for (;;) {
    const std::size_t begin = error.find(kDump);
    result.text += error.substr(0, begin);
    if (begin == std::string_view::npos) return result;
    // No line of a printed message begins with a colon: strings in it are escaped.
    const std::size_t end = error.find("\n: ", begin);
    if (end == std::string_view::npos) {
      result.cut = true;
      return result;
    }
    error.remove_prefix(end + 3);
  }
}

std::string reason_of(std::string_view error) {
  if (error == kUnknown || error == kCut) return std::string(error);
  const WithoutDumps clean = without_dumps(error);
  const std::string_view text = trimmed(clean.text);
  if (const std::size_t at = text.find(kConstraint); at != std::string_view::npos) {
    return bounded(constraint(text.substr(at + kConstraint.size())));
  }
  if (auto sentence = known_sentence(text)) return bounded(*std::move(sentence));
  if (clean.cut && text.empty()) return std::string(kCut);
  return bounded(first_words(text));
}

}  // namespace kgw::xds
