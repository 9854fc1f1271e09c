#include "policy/envoy_rules.h"

#include <re2/re2.h>

#include <algorithm>

namespace kgw::policy {
namespace {

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

Problem check_regex(std::string_view pattern) {
  if (pattern.empty()) return "the expression is empty";
  re2::RE2::Options options(re2::RE2::Quiet);
  const re2::RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex.ok()) return "not a valid RE2 expression: " + regex.error();
  const int size = regex.ProgramSize();
  if (size <= kMaxRegexProgram) return {};
  return "the expression is too large for Envoy (RE2 program size " + std::to_string(size) +
         ", allowed are " + std::to_string(kMaxRegexProgram) + ")";
}

Problem check_header_name(std::string_view name) {
  if (name.empty()) return "a header name is empty";
  if (name.size() > kMaxHeaderBytes) return "the header name is too long";
  if (!std::ranges::all_of(name, is_token)) {
    return "\"" + std::string(name) + "\" is not a valid header name";
  }
  return {};
}

Problem check_header_edit_name(std::string_view name) {
  if (name.starts_with(':') || to_lower(name) == "host") {
    return "the header \"" + std::string(name) +
           "\" cannot be modified; use URLRewrite to change host or path";
  }
  return check_header_name(name);
}

Problem check_header_value(std::string_view value) {
  if (value.size() > kMaxHeaderBytes) return "the header value is too long";
  const auto forbidden = [](char c) { return c == '\0' || c == '\r' || c == '\n'; };
  if (std::ranges::any_of(value, forbidden)) return "the header value has a line break or NUL";
  return {};
}

Problem check_path(std::string_view path) {
  if (!path.starts_with('/')) return "the path must start with \"/\"";
  if (path.find_first_of("?#") != std::string_view::npos) {
    return "the path must not have a query or fragment (\"?\" or \"#\")";
  }
  if (std::ranges::any_of(path, is_control)) return "the path has a control character";
  return {};
}

Problem check_host(std::string_view host) {
  const auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; };
  if (host.empty() || !std::ranges::all_of(host, allowed)) {
    return "\"" + std::string(host) + "\" is not a valid hostname";
  }
  return {};
}

Problem check_cookie_name(std::string_view name) {
  if (name.empty() || !std::ranges::all_of(name, is_token)) {
    return "\"" + std::string(name) + "\" is not a valid cookie name";
  }
  return {};
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace kgw::policy
