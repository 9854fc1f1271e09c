// HeldTable: what a proxy holds of one type, by name: the only memory of a stream that grows with
// the number of resources, once for every connected proxy.
//
// Proxies of one Gateway hold the same, but for a moment after each change. So a table is a base,
// which many share and nobody changes, and its own differences from it. When those have become
// many, share() looks for a base that fits better, or makes the next one.
// A table by itself is a hash table as small as it can be: 16 bytes for a name and its version,
// packed to seven eighths; sizes need not be powers of two.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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
  // As good as absent.
  bool blank() const { return version_ == 0 && subscribed_ == 0; }
  friend bool operator==(Held a, Held b) {
    return a.version_ == b.version_ && a.subscribed_ == b.subscribed_;
  }

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

  // Over what is not blank, in no order.
  class Iterator {
   public:
    Iterator(const HeldTable& table, const HeldTable* part)
        : table_(&table), part_(part), at_(part == nullptr ? nullptr : part->places_.data()) {
      skip();
    }
    const Place& operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.part_ == b.part_ && a.at_ == b.at_;
    }

   private:
    void skip();
    const HeldTable* table_;
    const HeldTable* part_;  // the table itself, then its base; null: the end
    const Place* at_;
  };

  // Null if the name is unknown. Valid until the table changes, as references are.
  const Held* find(const Name& name) const;
  Held* edit(const Name& name) { return contains(name) ? &(*this)[name] : nullptr; }
  bool contains(const Name& name) const { return find(name) != nullptr; }
  // Adds the name if need be. What is left blank is not contained.
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
  // Takes `common` for its base if that saves memory, or makes a new base and leaves it there.
  void share(std::shared_ptr<const HeldTable>& common);

  Iterator begin() const { return {*this, this}; }
  Iterator end() const { return {*this, nullptr}; }
  // Without what is shared.
  std::size_t bytes() const { return places_.capacity() * sizeof(Place); }

 private:
  std::size_t home(const Name& name) const;
  std::size_t next(std::size_t at) const { return at + 1 == places_.size() ? 0 : at + 1; }
  // Where the name is, or would be. REQUIRES: there are places.
  std::size_t seek(const Name& name) const;
  const Held* own(const Name& name) const;
  void resize(std::size_t places);
  // The places of a table that is this one with `base`; none if there were more than `most`.
  std::optional<HeldTable> differences(const std::shared_ptr<const HeldTable>& base,
                                       std::size_t most) const;

  std::shared_ptr<const HeldTable> base_;  // null: none; has none itself
  std::vector<Place> places_;              // of names that differ from the base
  std::size_t taken_ = 0;                  // of the places
};

// For each type the base that was made last: of all streams of a group.
struct HeldBases {
  std::array<std::shared_ptr<const HeldTable>, envoy::kResourceTypes.size()> latest;
};

}  // namespace kgw::xds
