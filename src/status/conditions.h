// How conditions are made: a type, whether it holds, and the words. Reasons are those of the
// Gateway API specification (v1.7) and of kgateway.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "api/meta.h"
#include "attach/listeners.h"
#include "status/types.h"

namespace kgw::status {

// The condition type that kgateway adds to the parents of a route.
inline constexpr std::string_view kRouteProgrammed = "kgateway.dev/Programmed";
// And to Gateways, while objects that their proxies consist of are not as they should be.
inline constexpr std::string_view kDeployFailed = "kgateway.dev/DeployFailed";

// status True with `reason`.
Condition holds(std::string_view type, std::string_view reason, std::string_view message,
                std::int64_t generation);
// status False with the fault's reason and message.
Condition fails(std::string_view type, const attach::Fault& fault, std::int64_t generation);
// status Unknown.
Condition pending(std::string_view type, std::string_view reason, std::string_view message,
                  std::int64_t generation);
// fails() when there is a fault, else holds() with the type's own name as the reason.
Condition judge(std::string_view type, const attach::Fault& fault, std::string_view message,
                std::int64_t generation);

// The condition of that type, null when there is none.
const Condition* find(const Conditions& conditions, std::string_view type);

// f(Condition&) for every condition of a status, in an order that depends only on its shape.
template <class F>
void for_each_condition(ObjectStatus& status, F&& f) {
  const auto all = [&](Conditions& conditions) {
    for (Condition& condition : conditions) f(condition);
  };
  std::visit(
      [&]<typename Status>(Status& one) {
        if constexpr (requires { one.conditions; }) all(one.conditions);
        if constexpr (requires { one.listeners; }) {
          for (ListenerStatus& listener : one.listeners) all(listener.conditions);
        }
        if constexpr (requires { one.parents; }) {
          for (RouteParentStatus& parent : one.parents) all(parent.conditions);
        }
        if constexpr (requires { one.ancestors; }) {
          for (PolicyAncestorStatus& ancestor : one.ancestors) all(ancestor.conditions);
        }
      },
      status);
}

// Makes every message one line of bounded length (api/text.h), whoever wrote the words in it.
void make_presentable(ObjectStatus& status);

}  // namespace kgw::status
