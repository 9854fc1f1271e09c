// filters[] of a rule or a backendRef -> Actions. The table in filters.cc says which feature binds
// which type: a new filter is one file and one line there.
#pragma once

#include <vector>

#include "policy/rule.h"

namespace kgw::policy {

class RuleContext;

enum class FilterLevel { kRule, kBackend };

// Filters may also answer by themselves (RequestRedirect, rules only).
void bind_filters(RuleContext& context, const std::vector<RouteFilter>& filters, FilterLevel level,
                  Actions& actions, Box<Redirect>& redirect);

// Whether one of them may refuse requests. An extension may, whatever it is.
bool has_protecting(const std::vector<RouteFilter>& filters);

// What happens to a request that first meets `rule`, then `backend`. Where only one can be in force
// (rewrite, CORS), the backend's counts; the response meets them in the opposite order.
Actions combine(const Actions& rule, const Actions& backend);

}  // namespace kgw::policy
