#include "xds/held.h"

#include "absl/hash/hash.h"

namespace kgw::xds {
namespace {

// Places for so many names: one in eight stays free, or a search for an unknown name would be long.
std::size_t places_for(std::size_t names) { return names + names / 7 + 1; }

}  // namespace

std::size_t HeldTable::home(const Name& name) const {
  const auto hash = static_cast<unsigned __int128>(absl::Hash<Name>()(name));
  return static_cast<std::size_t>((hash * places_.size()) >> 64);
}

std::size_t HeldTable::seek(const Name& name) const {
  std::size_t at = home(name);
  while (places_[at].held.taken_ != 0 && places_[at].name != name) at = next(at);
  return at;
}

const Held* HeldTable::find(const Name& name) const {
  if (size_ == 0) return nullptr;
  const Place& place = places_[seek(name)];
  return place.held.taken_ == 0 ? nullptr : &place.held;
}

Held& HeldTable::operator[](const Name& name) {
  if (Held* known = find(name)) return *known;
  const std::size_t needed = places_for(size_ + 1);
  if (needed > places_.size()) resize(needed + needed / 4 + 4);
  Place& place = places_[seek(name)];
  place.name = name;
  place.held = {};
  place.held.taken_ = 1;
  ++size_;
  return place.held;
}

void HeldTable::erase(const Name& name) {
  if (size_ == 0) return;
  std::size_t hole = seek(name);
  if (places_[hole].held.taken_ == 0) return;
  places_[hole] = {};
  --size_;
  // What follows without a gap moves up, if its search would come across the hole.
  for (std::size_t at = next(hole); places_[at].held.taken_ != 0; at = next(at)) {
    if (seek(places_[at].name) == at) continue;
    std::swap(places_[hole], places_[at]);
    hole = at;
  }
}

void HeldTable::fit() {
  constexpr std::size_t kSpare = 16;
  const std::size_t needed = size_ == 0 ? 0 : places_for(size_);
  if (places_.size() > needed + needed / 8 + kSpare) resize(needed + needed / 16);
}

void HeldTable::resize(std::size_t places) {
  std::vector<Place> old(places);
  old.swap(places_);
  for (Place& place : old) {
    if (place.held.taken_ != 0) places_[seek(place.name)] = std::move(place);
  }
}

}  // namespace kgw::xds
