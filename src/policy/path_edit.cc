#include "policy/path_edit.h"

#include "policy/envoy_rules.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

std::string trimmed(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

std::optional<PathEdit> bind_path_edit(RuleContext& context, const PathModifier& spec) {
  At at(context, "path");
  PathEdit edit;
  if (spec.type == "ReplaceFullPath" && spec.replace_full_path) {
    edit = {true, *spec.replace_full_path};
  } else if (spec.type == "ReplacePrefixMatch" && spec.replace_prefix_match) {
    edit = {false, *spec.replace_prefix_match};
  } else {
    context.broken("UnsupportedValue", "path modifier \"" + spec.type + "\" has no value");
    return {};
  }
  if (edit.value.empty()) return edit;
  At field(context, edit.full ? "replaceFullPath" : "replacePrefixMatch");
  // A full path may bring its own query.
  const Problem problem = edit.full && edit.value.starts_with('/') ? check_header_value(edit.value)
                                                                   : check_path(edit.value);
  if (!problem) return edit;
  context.broken("UnsupportedValue", *problem);
  return {};
}

std::vector<BoundMatch> expand_for(const std::optional<PathEdit>& edit, const BoundMatch& match) {
  if (!edit || edit->full || match.path == "/" || !trimmed(edit->value).empty()) return {match};
  std::vector<BoundMatch> result{match, match};
  result[0].path_type = PathMatchType::kExact;
  result[1].raw_prefix = true;
  result[1].path += '/';
  return result;
}

std::string prefix_replacement(const PathEdit& edit, const BoundMatch& match) {
  const std::string target = trimmed(edit.value);
  // Envoy takes the slash of "/" away with the prefix, so it must be given back.
  return match.path == "/" || target.empty() ? target + "/" : target;
}

std::string full_replacement(const PathEdit& edit) { return edit.value.empty() ? "/" : edit.value; }

}  // namespace kgw::policy
