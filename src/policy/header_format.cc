#include "policy/header_format.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "policy/parse_number.h"

namespace kgw::policy {
namespace {

// Those of Envoy 1.40 that take nothing. This list and the next were tried one by one with
// `envoy --mode validate`.
constexpr std::string_view kBare =
    " "
    "ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID "
    "CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DOWNSTREAM_CX_RTT "
    "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT "
    "DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS "
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_DIRECT_LOCAL_PORT "
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_PORT "
    "DOWNSTREAM_HANDSHAKE_DURATION DOWNSTREAM_HEADER_BYTES_RECEIVED "
    "DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_LOCAL_ADDRESS "
    "DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_LOCAL_CLOSE_REASON "
    "DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN "
    "DOWNSTREAM_LOCAL_OTHERNAME_SAN DOWNSTREAM_LOCAL_PORT DOWNSTREAM_LOCAL_SUBJECT "
    "DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 "
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_SERIALS "
    "DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_FINGERPRINT_1 "
    "DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER "
    "DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL "
    "DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT "
    "DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_PORT "
    "DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_GROUP DOWNSTREAM_TLS_SESSION_ID "
    "DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON "
    "DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT DURATION EMIT_TIME "
    "FILTER_CHAIN_NAME GRPC_STATUS GRPC_STATUS_NUMBER HOSTNAME LOCAL_REPLY_BODY PATH "
    "PROTOCOL QUERY_PARAMS REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADERS_BYTES "
    "REQUEST_TX_DURATION RESPONSE_CODE RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG "
    "RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES RESPONSE_TX_DURATION ROUTE_NAME "
    "ROUTE_RESOLUTION_COUNT ROUTE_RESOLUTION_TIME_US SPAN_ID STREAM_ID TLS_JA3_FINGERPRINT "
    "TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW "
    "UPSTREAM_CONNECTION_ID UPSTREAM_CONNECTION_IDS_ATTEMPTED "
    "UPSTREAM_CONNECTION_POOL_READY_DURATION UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED "
    "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT UPSTREAM_DETECTED_CLOSE_TYPE "
    "UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST "
    "UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAME "
    "UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT "
    "UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_CLOSE_REASON "
    "UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN "
    "UPSTREAM_PEER_CERT UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER "
    "UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS "
    "UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT "
    "UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER UPSTREAM_TLS_GROUP UPSTREAM_TLS_SESSION_ID "
    "UPSTREAM_TLS_VERSION UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_RECEIVED "
    "UPSTREAM_WIRE_BYTES_SENT VIRTUAL_CLUSTER_NAME ";

// What stands in the parentheses of a command.
enum class Argument {
  kOptional,  // any text, or nothing
  kText,      // any text
  kHeader,    // "name" or "name?other"
  kTime,      // a format of strftime, or nothing
};

struct Command {
  std::string_view name;
  Argument argument;
  bool length;  // may be cut: %NAME(x):10%
};

constexpr Command kCommands[] = {
    {"CLUSTER_METADATA", Argument::kText, false},
    {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT", Argument::kOptional, false},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", Argument::kOptional, false},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", Argument::kOptional, false},
    {"DOWNSTREAM_PEER_CERT_V_END", Argument::kTime, false},
    {"DOWNSTREAM_PEER_CERT_V_START", Argument::kTime, false},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Argument::kOptional, false},
    {"DYNAMIC_METADATA", Argument::kText, true},
    {"QUERY_PARAM", Argument::kText, true},
    {"REQ", Argument::kHeader, true},
    {"REQUEST_HEADER", Argument::kHeader, true},
    {"RESP", Argument::kHeader, true},
    {"RESPONSE_CODE_DETAILS", Argument::kOptional, false},
    {"RESPONSE_HEADER", Argument::kHeader, true},
    {"RESPONSE_TRAILER", Argument::kHeader, true},
    {"START_TIME", Argument::kTime, false},
    {"TRAILER", Argument::kHeader, true},
    {"UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", Argument::kOptional, false},
    {"UPSTREAM_METADATA", Argument::kText, false},
    {"UPSTREAM_PEER_CERT_V_END", Argument::kTime, false},
    {"UPSTREAM_PEER_CERT_V_START", Argument::kTime, false},
    {"UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Argument::kOptional, false},
};

// They read the environment, files and secrets of the proxy, which belong to its operator. Those
// that need a formatter of their own are listed too: a proxy may be configured with one.
constexpr std::string_view kOfTheProxy[] = {"ENVIRONMENT", "FILE_CONTENT", "SECRET",
                                            "GENERIC_SECRET"};

struct Use {
  std::string text, name, argument, length;
};

// The command at the beginning of `text`, as Envoy's parser finds it.
bool command_at(std::string_view text, Use& use) {
  static const re2::RE2 kCommand(R"(^(%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::([0-9]+))?%))");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kCommand, &use.text,
                                &use.name, &use.argument, &use.length);
}

bool is_header_argument(std::string_view text) {
  const std::size_t mark = text.find('?');
  const auto is_name = [](std::string_view name) {
    return !check_header_name(name.starts_with(':') ? name.substr(1) : name);
  };
  return is_name(text.substr(0, mark)) &&
         (mark == std::string_view::npos || is_name(text.substr(mark + 1)));
}

// Envoy refuses a time whose format writes a line break, by this pattern.
bool breaks_lines(const std::string& time_format) {
  static const re2::RE2 kNewline("%[-_0^#]*[1-9]*(E|O)?n");
  return re2::RE2::PartialMatch(time_format, kNewline);
}

Problem check_argument(const Use& use, Argument wanted) {
  const bool may_be_empty = wanted == Argument::kOptional || wanted == Argument::kTime;
  if (!may_be_empty && use.argument.empty()) return "the command needs an argument";
  if (wanted == Argument::kHeader && !is_header_argument(use.argument)) {
    return "the argument is not a header name";
  }
  if (wanted == Argument::kTime && breaks_lines(use.argument)) {
    return "the time would have a line break";
  }
  return {};
}

Problem check_command(const Use& use) {
  const std::string quoted = "\"" + use.text + "\"";
  const bool bare = use.argument.empty() && use.length.empty();
  if (kBare.find(" " + use.name + " ") != std::string_view::npos) {
    if (bare && use.text.size() == use.name.size() + 2) return {};
    return quoted + " in a header value: the command takes no argument and no length";
  }
  if (std::ranges::find(kOfTheProxy, use.name) != std::end(kOfTheProxy)) {
    return quoted +
           " in a header value: the command reads the environment, files or secrets of the "
           "proxy, which routes may not";
  }
  const auto known = std::ranges::find(kCommands, use.name, &Command::name);
  if (known == std::end(kCommands)) {
    return quoted + " in a header value is not a command that is known; write \"%%\" for \"%\"";
  }
  if (!use.length.empty() && !known->length) {
    return quoted + " in a header value: the command takes no length";
  }
  if (!use.length.empty() && !parse_number<std::uint64_t>(use.length)) {
    return quoted + " in a header value: the length is out of range";
  }
  if (Problem problem = check_argument(use, known->argument)) {
    return quoted + " in a header value: " + *problem;
  }
  return {};
}

// f(position, const Use*) for each "%" of `value` that is not doubled; null = not a command.
template <typename F>
void for_each_percent(std::string_view value, F&& f) {
  for (std::size_t at = 0; (at = value.find('%', at)) != std::string_view::npos;) {
    Use use;
    if (value.substr(at).starts_with("%%")) {
      at += 2;
    } else if (command_at(value.substr(at), use)) {
      f(at, &use);
      at += use.text.size();
    } else {
      f(at++, nullptr);
    }
  }
}

}  // namespace

Problem check_header_format(std::string_view value) {
  Problem problem = check_header_value(value);
  for_each_percent(value, [&](std::size_t, const Use* use) {
    if (use != nullptr && !problem) problem = check_command(*use);
  });
  return problem;
}

std::string header_format(std::string_view value) {
  std::string result(value);
  std::size_t inserted = 0;
  for_each_percent(value, [&](std::size_t at, const Use* use) {
    if (use == nullptr) result.insert(at + inserted++, 1, '%');
  });
  return result;
}

std::string literal_value(std::string_view value) {
  std::string result;
  result.reserve(value.size());
  for (const char c : value) {
    result += c;
    if (c == '%') result += c;
  }
  return result;
}

std::vector<std::string> known_header_commands() {
  std::vector<std::string> uses;
  std::istringstream bare{std::string(kBare)};
  for (std::string name; bare >> name;) uses.push_back("%" + name + "%");
  for (const Command& command : kCommands) {
    const std::string start = "%" + std::string(command.name);
    uses.push_back(start + (command.length ? "(x):9%" : "(x)%"));
    if (command.argument == Argument::kOptional || command.argument == Argument::kTime)
      uses.push_back(start + "%");
  }
  return uses;
}

}  // namespace kgw::policy
