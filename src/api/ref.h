// How objects are named: Kind (the kinds this product reads), ObjectKey (namespace/name within a
// kind) and ObjectRef (a kind and a key). Every table, status and diagnostic speaks of objects in
// these terms.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "api/name.h"

namespace kgw {

enum class Kind : std::uint8_t {
  kUnknown,
  kGatewayClass,
  kGateway,
  kListenerSet,
  kHttpRoute,
  kGrpcRoute,
  kTlsRoute,
  kTcpRoute,
  kUdpRoute,
  kReferenceGrant,
  kBackendTlsPolicy,
  kService,
  kEndpointSlice,
  kSecret,
  kConfigMap,
  kNamespace,
  kPod,
  kBackend,
  kGatewayParameters,
};

// The kind's name as in manifests ("HTTPRoute"); "Unknown" for kUnknown.
std::string_view kind_name(Kind kind);
// The kind's API group ("gateway.networking.k8s.io", "" for core).
std::string_view kind_group(Kind kind);
// The kind with this group and name, kUnknown if this product does not read it.
Kind kind_of(std::string_view group, std::string_view kind_name);

struct ObjectKey {
  Name ns;  // empty for cluster-scoped kinds
  Name name;

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
  friend bool operator==(const ObjectKey&, const ObjectKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ObjectKey& key) {
    return H::combine(std::move(h), key.ns, key.name);
  }
};

// "namespace/name", or "name" where the namespace is empty.
std::string to_string(const ObjectKey& key);

struct ObjectRef {
  Kind kind = Kind::kUnknown;
  ObjectKey key;

  const Name& ns() const { return key.ns; }
  const Name& name() const { return key.name; }

  friend auto operator<=>(const ObjectRef&, const ObjectRef&) = default;
  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ObjectRef& ref) {
    return H::combine(std::move(h), ref.kind, ref.key);
  }
};

// "HTTPRoute namespace/name".
std::string to_string(const ObjectRef& ref);

}  // namespace kgw
