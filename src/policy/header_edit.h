// Feature: RequestHeaderModifier and ResponseHeaderModifier (rule and backend level).
//
// Envoy applies an edit in one step: removals first, then the list in its order. Edits that follow
// each other are therefore composed beforehand (then()), so that the order of Gateway API holds
// although Envoy would evaluate the backend's edit before the rule's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/filters.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}
namespace envoy::config::core::v3 {
class HeaderValueOption;
}

namespace kgw::policy {

class RuleContext;

struct HeaderPut {
  std::string name;   // lower case
  std::string value;  // as the user wrote it
  bool append = false;

  friend bool operator==(const HeaderPut&, const HeaderPut&) = default;
};

struct HeaderEdit {
  std::vector<std::string> remove;  // lower case
  std::vector<HeaderPut> put;

  bool empty() const { return remove.empty() && put.empty(); }
  // This edit followed by `next`, as one.
  HeaderEdit then(const HeaderEdit& next) const;
  friend bool operator==(const HeaderEdit&, const HeaderEdit&) = default;
};

enum class Direction { kRequest, kResponse };

// Refuses what Envoy would refuse for the whole table: `:`-headers and Host, control characters.
// An edit of a header that belongs to the connection or frames the message (Connection,
// Content-Length, ...) is left out with a warning, since it would break what shares the connection.
HeaderEdit bind_header_edit(RuleContext& context, const HeaderModifier& spec, Direction direction);

// Sets a header in place of any that is there. `format` is Envoy's, see header_format.h.
void overwrite_header(std::string_view name, const std::string& format,
                      ::envoy::config::core::v3::HeaderValueOption& out);

// Values are formats, see header_format.h.
void encode_header_edit(
    const HeaderEdit& edit,
    google::protobuf::RepeatedPtrField<::envoy::config::core::v3::HeaderValueOption>& put,
    google::protobuf::RepeatedPtrField<std::string>& remove);

}  // namespace kgw::policy
