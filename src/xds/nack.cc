#include "xds/nack.h"

#include <algorithm>
#include <array>
#include <utility>

#include "xds/refusal_text.h"

namespace kgw::xds {
namespace {

constexpr std::array<std::string_view, 2> kIntroductions = {"Error adding/updating cluster(s) ",
                                                            "Error adding/updating listener(s) "};
constexpr std::array<std::string_view, 2> kSeparators = {", ", "\n"};
constexpr std::string_view kTruncated = "...(truncated)";

std::size_t start_of_list(std::string_view error) {
  for (std::string_view introduction : kIntroductions) {
    if (error.starts_with(introduction)) return introduction.size();
  }
  return std::string_view::npos;
}

// The next place after `at` where an item of the list may begin.
std::size_t next_item(std::string_view error, std::size_t at) {
  std::size_t next = std::string_view::npos;
  for (std::string_view separator : kSeparators) {
    const std::size_t found = error.find(separator, at);
    if (found != std::string_view::npos) next = std::min(next, found + separator.size());
  }
  return next;
}

}  // namespace

Blame blame(ResourceType type, std::string_view text, const absl::flat_hash_set<Name>& sent) {
  Blame result;
  if (type != ResourceType::kCluster && type != ResourceType::kListener) return result;
  const WithoutDumps clean = without_dumps(text);
  const std::string_view error = clean.text;
  result.truncated = clean.cut || error.ends_with(kTruncated);

  // A reason may hold separators too: an item begins only where a name that was sent begins.
  struct Item {
    Name name;
    std::size_t begin, reason;
  };
  std::vector<Item> items;
  for (std::size_t at = start_of_list(error); at < error.size(); at = next_item(error, at)) {
    const std::size_t colon = error.find(": ", at);
    if (colon == std::string_view::npos) break;
    Name name(error.substr(at, colon - at));
    if (sent.contains(name)) items.push_back({std::move(name), at, colon + 2});
  }
  absl::flat_hash_set<Name> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!seen.insert(items[i].name).second) continue;
    const std::size_t end = i + 1 < items.size() ? items[i + 1].begin : error.size();
    std::string_view reason = error.substr(items[i].reason, end - items[i].reason);
    if (reason.ends_with(", ")) reason.remove_suffix(2);
    result.culprits.push_back({items[i].name, reason_of(reason)});
  }
  return result;
}

}  // namespace kgw::xds
