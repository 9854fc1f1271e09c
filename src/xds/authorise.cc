#include "xds/authorise.h"

#include <string_view>

namespace kgw::xds {
namespace {

constexpr std::string_view kRolePrefix = "kgateway-kube-gateway-api~";

}  // namespace

Verdict group_of(const Node& node) {
  std::string_view role = node.role;
  if (role.starts_with(kRolePrefix)) {
    role.remove_prefix(kRolePrefix.size());
    const std::size_t tilde = role.find('~');
    if (tilde != std::string_view::npos && tilde > 0 && tilde + 1 < role.size() &&
        role.find('~', tilde + 1) == std::string_view::npos) {
      return ObjectKey{role.substr(0, tilde), role.substr(tilde + 1)};
    }
    return std::unexpected("malformed node metadata role \"" + node.role + "\", expected " +
                           std::string(kRolePrefix) + "NAMESPACE~GATEWAY");
  }
  // A namespace holds no dot; the name of a Gateway may.
  const std::string_view cluster = node.cluster;
  const std::size_t dot = cluster.rfind('.');
  if (dot != std::string_view::npos && dot > 0 && dot + 1 < cluster.size()) {
    return ObjectKey{cluster.substr(dot + 1), cluster.substr(0, dot)};
  }
  return std::unexpected("the node names no Gateway: set metadata.role to " +
                         std::string(kRolePrefix) +
                         "NAMESPACE~GATEWAY, or cluster to "
                         "GATEWAY.NAMESPACE");
}

}  // namespace kgw::xds
