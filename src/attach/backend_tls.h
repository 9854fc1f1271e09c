// How a BackendTLSPolicy is judged by itself; internal to attach/.
#pragma once

#include "attach/model.h"

namespace kgw::attach {

// spec.validation of a policy: what it gives, and what is wrong with it.
struct Validation {
  std::vector<ObjectRef> ca_references;  // usable ones
  bool system_ca = false;
  Fault unaccepted;  // NoValidCACertificate, Invalid
  Fault unresolved;  // InvalidKind, InvalidCACertificateRef
};
Validation judge_validation(const Model& model, const BackendTlsPolicy& policy, engine::Read& read);

// The Service or Backend that a targetRef names; kUnknown for other kinds.
ObjectRef target_of(const BackendTlsPolicy& policy, const PolicyTargetRef& ref);

}  // namespace kgw::attach
