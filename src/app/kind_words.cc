#include "app/kind_words.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "api/registry.h"
#include "policy/envoy_rules.h"

namespace kgw::app {
namespace {

// Those of the CRDs and of Kubernetes.
constexpr std::array<std::pair<std::string_view, Kind>, 9> kShortNames = {{
    {"gc", Kind::kGatewayClass},
    {"gtw", Kind::kGateway},
    {"lset", Kind::kListenerSet},
    {"refgrant", Kind::kReferenceGrant},
    {"btlspolicy", Kind::kBackendTlsPolicy},
    {"svc", Kind::kService},
    {"cm", Kind::kConfigMap},
    {"ns", Kind::kNamespace},
    {"po", Kind::kPod},
}};

}  // namespace

Kind kind_by_word(std::string_view word) {
  const std::string all = policy::to_lower(word);
  const std::size_t dot = all.find('.');
  const std::string name = all.substr(0, dot);
  const std::string group = dot == std::string::npos ? "" : all.substr(dot + 1);
  for (const auto& [short_name, kind] : kShortNames) {
    if (all == short_name) return kind;
  }
  for (const KindInfo& info : known_kinds()) {
    const auto is_meant = [&](const ServedVersion& version) {
      const bool named = name == info.plural || name == policy::to_lower(version.kind_name);
      return named && (group.empty() || group == version.group);
    };
    if (std::ranges::any_of(info.versions, is_meant)) return info.kind;
  }
  return Kind::kUnknown;
}

}  // namespace kgw::app
