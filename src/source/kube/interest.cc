#include "source/kube/interest.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "api/core.h"

namespace kgw::kube {
namespace {

constexpr std::array<std::string_view, 3> kReadKeys = {"tls.crt", "tls.key", "ca.crt"};

// Large or frequent, and never a certificate or a key that a gateway is told to use.
constexpr std::array<std::string_view, 5> kOtherSecrets = {
    "helm.sh/release.v1", "kubernetes.io/service-account-token", "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg", "bootstrap.kubernetes.io/token"};

void keep_read_keys(StringMap& data) {
  absl::erase_if(data, [](const auto& entry) {
    return std::ranges::find(kReadKeys, entry.first) == kReadKeys.end();
  });
}

void drop_targets(EndpointSlice& slice) {
  for (Endpoint& endpoint : slice.endpoints) endpoint.target_kind = endpoint.target_name = {};
}

}  // namespace

Selectors selectors_of(Kind kind) {
  Selectors selectors;
  if (kind == Kind::kSecret) {
    for (const std::string_view type : kOtherSecrets) {
      if (!selectors.field.empty()) selectors.field += ',';
      selectors.field += "type!=";
      selectors.field += type;
    }
  } else if (kind == Kind::kEndpointSlice) {
    selectors.label = EndpointSlice::kServiceName;
  } else if (kind == Kind::kPod) {
    selectors.label = std::string(Pod::kTlsMode) + "=istio";
  }
  return selectors;
}

bool is_only_metadata(Kind kind) { return kind == Kind::kPod; }

void trim(Object& object, bool with_pods) {
  if (object.kind == Kind::kSecret) keep_read_keys(static_cast<Secret&>(object).data);
  if (object.kind == Kind::kConfigMap) keep_read_keys(static_cast<ConfigMap&>(object).data);
  if (object.kind == Kind::kEndpointSlice && !with_pods) {
    drop_targets(static_cast<EndpointSlice&>(object));
  }
}

bool has_reported_status(Kind kind) {
  switch (kind) {
    case Kind::kUnknown:
    case Kind::kReferenceGrant:
    case Kind::kService:
    case Kind::kEndpointSlice:
    case Kind::kSecret:
    case Kind::kConfigMap:
    case Kind::kNamespace:
    case Kind::kPod:
      return false;
    default:
      return true;
  }
}

}  // namespace kgw::kube
