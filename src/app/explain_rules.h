// Of each rule of a route: whether it stands in what the proxies have acknowledged, for `explain`.
#pragma once

#include <nlohmann/json.hpp>

#include "api/ref.h"

namespace kgw::app {

struct AdminView;

// [{"rule": "0" or its name, "inForce": bool, "state": text}]. Empty for an object without rules.
nlohmann::ordered_json rules_json(const ObjectRef& route, const AdminView& view);

}  // namespace kgw::app
