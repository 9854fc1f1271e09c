// Kinds by the words that people use with kubectl: in any case, singular or plural, with or without
// the group, or short.
#pragma once

#include <string_view>

#include "api/ref.h"

namespace kgw::app {

// "HTTPRoute", "httproutes", "httproute.gateway.networking.k8s.io", "svc". kUnknown: none.
Kind kind_by_word(std::string_view word);

}  // namespace kgw::app
