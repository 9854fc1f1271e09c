// Snapshot: the resources that the proxies of one group (a Gateway) should hold now.
//
// Translation changes a snapshot by Edits. Each Edit that changes something starts a new
// generation; an Entry remembers in which generation its name appeared and its content last
// changed, which is what streams need to order additions and removals (make before break). An Entry
// is immutable and shared by every stream and message that carries it. What precedes its body on
// the wire is written with each message: kept, it would take more memory than most bodies.
//
// REQUIRES: every generation is closed under references (a route's clusters are in the snapshot),
// and the ClusterLoadAssignment of an EDS cluster has the cluster's name and comes in the same
// Edit. Thread: one thread (the core) applies edits; an Entry may be
// destroyed anywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "api/name.h"
#include "envoy/resource.h"

namespace kgw::xds {

using envoy::Resource;
using envoy::ResourceKey;
using envoy::ResourceType;
using envoy::Version;

// Counts the effective edits of one group, from 1.
using Generation = std::uint64_t;

inline constexpr std::size_t kTypeCount = envoy::kResourceTypes.size();
inline std::size_t index_of(ResourceType type) { return static_cast<std::size_t>(type); }

struct Edit {
  std::vector<std::pair<ResourceType, Resource>> upserts;
  std::vector<ResourceKey> removals;
  std::vector<ResourceKey> unhurried;  // of the upserts: they may wait a second (deferred.h)

  bool empty() const { return upserts.empty() && removals.empty(); }
};

class Entry {
 public:
  Entry(ResourceType type, Resource resource, Generation added, Generation changed)
      : resource_(std::move(resource)), added_(added), changed_(changed), type_(type) {}

  ResourceType type() const { return type_; }
  const Name& name() const { return resource_.name; }
  Version version() const { return resource_.version; }
  const envoy::Bytes& body() const { return resource_.body; }
  Generation added() const { return added_; }      // the name is present since then
  Generation changed() const { return changed_; }  // the content is this since then

  // Appends what precedes body() in a response message, up to and including the length of the body:
  // as element of DeltaDiscoveryResponse.resources, or of DiscoveryResponse.resources.
  void append_delta_prefix(std::string& out) const;
  void append_sotw_prefix(std::string& out) const;

 private:
  Resource resource_;
  Generation added_;
  Generation changed_;
  ResourceType type_;
};
using EntryPtr = std::shared_ptr<const Entry>;

struct Change {
  ResourceKey key;
  EntryPtr before;  // null: the name is new
  EntryPtr after;   // null: the name is gone
};

struct Notice {
  Generation generation = 0;
  std::vector<Change> changes;
};

class Snapshot {
 public:
  using Table = absl::flat_hash_map<Name, EntryPtr>;

  // Applies removals, then upserts. Without effect where the version is unchanged or the name
  // unknown; a notice without changes starts no generation.
  Notice apply(Edit edit);

  // Null if there is no such resource.
  EntryPtr find(ResourceType type, const Name& name) const;
  bool contains(ResourceType type, const Name& name) const;
  const Table& table(ResourceType type) const { return tables_[index_of(type)]; }
  Generation generation() const { return generation_; }
  // Of all resources, in bytes.
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  std::array<Table, kTypeCount> tables_;
  Generation generation_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace kgw::xds
