// References between objects, as Gateway API writes them. Defaults are those of the CRDs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/ref.h"

namespace kgw {

// parentRefs[]: a Gateway or ListenerSet, optionally one section or port of it.
struct ParentRef {
  std::string group = "gateway.networking.k8s.io";
  std::string kind = "Gateway";
  std::optional<std::string> ns;  // absent: the route's own namespace
  std::string name;
  std::optional<std::string> section_name;
  std::optional<std::int32_t> port;

  friend bool operator==(const ParentRef&, const ParentRef&) = default;
};

// A Service or Backend (BackendObjectReference).
struct BackendObjectRef {
  std::string group;  // "" = core
  std::string kind = "Service";
  std::optional<std::string> ns;
  std::string name;
  std::optional<std::int32_t> port;

  friend bool operator==(const BackendObjectRef&, const BackendObjectRef&) = default;
};

// certificateRefs[], clientCertificateRef.
struct SecretObjectRef {
  std::string group;
  std::string kind = "Secret";
  std::string name;
  std::optional<std::string> ns;

  friend bool operator==(const SecretObjectRef&, const SecretObjectRef&) = default;
};

// caCertificateRefs[] of a Gateway (ObjectReference): group and kind are required.
struct AnyObjectRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> ns;

  friend bool operator==(const AnyObjectRef&, const AnyObjectRef&) = default;
};

// extensionRef, parametersRef, caCertificateRefs[] of BackendTLSPolicy: same namespace.
struct LocalObjectRef {
  std::string group;
  std::string kind;
  std::string name;

  friend bool operator==(const LocalObjectRef&, const LocalObjectRef&) = default;
};

}  // namespace kgw
