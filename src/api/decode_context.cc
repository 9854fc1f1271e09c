#include "api/decode_context.h"

#include <utility>

namespace kgw::schema {

std::string Context::path() const {
  std::string text;
  for (const Element& element : path_) {
    switch (element.form) {
      case Element::kField:
        if (!text.empty()) text += '.';
        text += element.text;
        break;
      case Element::kIndex:
        text += '[' + std::to_string(element.index) + ']';
        break;
      case Element::kKey:
        text.append("[").append(element.text).append("]");
        break;
    }
  }
  return text;
}

void Context::error(std::uint32_t line, std::string_view reason, std::string message,
                    std::string_view sub_field) {
  ++errors_;
  if (errors_ > kMaxDiagnostics + 1) return;
  Diagnostic diagnostic;
  diagnostic.object = object_;
  diagnostic.position = {std::string(file_), static_cast<int>(line), 0};
  if (errors_ == kMaxDiagnostics + 1) {
    diagnostic.reason = "TooManyErrors";
    diagnostic.message = "more errors follow that are not listed";
  } else {
    diagnostic.field = path();
    if (!sub_field.empty()) {
      if (!diagnostic.field.empty()) diagnostic.field += '.';
      diagnostic.field += sub_field;
    }
    diagnostic.reason = reason;
    diagnostic.message = std::move(message);
  }
  out_.push_back(std::move(diagnostic));
}

}  // namespace kgw::schema
