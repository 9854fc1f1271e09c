// Feature: URLRewrite (rule and backend level).
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

// `match` is from expand_for(rewrite.path).
void encode_rewrite(const Rewrite& rewrite, const BoundMatch& match,
                    envoy::config::route::v3::RouteAction& out);

}  // namespace kgw::policy
