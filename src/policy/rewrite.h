// Feature: URLRewrite (rule and backend level). The host is written as host_rewrite_literal, of the
// route or of a weighted cluster; the path can only be rewritten by a route.
#pragma once

#include <optional>
#include <string>

#include "policy/path_edit.h"

namespace envoy::config::route::v3 {
class RouteAction;
}

namespace kgw::policy {

struct Rewrite {
  std::string hostname;  // empty = unchanged
  std::optional<PathEdit> path;

  friend bool operator==(const Rewrite&, const Rewrite&) = default;
};

std::optional<Rewrite> bind_rewrite(RuleContext& context, const UrlRewrite& spec);

// `match` is from expand_for(edit).
void encode_path_rewrite(const PathEdit& edit, const BoundMatch& match,
                         ::envoy::config::route::v3::RouteAction& out);

}  // namespace kgw::policy
