// Resource: one encoded Envoy configuration resource, the currency between translation and xDS.
//
// A resource is encoded once; its bytes are immutable and shared by every snapshot, stream and
// message that carries them. The version is a hash of the content, so that it survives a restart of
// the controller: a proxy that reconnects with the same version is sent nothing.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/name.h"

namespace kgw::envoy {

// In the order in which additions are sent (make before break); removals go in the reverse order.
enum class ResourceType : std::uint8_t {
  kSecret,
  kCluster,
  kEndpoint,
  kListener,
  kScopedRoute,
  kRoute
};
inline constexpr std::array kResourceTypes = {ResourceType::kSecret,      ResourceType::kCluster,
                                              ResourceType::kEndpoint,    ResourceType::kListener,
                                              ResourceType::kScopedRoute, ResourceType::kRoute};

// "type.googleapis.com/envoy.config.cluster.v3.Cluster"
std::string_view type_url(ResourceType type);
// "Cluster", for people.
std::string_view type_name(ResourceType type);

using Bytes = std::shared_ptr<const std::string>;

// Content hash (XXH3, 64 bits); written as 16 hex digits on the wire.
struct Version {
  std::uint64_t hash = 0;

  friend auto operator<=>(const Version&, const Version&) = default;
};
std::string to_string(Version version);

struct Resource {
  Name name;
  Version version;
  Bytes body;  // the serialized message, without its Any envelope

  friend bool operator==(const Resource& a, const Resource& b) {
    return a.name == b.name && a.version == b.version;
  }
};

// Wraps `body` with its content hash.
Resource make_resource(Name name, std::string body);

struct ResourceKey {
  ResourceType type = ResourceType::kSecret;
  Name name;

  friend auto operator<=>(const ResourceKey&, const ResourceKey&) = default;
  friend bool operator==(const ResourceKey&, const ResourceKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ResourceKey& key) {
    return H::combine(std::move(h), key.type, key.name);
  }
};
std::string to_string(const ResourceKey& key);

}  // namespace kgw::envoy
