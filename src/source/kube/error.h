// Error: why a call to the API server gave no result, as a value.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace kgw::kube {

struct Error {
  // HTTP status; 0 when there was no answer (connection, TLS, time-out, unusable credentials).
  int status = 0;
  // metav1.Status.reason ("NotFound", "Conflict", "AlreadyExists", "Expired", "Forbidden", ...);
  // without an answer one of "Unreachable", "Timeout", "InvalidAnswer", "Closed", "InvalidConfig".
  std::string reason;
  std::string message;  // one sentence for people

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = std::expected<T, Error>;

// What the body of an answer that is not 2xx says. Any body: one that is no Status gives the reason
// that belongs to the HTTP status, and the start of its text.
Error decode_error(int http_status, std::string_view body);

// The resource version is too old to go on from: everything must be listed again.
inline bool is_gone(const Error& error) {
  return error.status == 410 || error.reason == "Expired" || error.reason == "Gone";
}

// "Forbidden (403): message".
std::string to_string(const Error& error);

}  // namespace kgw::kube
