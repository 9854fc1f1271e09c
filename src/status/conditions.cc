#include "status/conditions.h"

#include <algorithm>

#include "api/text.h"

namespace kgw::status {

Condition holds(std::string_view type, std::string_view reason, std::string_view message,
                std::int64_t generation) {
  return {type, "True", reason, message, generation};
}

Condition fails(std::string_view type, const attach::Fault& fault, std::int64_t generation) {
  return {type, "False", fault.reason, fault.message, generation};
}

Condition pending(std::string_view type, std::string_view reason, std::string_view message,
                  std::int64_t generation) {
  return {type, "Unknown", reason, message, generation};
}

Condition judge(std::string_view type, const attach::Fault& fault, std::string_view message,
                std::int64_t generation) {
  if (fault) return fails(type, fault, generation);
  const std::string_view short_type = type.substr(type.rfind('/') + 1);
  return holds(type, short_type, message, generation);
}

const Condition* find(const Conditions& conditions, std::string_view type) {
  const auto found = std::ranges::find_if(
      conditions, [&](const Condition& condition) { return condition.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

void make_presentable(ObjectStatus& status) {
  for_each_condition(status, [](Condition& condition) {
    const std::string_view message = condition.message.view();
    if (message.size() <= kMaxMessageBytes && is_one_line(message)) return;
    condition.message = one_line(message, kMaxMessageBytes);
  });
}

}  // namespace kgw::status
