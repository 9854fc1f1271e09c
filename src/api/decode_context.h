// What one decoding run carries along: how strict to be, which object and file it is about, where
// in the object it stands, and the diagnostics so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/diagnostic.h"

namespace kgw {

// kStrict: unknown fields are errors (manifests in files, where a typo must not pass in silence).
// kLenient: unknown fields are ignored (objects from an API server, which may know newer fields).
// Everything else is checked in both modes.
enum class DecodeMode : std::uint8_t { kStrict, kLenient };

namespace schema {

// Thread: one run, one thread.
class Context {
 public:
  // At most this many diagnostics are kept for one object; one more says that there are others.
  static constexpr std::size_t kMaxDiagnostics = 100;

  // REQUIRES: `out` outlives the context.
  Context(DecodeMode mode, ObjectRef object, std::string_view file, Diagnostics& out)
      : mode_(mode), object_(object), file_(file), out_(out) {}

  DecodeMode mode() const { return mode_; }
  // Errors found so far, also those beyond kMaxDiagnostics.
  std::size_t error_count() const { return errors_; }

  // Records an error at the current path, or at `sub_field` below it.
  void error(std::uint32_t line, std::string_view reason, std::string message,
             std::string_view sub_field = {});

  // "spec.rules[2].matches[0].path".
  std::string path() const;

  struct Element {
    enum Form : std::uint8_t { kField, kIndex, kKey };
    std::string_view text;
    std::size_t index = 0;
    Form form = kField;
  };

  // Goes down one level for the lifetime of the step.
  class Step {
   public:
    Step(Context& context, const Element& element) : context_(context) {
      context_.path_.push_back(element);
    }
    Step(Context& context, std::string_view field) : Step(context, Element{field}) {}
    Step(Context& context, std::size_t index)
        : Step(context, Element{{}, index, Element::kIndex}) {}
    ~Step() { context_.path_.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Context& context_;
  };

 private:
  DecodeMode mode_;
  ObjectRef object_;
  std::string_view file_;
  Diagnostics& out_;
  std::size_t errors_ = 0;
  std::vector<Element> path_;
};

}  // namespace schema
}  // namespace kgw
