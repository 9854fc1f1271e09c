// What of each kind can matter to a gateway: the rest is left on the API server, or dropped here.
#pragma once

#include <string>

#include "api/meta.h"

namespace kgw::kube {

struct Selectors {
  std::string label;
  std::string field;
};

// What to ask the API server for.
Selectors selectors_of(Kind kind);

// Kinds of which nothing but metadata is read, so that the API server need not send the rest.
bool is_only_metadata(Kind kind);

// Drops data of Secrets and ConfigMaps under keys that no feature reads (a feature that reads
// another key adds it in interest.cc), and which Pods endpoints are, unless Pods are read as well.
void trim(Object& object, bool with_pods);

// Kinds whose status we write, so that what stands there now must be known.
bool has_reported_status(Kind kind);

}  // namespace kgw::kube
