// HeldTable: what a proxy holds of one type, by name: the only memory of a stream that grows with
// the number of resources, once for every connected proxy.
//
// A hash table as small as it can be: 16 bytes for a name and its version, packed to seven eighths.
// Sizes need not be powers of two, which would leave a third of it empty on average.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "api/name.h"
#include "envoy/resource.h"

namespace kgw::xds {

// The version that a proxy holds (62 bits of it; 0: none), and whether it asked for the name
// itself.
class Held {
 public:
  bool any() const { return version_ != 0; }
  bool is(envoy::Version version) const { return version_ == pack(version); }
  void set(envoy::Version version) { version_ = pack(version); }
  void clear() { version_ = 0; }
  bool subscribed() const { return subscribed_ != 0; }
  void subscribe(bool on) { subscribed_ = on ? 1 : 0; }
  // Equal for what is() the same.
  std::uint64_t bits() const { return version_; }

 private:
  friend class HeldTable;
  static std::uint64_t pack(envoy::Version version) {
    const std::uint64_t bits = version.hash & (~std::uint64_t{0} >> 2);
    return bits == 0 ? 1 : bits;
  }
  std::uint64_t version_ : 62 = 0;
  std::uint64_t subscribed_ : 1 = 0;
  std::uint64_t taken_ : 1 = 0;  // of the place in a HeldTable
};

class HeldTable {
 public:
  struct Place {
    Name name;
    Held held;
  };
  static_assert(sizeof(Place) == 16);

  class Iterator {
   public:
    Iterator(const Place* at, const Place* end) : at_(at), end_(end) { skip(); }
    const Place& operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    void skip() {
      while (at_ != end_ && at_->held.taken_ == 0) ++at_;
    }
    const Place* at_;
    const Place* end_;
  };

  // Null if the name is unknown. Valid until the table changes, as references are.
  Held* find(const Name& name) { return const_cast<Held*>(std::as_const(*this).find(name)); }
  const Held* find(const Name& name) const;
  bool contains(const Name& name) const { return find(name) != nullptr; }
  // Adds the name if need be.
  Held& operator[](const Name& name);
  void erase(const Name& name);
  // Leaves what `keep(Held)` says.
  template <typename Keep>
  void retain(Keep keep) {
    HeldTable left;
    for (const auto& [name, held] : *this) {
      if (keep(held)) left[name] = held;
    }
    *this = std::move(left);
  }
  // Gives memory back, if it is worth it.
  void fit();

  Iterator begin() const { return {places_.data(), places_.data() + places_.size()}; }
  Iterator end() const {
    return {places_.data() + places_.size(), places_.data() + places_.size()};
  }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return places_.capacity() * sizeof(Place); }

 private:
  std::size_t home(const Name& name) const;
  std::size_t next(std::size_t at) const { return at + 1 == places_.size() ? 0 : at + 1; }
  // Where the name is, or would be.
  std::size_t seek(const Name& name) const;
  void resize(std::size_t places);

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace kgw::xds
