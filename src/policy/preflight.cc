#include "policy/preflight.h"

#include <re2/re2.h>

#include <algorithm>
#include <string_view>

#include "policy/envoy_rules.h"

namespace kgw::policy {
namespace {

constexpr const char* kOptions = "OPTIONS";
constexpr const char* kNotEmpty = "\\C+";  // Envoy takes a preflight with empty values for none

// What a header of the request is in its preflight (Fetch standard).
enum class InPreflight { kSame, kAnnounced, kUnknown };

InPreflight in_preflight(std::string_view name) {
  constexpr std::string_view kSent[] = {"origin", "user-agent", "referer"};
  // Sent by the browser, or by the page without being announced.
  constexpr std::string_view kSilent[] = {"accept",       "accept-language", "content-language",
                                          "content-type", "cookie",          "range"};
  if (std::ranges::find(kSent, name) != std::end(kSent) || name.starts_with("sec-") ||
      name.starts_with("access-control-request-")) {
    return InPreflight::kSame;
  }
  const bool silent = std::ranges::find(kSilent, name) != std::end(kSilent);
  return silent ? InPreflight::kUnknown : InPreflight::kAnnounced;
}

NamedValueMatch regex_match(std::string name, std::string regex) {
  return {ValueMatchType::kRegularExpression, std::move(name), std::move(regex)};
}

// A list of names in which `name` is one.
void announce(const std::string& name, std::vector<NamedValueMatch>& out) {
  std::string regex = "(?i)(?:.*,)?\\s*" + re2::RE2::QuoteMeta(name) + "\\s*(?:,.*)?";
  if (check_regex(regex)) return;  // too long a name for an expression of Envoy
  out.push_back(regex_match("access-control-request-headers", std::move(regex)));
}

BoundMatch preflight(const BoundMatch& match, std::vector<NamedValueMatch> headers) {
  BoundMatch result = match;
  result.method = kOptions;
  result.headers = std::move(headers);
  result.headers.push_back(regex_match("origin", kNotEmpty));
  result.headers.push_back(
      match.method.empty()
          ? regex_match("access-control-request-method", kNotEmpty)
          : NamedValueMatch{ValueMatchType::kExact, "access-control-request-method", match.method});
  return result;
}

}  // namespace

std::vector<BoundMatch> preflights_of(const BoundMatch& match) {
  std::vector<BoundMatch> result;
  std::vector<NamedValueMatch> headers;
  for (const NamedValueMatch& header : match.headers) {
    const InPreflight kind = in_preflight(header.name);
    if (kind == InPreflight::kSame) headers.push_back(header);
    if (kind == InPreflight::kAnnounced) announce(header.name, headers);
  }
  // A proxy in front may add a header to every request, preflights too, so as it is it counts too.
  if (!match.method.empty() && match.method != kOptions) {
    result.push_back(preflight(match, match.headers));
  }
  if (headers != match.headers) result.push_back(preflight(match, std::move(headers)));
  return result;
}

Specificity preflight_specificity(const BoundMatch& match) {
  Specificity result = specificity(match);
  result.method = match.method.empty() ? MethodRank::kPreflight : MethodRank::kPreflightOfMethod;
  return result;
}

}  // namespace kgw::policy
