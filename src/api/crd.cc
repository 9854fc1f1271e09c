#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "api/kinds.h"

namespace kgw {

std::span<const Kind> own_kinds() {
  static constexpr std::array kOwn = {Kind::kBackend};
  return kOwn;
}

}  // namespace kgw
