#include "api/meta.h"

#include <algorithm>

namespace kgw {
namespace {

bool holds(const LabelSelectorRequirement& requirement, const StringMap& labels) {
  const auto label = labels.find(requirement.key);
  const bool exists = label != labels.end();
  if (requirement.op == "Exists") return exists;
  if (requirement.op == "DoesNotExist") return !exists;
  const bool listed =
      exists && std::ranges::find(requirement.values, label->second) != requirement.values.end();
  if (requirement.op == "In") return listed;
  if (requirement.op == "NotIn") return !listed;
  return false;
}

}  // namespace

bool LabelSelector::matches(const StringMap& labels) const {
  for (const auto& [key, value] : match_labels) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  return std::ranges::all_of(match_expressions,
                             [&](const auto& requirement) { return holds(requirement, labels); });
}

}  // namespace kgw
