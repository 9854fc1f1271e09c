// Request: one call to the API server as a plain value, and the functions that make them.
//
//   client.send(kube::apply(kube::resource_of(gateway), gateway.key(), body, "kgateway"), done);
//
// Bodies are JSON texts of whole objects, with apiVersion and kind.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/meta.h"

namespace kgw::kube {

// A kind as its URL names it.
struct Resource {
  std::string group;  // empty for core
  std::string version;
  std::string plural;
  bool namespaced = true;

  std::string api_version() const;  // "group/version", or "version" for core
  std::string name() const;         // "deployments.apps", "services"
  friend bool operator==(const Resource&, const Resource&) = default;
};

// The resource as which an object of this kind and version is served.
Resource resource_of(Kind kind, std::string_view api_version);
inline Resource resource_of(const Object& object) {
  return resource_of(object.kind, object.api_version);
}

struct Request {
  std::string method = "GET";
  std::string target;        // path and query
  std::string content_type;  // of the body; empty: there is none
  std::string body;
  std::string accept = "application/json";
  // For one attempt, with everything from the connection to the last byte of the answer.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
};

// "/apis/<group>/<version>/namespaces/<ns>/<plural>/<name>/<subresource>"; an empty name is the
// collection, an empty namespace all namespaces, an empty subresource the object itself.
std::string path_of(const Resource& resource, const ObjectKey& key,
                    std::string_view subresource = {});

Request get(std::string target);
Request get(const Resource& resource, const ObjectKey& key);

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  int limit = 500;             // per page
  std::string continue_token;  // metadata.continue of the page before
  std::string ns;              // empty: all
};
Request list(const Resource& resource, const ListOptions& options);
// Events after `resource_version`, with bookmarks; the server ends it after `timeout`.
Request watch(const Resource& resource, const ListOptions& options,
              const std::string& resource_version, std::chrono::seconds timeout);
// What to accept where of the objects of a list, or of a watch, nothing but metadata is wanted.
inline constexpr const char* kAsMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
inline constexpr const char* kAsMetadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

// POST; for TokenReview and the like, and for objects that must not exist yet.
Request create(const Resource& resource, const std::string& ns, std::string body);
// PUT; refused with Conflict unless metadata.resourceVersion in the body is the current one.
Request replace(const Resource& resource, const ObjectKey& key, std::string body,
                std::string_view subresource = {});
// Server-side apply: the object then has exactly these fields of `field_manager`. Forced: fields of
// other managers that are in the body are taken over.
Request apply(const Resource& resource, const ObjectKey& key, std::string body,
              std::string_view field_manager, std::string_view subresource = {});
inline Request apply_status(const Resource& resource, const ObjectKey& key, std::string body,
                            std::string_view field_manager) {
  return apply(resource, key, std::move(body), field_manager, "status");
}
// RFC 7386. With metadata.resourceVersion in the body: refused with Conflict unless it is current.
Request merge_patch(const Resource& resource, const ObjectKey& key, std::string body,
                    std::string_view subresource = {});
// Dependents are deleted in the background. With a uid: only that very object.
Request remove(const Resource& resource, const ObjectKey& key, std::string_view uid = {});

}  // namespace kgw::kube
