#include "policy/rewrite.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/envoy_rules.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

// A literal for the replacement text of RE2, where "\1" would be a group.
std::string literal(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (c == '\\') result += c;
    result += c;
  }
  return result;
}

}  // namespace

std::optional<Rewrite> bind_rewrite(RuleContext& context, const UrlRewrite& spec) {
  Rewrite rewrite;
  if (spec.hostname) {
    At at(context, "hostname");
    if (Problem problem = check_host(*spec.hostname)) {
      context.broken("UnsupportedValue", *problem);
      return {};
    }
    rewrite.hostname = *spec.hostname;
  }
  if (spec.path) {
    rewrite.path = bind_path_edit(context, *spec.path);
    if (!rewrite.path) return {};
  }
  return rewrite;
}

void encode_path_rewrite(const PathEdit& edit, const BoundMatch& match,
                         ::envoy::config::route::v3::RouteAction& out) {
  if (edit.full) {
    out.mutable_regex_rewrite()->mutable_pattern()->set_regex("^.*");
    out.mutable_regex_rewrite()->set_substitution(literal(full_replacement(edit)));
  } else {
    out.set_prefix_rewrite(prefix_replacement(edit, match));
  }
}

}  // namespace kgw::policy
