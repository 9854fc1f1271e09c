#include "xds/ledger.h"

#include <utility>

namespace kgw::xds {

void GroupLedger::published(const Notice& notice) {
  for (const Change& change : notice.changes) {
    nacks_.erase(change.key);
    if (change.after == nullptr) {
      undelivered_.erase(change.key);
    } else {
      undelivered_[change.key] = {change.after->version()};
    }
  }
}

const Nack* GroupLedger::nack(const ResourceKey& key) const {
  auto found = nacks_.find(key);
  return found == nacks_.end() ? nullptr : &found->second;
}

void GroupLedger::behind(const ResourceKey& key) { ++behind_[key]; }

void GroupLedger::caught_up(const ResourceKey& key, std::optional<Version> accepted) {
  auto count = behind_.find(key);
  if (count == behind_.end()) return;
  const bool last = --count->second == 0;
  if (last) {
    behind_.erase(count);
    give_back(behind_);
    nacks_.erase(key);
  }
  auto found = undelivered_.find(key);
  if (found == undelivered_.end()) return;
  Undelivered& undelivered = found->second;
  if (accepted == undelivered.version) undelivered.accepted_once = true;
  if (!last || !undelivered.accepted_once) return;
  events_.push_back([group = group_, key, version = undelivered.version](LedgerObserver& observer) {
    observer.on_delivered(group, key, version);
  });
  undelivered_.erase(found);
  give_back(undelivered_);
}

void GroupLedger::rejected(const ResourceKey& key, Version version, std::string_view message) {
  const EntryPtr current = snapshot_.find(key.type, key.name);
  if (current == nullptr || current->version() != version) return;  // mended meanwhile
  Nack& nack = nacks_[key];
  if (nack.version == version && nack.message == message) return;
  nack = {version, std::string(message), std::chrono::system_clock::now()};
  events_.push_back([group = group_, key, version, text = nack.message](LedgerObserver& observer) {
    observer.on_rejected(group, key, version, text);
  });
}

void GroupLedger::answered(ResourceType type, bool ack) {
  TypeStats& stats = stats_.of(type);
  ++(ack ? stats.acks : stats.nacks);
}

}  // namespace kgw::xds
