#include "policy/match_cover.h"

#include <algorithm>
#include <string_view>

#include "policy/path_spelling.h"

namespace kgw::policy {
namespace {

// Of more matches of one path, only so many of the last are compared: those are the widest.
constexpr std::size_t kCompared = 16;

// Which paths a match takes, as a key. The first character says how the rest is meant.
constexpr char kExactly = '=', kSegments = '/', kBeginning = '*', kExpression = '~';

std::string key(char kind, std::string_view text) { return std::string(1, kind).append(text); }

// "/api/.*" takes whatever begins with "/api/", ".*" takes everything.
std::optional<std::string> beginning_taken(std::string_view expression) {
  if (expression.starts_with('^')) expression.remove_prefix(1);
  if (expression.ends_with('$')) expression.remove_suffix(1);
  for (const std::string_view any : {"(.*)", ".*"}) {
    if (!expression.ends_with(any)) continue;
    const std::string_view literal = expression.substr(0, expression.size() - any.size());
    if (literal.empty()) return "/";  // as every path does
    if (certain_beginning(literal) == literal) return std::string(literal);
    return {};
  }
  return {};
}

std::string paths_of(const BoundMatch& match) {
  switch (match.path_type) {
    case PathMatchType::kExact:
      return key(kExactly, match.path);
    case PathMatchType::kPathPrefix:
      return key(match.raw_prefix || match.path == "/" ? kBeginning : kSegments, match.path);
    case PathMatchType::kRegularExpression:
      break;
  }
  const auto beginning = beginning_taken(match.path);
  return beginning ? key(kBeginning, *beginning) : key(kExpression, match.path);
}

bool contains(const std::vector<NamedValueMatch>& conditions, const NamedValueMatch& condition) {
  return condition.name == kUnusableName ||
         std::ranges::find(conditions, condition) != conditions.end();
}

// Whether `a` has no condition beside the path that `b` has not too.
bool is_wider(const BoundMatch& a, const BoundMatch& b) {
  const bool any_method = a.method.empty() || a.method == kUnusableMethod;
  if (!any_method && a.method != b.method) return false;
  return std::ranges::all_of(a.headers, [&](const auto& c) { return contains(b.headers, c); }) &&
         std::ranges::all_of(a.query, [&](const auto& c) { return contains(b.query, c); });
}

void append_conditions(char kind, std::vector<NamedValueMatch> conditions, std::string& out) {
  std::ranges::sort(conditions, {}, &NamedValueMatch::name);
  for (const NamedValueMatch& condition : conditions) {
    for (const std::string& part : {condition.name, condition.value}) {
      out.append(1, '\0').append(1, kind).append(std::to_string(part.size())).append(part);
    }
    out += condition.type == ValueMatchType::kExact ? '=' : '~';
  }
}

std::string text_of(const BoundMatch& match) {
  std::string text = paths_of(match) + '\0' + match.method;
  append_conditions('h', match.headers, text);
  append_conditions('q', match.query, text);
  return text;
}

}  // namespace

std::optional<std::size_t> MatchCover::add(const BoundMatch& match) {
  const std::size_t index = count_++;
  const auto [equal, first] = equal_.emplace(text_of(match), index);
  if (!first) return equal->second;
  if (const auto found = find(match)) return found;
  by_paths_[paths_of(match)].push_back({&match, index});
  return {};
}

std::optional<std::size_t> MatchCover::find(const BoundMatch& match) const {
  const std::string paths = paths_of(match);
  if (const auto found = find(paths, match)) return found;
  if (paths[0] == kExpression) {
    return find_wider_prefix(certain_beginning(match.path), false, match);
  }
  return find_wider_prefix(std::string_view(paths).substr(1), paths[0] != kBeginning, match);
}

// Among the matches of exactly these paths.
std::optional<std::size_t> MatchCover::find(const std::string& paths,
                                            const BoundMatch& match) const {
  const auto found = by_paths_.find(paths);
  if (found == by_paths_.end()) return {};
  const Entries& entries = found->second;
  const std::size_t compared = std::min(kCompared, entries.size());
  for (auto entry = entries.rbegin(); entry != entries.rbegin() + compared; ++entry) {
    if (is_wider(*entry->match, match)) return entry->index;
  }
  return {};
}

// Among prefixes of `beginning`, with which all paths of the match begin. `whole`: the beginning
// ends with a whole segment.
std::optional<std::size_t> MatchCover::find_wider_prefix(std::string_view beginning, bool whole,
                                                         const BoundMatch& match) const {
  for (std::size_t size = beginning.empty() ? 0 : 1; size <= beginning.size(); ++size) {
    const std::string_view part = beginning.substr(0, size);
    const bool ends_segment = size == beginning.size() ? whole : beginning[size] == '/';
    // Other beginnings would be a lookup for each character: the common ones must do.
    const bool common = size <= 1 || part.ends_with('/') || size == beginning.size();
    if (ends_segment) {
      if (const auto found = find(key(kSegments, part), match)) return found;
    }
    if (common) {
      if (const auto found = find(key(kBeginning, part.empty() ? "/" : part), match)) return found;
    }
  }
  return {};
}

}  // namespace kgw::policy
