#include "xds/deferred.h"

#include <algorithm>
#include <utility>

namespace kgw::xds {

void Deferred::sift(Edit& edit, const Snapshot& current) {
  if (empty() && edit.unhurried.empty()) return;
  std::erase_if(edit.upserts, [&](auto& upsert) {
    auto& [type, resource] = upsert;
    ResourceKey key{type, resource.name};
    removals_.erase(key);
    upserts_.erase(key);
    const bool waits = std::ranges::find(edit.unhurried, key) != edit.unhurried.end() &&
                       current.contains(type, resource.name);
    if (waits) upserts_.emplace(std::move(key), std::move(resource));
    return waits;
  });
  for (const ResourceKey& key : edit.removals) upserts_.erase(key);
  if (upserts_.empty()) {
    edit.removals.insert(edit.removals.end(), removals_.begin(), removals_.end());
    removals_.clear();
  } else {
    removals_.insert(edit.removals.begin(), edit.removals.end());
    edit.removals.clear();
  }
}

Edit Deferred::take() {
  Edit edit;
  for (auto& [key, resource] : upserts_) edit.upserts.emplace_back(key.type, std::move(resource));
  edit.removals.assign(removals_.begin(), removals_.end());
  upserts_.clear();
  removals_.clear();
  return edit;
}

}  // namespace kgw::xds
