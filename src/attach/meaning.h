// Meaning<T>: an object, compared by what it says rather than by which version it is.
//
// The API server gives an object a new resourceVersion whenever anybody writes its status, and we
// write statuses ourselves. Tables that hold objects hold them this way, so that such a write
// travels no further.
#pragma once

#include <memory>
#include <utility>

#include "api/meta.h"

namespace kgw::attach {

// Equal in everything but resourceVersion.
bool same_meaning(const ObjectMeta& a, const ObjectMeta& b);

template <typename T>
bool same_meaning(const T& a, const T& b) {
  if (&a == &b) return true;
  if (!same_meaning(a.metadata, b.metadata)) return false;
  if (a.metadata.resource_version == b.metadata.resource_version) return a == b;
  T aligned = a;
  aligned.metadata.resource_version = b.metadata.resource_version;
  return aligned == b;
}

template <typename T>
struct Meaning {
  std::shared_ptr<const T> object;  // never null

  const T& operator*() const { return *object; }
  const T* operator->() const { return object.get(); }
  friend bool operator==(const Meaning& a, const Meaning& b) {
    return same_meaning(*a.object, *b.object);
  }
};

}  // namespace kgw::attach
