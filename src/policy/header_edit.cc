#include "policy/header_edit.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "envoy/config/core/v3/base.pb.h"
#include "policy/envoy_rules.h"
#include "policy/header_format.h"
#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

bool usable(RuleContext& context, const Problem& problem) {
  if (problem) context.broken("UnsupportedValue", *problem);
  return !problem;
}

bool is_one_of(const std::string& name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// Whether a value of the user's can stand in the header `name` (lower case).
bool settable(RuleContext& context, const std::string& name) {
  constexpr std::string_view kOfTheConnection[] = {"connection",        "content-length",
                                                   "keep-alive",        "proxy-connection",
                                                   "transfer-encoding", "upgrade"};
  if (!is_one_of(name, kOfTheConnection)) return true;
  context.warn("UnsupportedValue", "is left out: the header \"" + name +
                                       "\" belongs to the proxy's connection, not to the message");
  return false;
}

// Whether the header `name` (lower case) stays away when it is removed.
bool removable(RuleContext& context, const std::string& name, Direction direction) {
  const bool date = direction == Direction::kResponse && name == "date";
  if (!date && name != "transfer-encoding") return true;
  context.warn("UnsupportedValue",
               "has no effect: Envoy writes the header \"" + name + "\" itself");
  return false;
}

void bind_puts(RuleContext& context, const char* field, const std::vector<HttpHeader>& headers,
               bool append, HeaderEdit& out) {
  std::vector<std::string> seen;  // of repeats in one list the first counts
  for (std::size_t i = 0; i < headers.size(); ++i) {
    At at(context, field, i);
    if (!usable(context, check_header_edit_name(headers[i].name))) continue;
    if (!usable(context, check_header_format(headers[i].value))) continue;
    std::string name = to_lower(headers[i].name);
    if (!settable(context, name)) continue;
    if (std::ranges::find(seen, name) != seen.end()) continue;
    seen.push_back(name);
    out.put.push_back({std::move(name), headers[i].value, append});
  }
}

}  // namespace

HeaderEdit HeaderEdit::then(const HeaderEdit& next) const {
  HeaderEdit result{remove, {}};
  for (const std::string& name : next.remove) {
    if (std::ranges::find(result.remove, name) == result.remove.end()) {
      result.remove.push_back(name);
    }
  }
  for (const HeaderPut& header : put) {
    if (std::ranges::find(next.remove, header.name) == next.remove.end()) {
      result.put.push_back(header);
    }
  }
  result.put.insert(result.put.end(), next.put.begin(), next.put.end());
  return result;
}

HeaderEdit bind_header_edit(RuleContext& context, const HeaderModifier& spec, Direction direction) {
  HeaderEdit edit;
  for (std::size_t i = 0; i < spec.remove.size(); ++i) {
    At at(context, "remove", i);
    if (!usable(context, check_header_edit_name(spec.remove[i]))) continue;
    std::string name = to_lower(spec.remove[i]);
    if (removable(context, name, direction)) edit.remove.push_back(std::move(name));
  }
  bind_puts(context, "set", spec.set, false, edit);
  bind_puts(context, "add", spec.add, true, edit);
  return edit;
}

void overwrite_header(std::string_view name, const std::string& format,
                      ::envoy::config::core::v3::HeaderValueOption& out) {
  out.set_append_action(::envoy::config::core::v3::HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD);
  out.mutable_header()->set_key(std::string(name));
  out.mutable_header()->set_value(format);
}

void encode_header_edit(
    const HeaderEdit& edit,
    google::protobuf::RepeatedPtrField<::envoy::config::core::v3::HeaderValueOption>& put,
    google::protobuf::RepeatedPtrField<std::string>& remove) {
  using Option = ::envoy::config::core::v3::HeaderValueOption;
  for (const HeaderPut& header : edit.put) {
    Option& option = *put.Add();
    option.mutable_header()->set_key(header.name);
    option.mutable_header()->set_value(header_format(header.value));
    // APPEND_IF_EXISTS_OR_ADD is the default and costs no bytes.
    if (!header.append) option.set_append_action(Option::OVERWRITE_IF_EXISTS_OR_ADD);
    if (header.value.empty()) option.set_keep_empty_value(true);
  }
  for (const std::string& name : edit.remove) remove.Add()->assign(name);
}

}  // namespace kgw::policy
