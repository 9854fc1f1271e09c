// RuleContext: where a feature reports to while it binds one rule: which field it is at, how a
// backendRef is resolved, and what became of the rule.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/diagnostic.h"
#include "api/refs.h"
#include "attach/backend_ref.h"

namespace kgw::policy {

using Resolver = std::function<attach::ResolvedBackend(const BackendObjectRef&)>;

class RuleContext {
 public:
  // `field` is the path of the rule ("spec.rules[2]"). `resolve` knows the route and what it
  // speaks.
  RuleContext(const ObjectRef& route, std::string field, const Resolver& resolve,
              Diagnostics& diagnostics)
      : route_(route), field_(std::move(field)), resolve_(resolve), diagnostics_(diagnostics) {}

  // Appends `part` to the field path while it lives: At at(context, "matches", 3).
  class At {
   public:
    At(RuleContext& context, std::string_view part);
    At(RuleContext& context, std::string_view list, std::size_t index);
    ~At() { context_.field_.resize(length_); }
    At(const At&) = delete;
    At& operator=(const At&) = delete;

   private:
    RuleContext& context_;
    std::size_t length_;
  };

  const ObjectRef& route() const { return route_; }

  // A reference that cannot be followed is noted for ResolvedRefs; the caller decides what then.
  attach::ResolvedBackend resolve(const BackendObjectRef& ref);

  // The rule will answer 500. The first reason counts, all are reported.
  void broken(std::string reason, std::string message);
  // The rule has a matcher that cannot be evaluated, so it does not exist.
  void dropped(std::string reason, std::string message);
  void unresolved(const attach::Fault& fault);
  void warn(std::string reason, std::string message);

  const attach::Fault& broken() const { return broken_; }
  const attach::Fault& dropped() const { return dropped_; }
  const attach::Fault& unresolved() const { return unresolved_; }

 private:
  void report(const std::string& reason, const std::string& message, Severity severity);
  attach::Fault located(const attach::Fault& fault) const;

  const ObjectRef& route_;
  std::string field_;
  const Resolver& resolve_;
  Diagnostics& diagnostics_;
  attach::Fault broken_, dropped_, unresolved_;
};

}  // namespace kgw::policy
