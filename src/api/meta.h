// What every object has: ObjectMeta, label selectors, and conditions of a status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "api/ref.h"

namespace kgw {

using StringMap = absl::btree_map<std::string, std::string>;

// metadata, without what is never read (managedFields, unknown annotations, finalizers) and without
// resourceVersion, which changes with every write of a status and says nothing.
struct ObjectMeta {
  Name ns;
  Name name;
  StringMap labels;       // of Namespaces all, else only those that are read
  StringMap annotations;  // only the keys of interest, see the registry
  std::string uid;
  std::int64_t generation = 0;
  std::int64_t creation_time = 0;  // seconds since the epoch; 0 when not given
  bool deleting = false;           // metadata.deletionTimestamp is set

  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

// The common part of every kind. Objects are immutable once decoded and shared by pointer.
struct Object {
  Kind kind = Kind::kUnknown;
  Name api_version;  // as read, "gateway.networking.k8s.io/v1"
  ObjectMeta metadata;

  explicit Object(Kind kind) : kind(kind) {}
  virtual ~Object() = default;
  Object(const Object&) = default;
  Object& operator=(const Object&) = default;

  ObjectKey key() const { return {metadata.ns, metadata.name}; }
  ObjectRef ref() const { return {kind, key()}; }

  friend bool operator==(const Object&, const Object&) = default;
};

struct LabelSelectorRequirement {
  std::string key;
  std::string op;  // In, NotIn, Exists, DoesNotExist
  std::vector<std::string> values;

  friend bool operator==(const LabelSelectorRequirement&,
                         const LabelSelectorRequirement&) = default;
};

// metav1.LabelSelector. An empty selector matches everything.
struct LabelSelector {
  StringMap match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;

  bool matches(const StringMap& labels) const;

  friend bool operator==(const LabelSelector&, const LabelSelector&) = default;
};

// metav1.Condition.
struct Condition {
  Name type;
  Name status;  // True, False, Unknown
  Name reason;
  Name message;
  std::int64_t observed_generation = 0;
  std::int64_t last_transition_time = 0;  // seconds since the epoch

  friend bool operator==(const Condition&, const Condition&) = default;
};

}  // namespace kgw
