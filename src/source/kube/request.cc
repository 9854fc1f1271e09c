#include "source/kube/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "api/registry.h"

namespace kgw::kube {
namespace {

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += fmt::format("%{:02X}", c);
    }
  }
  return out;
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += fmt::format("{}={}", name, percent_encode(value));
}

Request with_body(std::string method, std::string target, std::string content_type,
                  std::string body) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.content_type = std::move(content_type);
  request.body = std::move(body);
  return request;
}

Request of_collection(const Resource& resource, const ListOptions& options) {
  Request request = get(path_of(resource, {options.ns, ""}));
  add_parameter(request.target, "labelSelector", options.label_selector);
  add_parameter(request.target, "fieldSelector", options.field_selector);
  return request;
}

}  // namespace

std::string Resource::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string Resource::name() const { return group.empty() ? plural : plural + "." + group; }

Resource resource_of(Kind kind, std::string_view api_version) {
  const KindInfo& info = kind_info(kind);
  const auto found = std::ranges::find_if(info.versions, [&](const ServedVersion& version) {
    return version.api_version() == api_version;
  });
  const ServedVersion& served = found == info.versions.end() ? info.versions[0] : *found;
  Resource resource{std::string(served.group), std::string(served.version),
                    std::string(info.plural), info.namespaced};
  if (served.kind_name != info.versions[0].kind_name) {
    resource.plural.clear();
    for (const char c : served.kind_name) {
      resource.plural += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    resource.plural += 's';
  }
  return resource;
}

std::string path_of(const Resource& resource, const ObjectKey& key, std::string_view subresource) {
  std::string path = resource.group.empty()
                         ? fmt::format("/api/{}", resource.version)
                         : fmt::format("/apis/{}/{}", resource.group, resource.version);
  if (!key.ns.empty()) path += "/namespaces/" + percent_encode(key.ns.view());
  path += "/" + resource.plural;
  if (!key.name.empty()) path += "/" + percent_encode(key.name.view());
  if (!subresource.empty()) path += fmt::format("/{}", subresource);
  return path;
}

Request get(std::string target) {
  Request request;
  request.target = std::move(target);
  return request;
}

Request get(const Resource& resource, const ObjectKey& key) { return get(path_of(resource, key)); }

Request list(const Resource& resource, const ListOptions& options) {
  Request request = of_collection(resource, options);
  add_parameter(request.target, "limit", std::to_string(options.limit));
  add_parameter(request.target, "continue", options.continue_token);
  request.timeout = std::chrono::seconds(60);
  return request;
}

Request watch(const Resource& resource, const ListOptions& options,
              const std::string& resource_version, std::chrono::seconds timeout) {
  Request request = of_collection(resource, options);
  add_parameter(request.target, "watch", "1");
  add_parameter(request.target, "allowWatchBookmarks", "true");
  add_parameter(request.target, "resourceVersion", resource_version);
  add_parameter(request.target, "timeoutSeconds", std::to_string(timeout.count()));
  request.timeout = timeout + std::chrono::seconds(30);
  return request;
}

Request create(const Resource& resource, const std::string& ns, std::string body) {
  return with_body("POST", path_of(resource, {ns, ""}), "application/json", std::move(body));
}

Request replace(const Resource& resource, const ObjectKey& key, std::string body,
                std::string_view subresource) {
  return with_body("PUT", path_of(resource, key, subresource), "application/json", std::move(body));
}

Request apply(const Resource& resource, const ObjectKey& key, std::string body,
              std::string_view field_manager, std::string_view subresource) {
  Request request = with_body("PATCH", path_of(resource, key, subresource),
                              "application/apply-patch+yaml", std::move(body));
  add_parameter(request.target, "fieldManager", field_manager);
  add_parameter(request.target, "force", "true");
  return request;
}

Request merge_patch(const Resource& resource, const ObjectKey& key, std::string body,
                    std::string_view subresource) {
  return with_body("PATCH", path_of(resource, key, subresource), "application/merge-patch+json",
                   std::move(body));
}

Request remove(const Resource& resource, const ObjectKey& key, std::string_view uid) {
  nlohmann::json options = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!uid.empty()) options["preconditions"]["uid"] = uid;
  return with_body("DELETE", path_of(resource, key), "application/json", options.dump());
}

}  // namespace kgw::kube
