// Reasons for a refusal, without what was refused.
//
// Envoy's error texts quote the configuration: a broken constraint prints the whole resource, which
// for a route table is the header secrets of every tenant. A reason is stored and shown to
// whoever's status it concerns, so it keeps Envoy's sentence (a field and its rule) and no value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kgw::xds {

inline constexpr std::size_t kMaxReason = 512;

// The reason alone, in printable characters, at most kMaxReason bytes. A text whose reason cannot
// be separated from values gives a sentence that says so. A reason stays as it is.
std::string reason_of(std::string_view error);

struct WithoutDumps {
  std::string text;
  bool cut = false;  // a printed message has no end, and may have swallowed what followed
};
// The text without the messages that Envoy prints into it.
WithoutDumps without_dumps(std::string_view error);

}  // namespace kgw::xds
