#include "policy/filters.h"

#include <algorithm>
#include <array>
#include <set>

#include "policy/rule_context.h"

namespace kgw::policy {
namespace {

using At = RuleContext::At;

struct Target {
  RuleContext& context;
  FilterLevel level;
  Actions& actions;
  Box<Redirect>& redirect;
};

template <class T>
void store(std::optional<T> value, Box<T>& out) {
  if (value) out = Box<T>(*std::move(value));
}

void request_headers(Target& t, const RouteFilter& filter) {
  t.actions.request =
      bind_header_edit(t.context, *filter.request_header_modifier, Direction::kRequest);
}

void response_headers(Target& t, const RouteFilter& filter) {
  t.actions.response =
      bind_header_edit(t.context, *filter.response_header_modifier, Direction::kResponse);
}

void mirror(Target& t, const RouteFilter& filter) {
  if (auto bound = bind_mirror(t.context, *filter.request_mirror)) {
    t.actions.mirrors.push_back(*std::move(bound));
  }
}

void redirect(Target& t, const RouteFilter& filter) {
  if (t.level == FilterLevel::kBackend) {
    t.context.broken("UnsupportedValue", "a redirect is not possible in a backendRef");
    return;
  }
  store(bind_redirect(t.context, *filter.request_redirect), t.redirect);
}

void rewrite(Target& t, const RouteFilter& filter) {
  store(bind_rewrite(t.context, *filter.url_rewrite), t.actions.rewrite);
}

void extension(Target& t, const RouteFilter& filter) {
  const LocalObjectRef& ref = *filter.extension_ref;
  t.context.broken("UnsupportedValue", "no extension is known for " + ref.group + "/" + ref.kind +
                                           " \"" + ref.name + "\"");
}

void cors(Target& t, const RouteFilter& filter) {
  store(bind_cors(t.context, *filter.cors), t.actions.cors);
}

void ext_auth(Target& t, const RouteFilter& filter) {
  store(bind_ext_auth(t.context, *filter.external_auth), t.actions.ext_auth);
}

struct Feature {
  FilterType type;
  const char* type_name;
  const char* field;
  bool repeatable;
  bool protects;  // may refuse requests
  bool (*present)(const RouteFilter&);
  void (*bind)(Target&, const RouteFilter&);
};

#define KGW_PRESENT(member) [](const RouteFilter& filter) { return filter.member.has_value(); }
constexpr std::array kFeatures = {
    Feature{FilterType::kRequestHeaderModifier, "RequestHeaderModifier", "requestHeaderModifier",
            false, false, KGW_PRESENT(request_header_modifier), request_headers},
    Feature{FilterType::kResponseHeaderModifier, "ResponseHeaderModifier", "responseHeaderModifier",
            false, false, KGW_PRESENT(response_header_modifier), response_headers},
    Feature{FilterType::kRequestMirror, "RequestMirror", "requestMirror", true, false,
            KGW_PRESENT(request_mirror), mirror},
    Feature{FilterType::kRequestRedirect, "RequestRedirect", "requestRedirect", false, false,
            KGW_PRESENT(request_redirect), redirect},
    Feature{FilterType::kUrlRewrite, "URLRewrite", "urlRewrite", false, false,
            KGW_PRESENT(url_rewrite), rewrite},
    Feature{FilterType::kExtensionRef, "ExtensionRef", "extensionRef", true, true,
            KGW_PRESENT(extension_ref), extension},
    Feature{FilterType::kCors, "CORS", "cors", false, false, KGW_PRESENT(cors), cors},
    Feature{FilterType::kExternalAuth, "ExternalAuth", "externalAuth", false, true,
            KGW_PRESENT(external_auth), ext_auth},
};
#undef KGW_PRESENT

const Feature& feature_of(FilterType type) {
  for (const Feature& feature : kFeatures) {
    if (feature.type == type) return feature;
  }
  return kFeatures[0];
}

}  // namespace

void bind_filters(RuleContext& context, const std::vector<RouteFilter>& filters, FilterLevel level,
                  Actions& actions, Box<Redirect>& redirect) {
  Target target{context, level, actions, redirect};
  std::set<FilterType> seen;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    At at(context, "filters", i);
    const Feature& feature = feature_of(filters[i].type);
    if (!seen.insert(feature.type).second && !feature.repeatable) {
      context.broken("IncompatibleFilters",
                     std::string("the filter ") + feature.type_name + " is given twice");
      continue;
    }
    if (!feature.present(filters[i])) {
      context.broken("UnsupportedValue", std::string("the filter ") + feature.type_name +
                                             " needs the field " + feature.field);
      continue;
    }
    At field(context, feature.field);
    feature.bind(target, filters[i]);
  }
  if (seen.contains(FilterType::kRequestRedirect) && seen.contains(FilterType::kUrlRewrite)) {
    At at(context, "filters");
    context.broken("IncompatibleFilters", "RequestRedirect and URLRewrite exclude each other");
  }
}

bool has_protecting(const std::vector<RouteFilter>& filters) {
  return std::ranges::any_of(
      filters, [](const RouteFilter& filter) { return feature_of(filter.type).protects; });
}

Actions combine(const Actions& rule, const Actions& backend) {
  Actions result;
  result.request = rule.request.then(backend.request);
  result.response = backend.response.then(rule.response);
  result.rewrite = rule.rewrite;
  if (backend.rewrite) {
    if (!result.rewrite) result.rewrite.emplace();
    if (!backend.rewrite->hostname.empty()) result.rewrite->hostname = backend.rewrite->hostname;
    if (backend.rewrite->path) result.rewrite->path = backend.rewrite->path;
  }
  result.mirrors = rule.mirrors;
  result.mirrors.insert(result.mirrors.end(), backend.mirrors.begin(), backend.mirrors.end());
  result.cors = backend.cors ? backend.cors : rule.cors;
  result.ext_auth = backend.ext_auth ? backend.ext_auth : rule.ext_auth;
  return result;
}

}  // namespace kgw::policy
