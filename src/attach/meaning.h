// Meaning<T>: an object that a table shares with its input, compared by content.
#pragma once

#include <memory>

namespace kgw::attach {

template <typename T>
struct Meaning {
  std::shared_ptr<const T> object;  // never null

  const T& operator*() const { return *object; }
  const T* operator->() const { return object.get(); }
  friend bool operator==(const Meaning& a, const Meaning& b) {
    return a.object == b.object || *a.object == *b.object;
  }
};

}  // namespace kgw::attach
