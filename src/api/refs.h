// References between objects, as Gateway API writes them. Defaults are those of the CRDs.
#pragma once

#include <cstdint>
#include <optional>

#include "api/ref.h"

namespace kgw {

// parentRefs[]: a Gateway or ListenerSet, optionally one section or port of it.
struct ParentRef {
  Name group = "gateway.networking.k8s.io";
  Name kind = "Gateway";
  std::optional<Name> ns;  // absent: the route's own namespace
  Name name;
  std::optional<Name> section_name;
  std::optional<std::int32_t> port;

  friend bool operator==(const ParentRef&, const ParentRef&) = default;
};

// What the reference names, of any kind, for an object in namespace `own`.
inline ObjectRef target_of(const ParentRef& ref, const Name& own) {
  return {kind_of(ref.group, ref.kind), {ref.ns ? Name(*ref.ns) : own, ref.name}};
}

// A Service or Backend (BackendObjectReference).
struct BackendObjectRef {
  Name group;  // "" = core
  Name kind = "Service";
  std::optional<Name> ns;
  Name name;
  std::optional<std::int32_t> port;

  friend bool operator==(const BackendObjectRef&, const BackendObjectRef&) = default;
};

// certificateRefs[], clientCertificateRef.
struct SecretObjectRef {
  Name group;
  Name kind = "Secret";
  Name name;
  std::optional<Name> ns;

  friend bool operator==(const SecretObjectRef&, const SecretObjectRef&) = default;
};

// caCertificateRefs[] of a Gateway (ObjectReference): group and kind are required.
struct AnyObjectRef {
  Name group;
  Name kind;
  Name name;
  std::optional<Name> ns;

  friend bool operator==(const AnyObjectRef&, const AnyObjectRef&) = default;
};

// extensionRef, parametersRef, caCertificateRefs[] of BackendTLSPolicy: same namespace.
struct LocalObjectRef {
  Name group;
  Name kind;
  Name name;

  friend bool operator==(const LocalObjectRef&, const LocalObjectRef&) = default;
};

}  // namespace kgw
