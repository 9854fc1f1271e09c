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

void HeldTable::Iterator::skip() {
  const auto hidden = [this] {
    return at_->held.taken_ == 0 || at_->held.blank() ||
           (part_ != table_ && table_->own(at_->name) != nullptr);
  };
  while (part_ != nullptr) {
    const Place* end = part_->places_.data() + part_->places_.size();
    while (at_ != end && hidden()) ++at_;
    if (at_ != end) return;
    part_ = part_ == table_ ? table_->base_.get() : nullptr;
    at_ = part_ == nullptr ? nullptr : part_->places_.data();
  }
}

const Held* HeldTable::own(const Name& name) const {
  if (taken_ == 0) return nullptr;
  const Place& place = places_[seek(name)];
  return place.held.taken_ == 0 ? nullptr : &place.held;
}

const Held* HeldTable::find(const Name& name) const {
  const Held* found = own(name);
  if (found == nullptr && base_ != nullptr) found = base_->own(name);
  return found == nullptr || found->blank() ? nullptr : found;
}

Held& HeldTable::operator[](const Name& name) {
  if (const Held* known = own(name)) return const_cast<Held&>(*known);
  const Held* shared = base_ == nullptr ? nullptr : base_->own(name);
  const std::size_t needed = places_for(taken_ + 1);
  if (needed > places_.size()) resize(needed + needed / 4 + 4);
  Place& place = places_[seek(name)];
  place.name = name;
  place.held = shared == nullptr ? Held() : *shared;
  place.held.taken_ = 1;
  ++taken_;
  return place.held;
}

void HeldTable::erase(const Name& name) {
  if (base_ != nullptr && base_->own(name) != nullptr) {
    Held& held = (*this)[name];
    held.clear();
    held.subscribe(false);
    return;
  }
  if (taken_ == 0) return;
  std::size_t hole = seek(name);
  if (places_[hole].held.taken_ == 0) return;
  places_[hole] = {};
  --taken_;
  // What follows without a gap moves up, if its search would come across the hole.
  for (std::size_t at = next(hole); places_[at].held.taken_ != 0; at = next(at)) {
    if (seek(places_[at].name) == at) continue;
    std::swap(places_[hole], places_[at]);
    hole = at;
  }
}

void HeldTable::fit() {
  constexpr std::size_t kSpare = 16;
  const std::size_t needed = taken_ == 0 ? 0 : places_for(taken_);
  if (places_.size() > needed + needed / 8 + kSpare) resize(needed + needed / 16);
}

std::optional<HeldTable> HeldTable::differences(const std::shared_ptr<const HeldTable>& base,
                                                std::size_t most) const {
  HeldTable result;
  for (const auto& [name, held] : *this) {
    const Held* shared = base->own(name);
    if (shared != nullptr && *shared == held) continue;
    result[name] = held;
    if (result.taken_ > most) return std::nullopt;
  }
  for (const auto& [name, held] : *base) {
    if (contains(name)) continue;
    result[name];
    if (result.taken_ > most) return std::nullopt;
  }
  result.base_ = base;
  return result;
}

void HeldTable::share(std::shared_ptr<const HeldTable>& common) {
  constexpr std::size_t kFew = 64;
  const std::size_t slack = kFew + (base_ == nullptr ? 0 : base_->taken_ / 8);
  if (taken_ <= slack) return;
  if (common != nullptr && common != base_) {
    if (auto adopted = differences(common, slack / 2)) {
      *this = *std::move(adopted);
      return;
    }
  }
  HeldTable whole;
  for (const auto& [name, held] : *this) whole[name] = held;
  whole.fit();
  common = std::make_shared<const HeldTable>(std::move(whole));
  *this = HeldTable();
  base_ = common;
}

void HeldTable::resize(std::size_t places) {
  std::vector<Place> old(places);
  old.swap(places_);
  for (Place& place : old) {
    if (place.held.taken_ != 0) places_[seek(place.name)] = std::move(place);
  }
}

}  // namespace kgw::xds
