#include "source/kube/error.h"

#include <fmt/format.h>

#include "api/document.h"

namespace kgw::kube {
namespace {

constexpr std::size_t kMaxQuoted = 200;

std::string_view reason_of(int http_status) {
  switch (http_status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "InternalError";
  }
}

std::string text_at(const doc::Node& node, std::string_view key) {
  const doc::Node* found = node.find(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

}  // namespace

Error decode_error(int http_status, std::string_view body) {
  Error error{http_status, std::string(reason_of(http_status)), ""};
  const doc::Parsed parsed = doc::parse(body, doc::Format::kJson);
  if (!parsed.documents.empty()) {
    const doc::Node& status = parsed.documents[0];
    if (std::string reason = text_at(status, "reason"); !reason.empty()) error.reason = reason;
    error.message = text_at(status, "message");
    const doc::Node* code = status.find("code");
    if (http_status == 200 && code != nullptr && code->kind() == doc::Kind::kInt) {
      error.status = static_cast<int>(code->as_int());
    }
  }
  if (error.message.empty()) {
    error.message = body.empty() ? "the API server gave no explanation"
                                 : std::string(body.substr(0, kMaxQuoted));
  }
  return error;
}

std::string to_string(const Error& error) {
  return error.status == 0 ? fmt::format("{}: {}", error.reason, error.message)
                           : fmt::format("{} ({}): {}", error.reason, error.status, error.message);
}

}  // namespace kgw::kube
