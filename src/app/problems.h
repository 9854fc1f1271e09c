// What the tables say is wrong with objects, or has no effect, beyond what decoding found: for
// `check`, and the warnings among it for `status` and `explain`, which show errors by conditions.
//
// Computed when it is asked for: nothing of it is kept. Every mistake stands here once.
#pragma once

#include "api/diagnostic.h"
#include "app/translation.h"

namespace kgw::app {

Diagnostics translation_problems(const Translation& translation);
// The warnings of translation_problems().
Diagnostics translation_warnings(const Translation& translation);

}  // namespace kgw::app
