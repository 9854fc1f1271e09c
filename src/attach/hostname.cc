#include "attach/hostname.h"

#include <algorithm>

namespace kgw::attach {
namespace {

bool is_wildcard(std::string_view hostname) { return hostname.starts_with("*."); }

}  // namespace

Name normal_hostname(std::string_view text) {
  if (text == "*") return {};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

bool covers(std::string_view pattern, std::string_view host) {
  if (pattern.empty() || pattern == host) return true;
  if (!is_wildcard(pattern)) return false;
  const std::string_view suffix = pattern.substr(1);
  const std::string_view rest = is_wildcard(host) ? host.substr(1) : host;
  return rest.size() > suffix.size() && rest.ends_with(suffix);
}

std::optional<Name> intersect(const Name& a, const Name& b) {
  if (covers(a.view(), b.view())) return b;
  if (covers(b.view(), a.view())) return a;
  return std::nullopt;
}

std::string wider(std::string_view host) {
  if (is_wildcard(host)) host.remove_prefix(2);
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos) return {};
  return "*" + std::string(host.substr(dot));
}

bool more_specific(std::string_view a, std::string_view b) {
  if (is_wildcard(a) != is_wildcard(b)) return is_wildcard(b) ? !a.empty() : b.empty();
  return a.size() > b.size();
}

}  // namespace kgw::attach
