// Envoy's own constraints, applied before publication: what breaks one is refused by Envoy together
// with the whole resource that carries it.
//
// The rules are those of the API's descriptors (protoc-gen-validate), so they are complete and of
// the same version as the messages. They are compared with the serialized bytes, so each piece is
// checked once, where it is encoded, and whatever is spliced from checked pieces is sound.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "envoy/resource.h"

namespace google::protobuf {
class Descriptor;
}

namespace kgw::envoy {

// The field and the rule that it breaks ("match.safe_regex.regex: must have at least 1 character"),
// never its value; nothing when all is well. Packed messages (Any) are checked as well. Thread:
// any.
std::optional<std::string> broken_constraint(const google::protobuf::Descriptor& type,
                                             std::string_view message);
std::optional<std::string> broken_constraint(ResourceType type, std::string_view message);

}  // namespace kgw::envoy
