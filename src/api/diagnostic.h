// Diagnostic: one mistake or warning about user input, as data.
//
// Every layer reports what is wrong with an object this way and goes on; a diagnostic ends in a
// status condition, in `kgateway check`, and in `kgateway explain`. It names the object, the field
// and, for input read from files, the file and line.
#pragma once

#include <string>
#include <vector>

#include "api/ref.h"

namespace kgw {

enum class Severity { kError, kWarning };

struct SourcePosition {
  Name file;     // empty when the object did not come from a file
  int line = 0;  // 1-based; 0 when unknown
  int column = 0;

  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

struct Diagnostic {
  ObjectRef object;     // kUnknown with an empty name when not even that could be read
  std::string field;    // "spec.rules[2].matches[0].path.value"; empty for the whole object
  std::string reason;   // CamelCase, stable: "UnknownField", "InvalidValue", "BackendNotFound"
  std::string message;  // one sentence for people
  Severity severity = Severity::kError;
  SourcePosition position;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

using Diagnostics = std::vector<Diagnostic>;

// "file:line: HTTPRoute ns/name: spec.x: message (Reason)"; leaves out what is empty.
std::string to_string(const Diagnostic& diagnostic);

}  // namespace kgw
