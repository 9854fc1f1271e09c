#include "source/kube/discovery.h"

#include <set>

#include "api/document.h"
#include "api/registry.h"

namespace kgw::kube {
namespace {

std::string text_at(const doc::Node& node, std::string_view key) {
  const doc::Node* found = node.find(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

// In the order of preference.
void add(Served& served, Kind kind, const Resource& resource) {
  ServedKind& known = served.try_emplace(kind, ServedKind{resource, {}}).first->second;
  // Another version of a resource has the same objects.
  if (resource.name() != known.read.name()) known.ignored.push_back(resource);
}

}  // namespace

Result<std::map<std::string, Resource>> decode_resource_list(std::string_view json) {
  const doc::Parsed parsed = doc::parse(json, doc::Format::kJson);
  const doc::Node* list =
      parsed.documents.empty() ? nullptr : parsed.documents[0].find("resources");
  if (list == nullptr || !list->is_sequence()) {
    return std::unexpected(Error{0, "InvalidAnswer", "the answer is no list of API resources"});
  }
  std::string version = text_at(parsed.documents[0], "groupVersion");
  std::string group;
  if (const auto slash = version.find('/'); slash != std::string::npos) {
    group = version.substr(0, slash);
    version.erase(0, slash + 1);
  }
  std::map<std::string, Resource> resources;
  for (const doc::Node& item : list->items()) {
    const std::string plural = text_at(item, "name");
    const doc::Node* namespaced = item.find("namespaced");
    if (plural.empty() || plural.find('/') != std::string::npos) continue;
    resources.emplace(text_at(item, "kind"),
                      Resource{group, version, plural,
                               namespaced != nullptr && namespaced->kind() == doc::Kind::kBool &&
                                   namespaced->as_bool()});
  }
  return resources;
}

asio::awaitable<Result<Served>> discover(Core& core, std::span<const Kind> kinds) {
  std::set<std::string> api_versions;
  for (const Kind kind : kinds) {
    for (const ServedVersion& version : kind_info(kind).versions) {
      if (!version.group.empty()) api_versions.insert(version.api_version());
    }
  }
  std::map<std::string, std::map<std::string, Resource>> found;
  for (const std::string& api_version : api_versions) {
    const Result<std::string> body = co_await core.fetch(get("/apis/" + api_version));
    if (!body && body.error().status == 404) continue;
    if (!body) co_return std::unexpected(body.error());
    auto resources = decode_resource_list(*body);
    if (!resources) co_return std::unexpected(resources.error());
    found[api_version] = std::move(*resources);
  }
  Served served;
  for (const Kind kind : kinds) {
    for (const ServedVersion& version : kind_info(kind).versions) {
      const auto& resources = found[version.api_version()];
      const auto resource = resources.find(std::string(version.kind_name));
      if (version.group.empty()) {
        add(served, kind, resource_of(kind, version.api_version()));
      } else if (resource != resources.end()) {
        add(served, kind, resource->second);
      }
    }
  }
  co_return served;
}

}  // namespace kgw::kube
