#include "policy/rule_context.h"

namespace kgw::policy {

using attach::Fault;

RuleContext::At::At(RuleContext& context, std::string_view part)
    : context_(context), length_(context.field_.size()) {
  context.field_.append(".").append(part);
}

RuleContext::At::At(RuleContext& context, std::string_view list, std::size_t index)
    : At(context, list) {
  context.field_.append("[").append(std::to_string(index)).append("]");
}

Fault RuleContext::located(const Fault& fault) const {
  return {fault.reason, field_ + ": " + fault.message};
}

void RuleContext::report(const std::string& reason, const std::string& message, Severity severity) {
  diagnostics_.push_back({route_, field_, reason, message, severity, {}});
}

attach::ResolvedBackend RuleContext::resolve(const BackendObjectRef& ref) {
  attach::ResolvedBackend backend = resolve_(ref);
  if (backend.unresolved) unresolved(backend.unresolved);
  return backend;
}

void RuleContext::broken(std::string reason, std::string message) {
  report(reason, message, Severity::kError);
  if (!broken_) broken_ = located({std::move(reason), std::move(message)});
}

void RuleContext::dropped(std::string reason, std::string message) {
  report(reason, message, Severity::kError);
  if (!dropped_) dropped_ = located({std::move(reason), std::move(message)});
}

void RuleContext::unresolved(const Fault& fault) {
  report(fault.reason, fault.message, Severity::kError);
  if (!unresolved_) unresolved_ = located(fault);
}

void RuleContext::warn(std::string reason, std::string message) {
  report(reason, message, Severity::kWarning);
}

}  // namespace kgw::policy
