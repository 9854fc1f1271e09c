// Matches that no request can reach, because an earlier match takes all of theirs.
//
// Only what is certain is found: equal matches, a prefix and what lies under it, an expression like
// "/api/.*" and what begins so; each with no condition that the later match has not too. Each match
// costs some lookups, however many there are before it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/match.h"

namespace kgw::policy {

class MatchCover {
 public:
  // The matches of a host in their order, which outlive this. Returns the index of an earlier one
  // (the first call is 0) that takes all that this one takes.
  std::optional<std::size_t> add(const BoundMatch& match);

 private:
  struct Entry {
    const BoundMatch* match;
    std::size_t index;
  };
  using Entries = std::vector<Entry>;

  std::optional<std::size_t> find(const BoundMatch& match) const;
  std::optional<std::size_t> find(const std::string& paths, const BoundMatch& match) const;
  std::optional<std::size_t> find_wider_prefix(std::string_view beginning, bool whole,
                                               const BoundMatch& match) const;

  std::size_t count_ = 0;
  absl::flat_hash_map<std::string, std::size_t> equal_;
  absl::flat_hash_map<std::string, Entries> by_paths_;  // see paths_of()
};

}  // namespace kgw::policy
