#include "api/diagnostic.h"

#include "api/text.h"

namespace kgw {

std::string to_string(const Diagnostic& d) {
  std::string text;
  if (!d.position.file.empty()) {
    text += d.position.file;
    if (d.position.line > 0) text += ":" + std::to_string(d.position.line);
    text += ": ";
  }
  if (d.severity == Severity::kWarning) text += "warning: ";
  if (!d.object.name().empty()) {
    text +=
        d.object.kind == Kind::kUnknown ? "\"" + d.object.name().str() + "\"" : to_string(d.object);
    text += ": ";
  }
  if (!d.field.empty()) text += d.field + ": ";
  text += d.message;
  if (!d.reason.empty()) text += " (" + d.reason + ")";
  return one_line(text, kMaxMessageBytes);
}

}  // namespace kgw
