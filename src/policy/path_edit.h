// ReplaceFullPath and ReplacePrefixMatch, shared by redirects and rewrites.
//
// Envoy replaces the matched text only; what Gateway API wants for slashes at the seam (the table
// at HTTPPathModifier.replacePrefixMatch) depends on the matched prefix, so a path edit is worked
// out for each match of a rule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/filters.h"
#include "policy/match.h"

namespace kgw::policy {

class RuleContext;

struct PathEdit {
  bool full = false;  // else the matched prefix is replaced
  std::string value;

  friend bool operator==(const PathEdit&, const PathEdit&) = default;
};

// Marks the rule broken when the value is unusable.
std::optional<PathEdit> bind_path_edit(RuleContext& context, const PathModifier& spec);

// The matches by which `match` must be written so that `edit` can be done by replacing a prefix:
// for a removed prefix "/foo", the path "/foo" and the prefix "/foo/", which both become "/". Any
// other edit leaves the match as it is.
std::vector<BoundMatch> expand_for(const std::optional<PathEdit>& edit, const BoundMatch& match);

// What takes the place of the matched prefix. REQUIRES: not edit.full; `match` is from
// expand_for().
std::string prefix_replacement(const PathEdit& edit, const BoundMatch& match);

// What takes the place of the whole path, without query.
std::string full_replacement(const PathEdit& edit);

}  // namespace kgw::policy
