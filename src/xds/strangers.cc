#include "xds/strangers.h"

namespace kgw::xds {
namespace {

std::string client_of(const std::string& peer) {
  return peer.starts_with("ip") ? peer.substr(0, peer.rfind(':')) : peer;
}

}  // namespace

bool Strangers::add(StreamId id, const std::string& peer, Time now) {
  if (all_.size() >= limits_.in_all) return false;
  std::string client = client_of(peer);
  std::size_t& number = by_client_[client];
  if (number >= limits_.of_one_client) return false;
  ++number;
  all_.emplace(id, Stranger{std::move(client), now + limits_.patience});
  return true;
}

void Strangers::remove(StreamId id) {
  const auto found = all_.find(id);
  if (found == all_.end()) return;
  const auto number = by_client_.find(found->second.client);
  if (--number->second == 0) by_client_.erase(number);
  all_.erase(found);
}

std::vector<StreamId> Strangers::overdue(Time now) const {
  std::vector<StreamId> ids;
  for (const auto& [id, stranger] : all_) {
    if (stranger.until <= now) ids.push_back(id);
  }
  return ids;
}

}  // namespace kgw::xds
