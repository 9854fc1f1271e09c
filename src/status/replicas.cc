#include "status/replicas.h"

#include <algorithm>
#include <utility>

namespace kgw::status {
namespace {

using State = ReportedResource::State;

// Reported only if refused.
bool is_backend(envoy::ResourceType type) {
  return type == envoy::ResourceType::kCluster || type == envoy::ResourceType::kEndpoint;
}

// Keys whose value is not the same in both.
template <typename Map>
std::set<xds::ResourceKey> different(const Map& before, const Map& after) {
  std::set<xds::ResourceKey> keys;
  const auto add = [&](const Map& one, const Map& other) {
    for (const auto& [key, value] : one) {
      const auto found = other.find(key);
      if (found == other.end() || !(found->second == value)) keys.insert(key);
    }
  };
  add(before, after);
  add(after, before);
  return keys;
}

}  // namespace

const Replicas::Reports* Replicas::reports(const ObjectKey& gateway) const {
  const auto found = reports_.find(gateway);
  return found == reports_.end() ? nullptr : &found->second;
}

void Replicas::gone(const std::string& replica) {
  std::vector<ObjectKey> gateways;
  for (const auto& [gateway, reports] : reports_) {
    if (reports.contains(replica)) gateways.push_back(gateway);
  }
  for (const ObjectKey& gateway : gateways) report(replica, gateway, {});
}

void Replicas::report(const std::string& replica, const ObjectKey& gateway, GatewayReport report) {
  Reports& reports = reports_[gateway];
  GatewayReport& known = reports[replica];
  const auto held = different(known.held, report.held);
  const auto resources = different(known.resources, report.resources);
  const bool other_number = known.proxies != report.proxies;
  known = std::move(report);
  if (known.proxies == 0) reports.erase(replica);
  if (reports.empty()) reports_.erase(gateway);
  if (other_number) count(gateway);
  for (const xds::ResourceKey& unit : held) hold(gateway, unit);
  for (const xds::ResourceKey& key : resources) judge(gateway, key);
}

std::vector<xds::ResourceKey> Replicas::interesting(const ObjectKey& gateway,
                                                    const xds::Edit& edit) const {
  std::vector<xds::ResourceKey> keys;
  const Reports* reports = this->reports(gateway);
  if (reports == nullptr && !own_changed) return keys;
  const auto is_named = [&](const xds::ResourceKey& key) {
    return reports != nullptr && std::ranges::any_of(*reports, [&](const auto& entry) {
             return entry.second.resources.contains(key);
           });
  };
  for (const auto& [type, resource] : edit.upserts) {
    xds::ResourceKey key{type, resource.name};
    if (is_reported(type) || is_named(key)) keys.push_back(std::move(key));
  }
  for (const xds::ResourceKey& key : edit.removals) {
    if (is_reported(key.type)) keys.push_back(key);
  }
  return keys;
}

void Replicas::published(const ObjectKey& gateway, const std::vector<xds::ResourceKey>& changed) {
  if (!changed.empty()) changed_here(gateway);
  if (!reports_.contains(gateway)) return;
  for (const xds::ResourceKey& key : changed) judge(gateway, key);
}

void Replicas::appeared(const ObjectKey& gateway) {
  if (!reports_.contains(gateway)) return;
  count(gateway);
  for (const xds::ResourceKey& key : reported(gateway)) judge(gateway, key);
}

void Replicas::came_back(const ObjectKey& gateway) {
  count(gateway);
  for (const auto& [key, nack] : ledger_->nacks(gateway)) {
    on_rejected(gateway, key, nack.version, nack.message);
  }
  const xds::Snapshot* snapshot = ledger_->snapshot(gateway);
  for (const envoy::ResourceType type : envoy::kResourceTypes) {
    if (is_backend(type)) continue;  // those count when they are refused
    // What is reported may lead to another edit.
    std::vector<std::pair<xds::ResourceKey, envoy::Version>> delivered;
    for (const auto& [name, entry] : snapshot->table(type)) {
      const xds::ResourceKey key{type, name};
      const xds::Delivery delivery = ledger_->delivery(gateway, key);
      if (delivery.delivered && !delivery.nack) delivered.emplace_back(key, entry->version());
    }
    for (const auto& [key, version] : delivered) on_delivered(gateway, key, version);
  }
}

void Replicas::on_delivered(const ObjectKey& group, const xds::ResourceKey& key,
                            xds::Version version) {
  changed_here(group);
  if (!reports_.contains(group)) return feedback_.on_delivered(group, key, version);
  feedback_.accepted_here({group, key});
  judge(group, key);
}

void Replicas::on_rejected(const ObjectKey& group, const xds::ResourceKey& key,
                           xds::Version version, const std::string& message) {
  changed_here(group);
  feedback_.on_rejected(group, key, version, message);
}

void Replicas::on_proxies_changed(const ObjectKey& group, std::size_t proxies) {
  changed_here(group);
  if (!reports_.contains(group)) return feedback_.on_proxies_changed(group, proxies);
  count(group);
  // Somebody who held something up may have left.
  for (const xds::ResourceKey& key : reported(group)) judge(group, key);
}

// Tells how far a resource is, if there is something to tell.
void Replicas::judge(const ObjectKey& gateway, const xds::ResourceKey& key) {
  const xds::Delivery own = ledger_->delivery(gateway, key);
  if (!own.current || own.nack) return;  // what is refused here was told by on_rejected()
  bool accepted = own.delivered || own.accepted > 0 || is_backend(key.type);
  bool held_up = !own.delivered && own.accepted < own.subscribed;
  if (const Reports* reports = this->reports(gateway)) {
    for (const auto& [replica, report] : *reports) {
      const auto found = report.resources.find(key);
      if (found == report.resources.end()) continue;
      const ReportedResource& there = found->second;
      const bool current = there.state != State::kPending && there.version == *own.current;
      if (current && there.state == State::kRefused) {
        return feedback_.refused_elsewhere({gateway, key}, there.message);
      }
      accepted |= current;
      held_up |= !current && !is_backend(key.type);
    }
  }
  if (held_up || !accepted) return;
  if (own.subscribed == 0 && !own.delivered) {
    // Nobody here will say so, and what others accepted needs no search.
    feedback_.on_delivered(gateway, key, *own.current);
  } else {
    feedback_.accepted_everywhere({gateway, key});
  }
}

void Replicas::hold(const ObjectKey& gateway, const xds::ResourceKey& unit) {
  Feedback::Pieces pieces;
  if (const Reports* reports = this->reports(gateway)) {
    for (const auto& [replica, report] : *reports) {
      const auto held = report.held.find(unit);
      if (held != report.held.end()) pieces.insert(held->second.begin(), held->second.end());
    }
  }
  feedback_.hold_for_others({gateway, unit}, std::move(pieces));
}

// Of a Gateway that is not known here there is nothing to tell.
void Replicas::count(const ObjectKey& gateway) {
  if (ledger_->snapshot(gateway) == nullptr) return;
  const std::size_t own = ledger_->proxies(gateway);
  std::size_t others = 0;
  if (const Reports* reports = this->reports(gateway)) {
    for (const auto& [replica, report] : *reports) others += report.proxies;
  }
  feedback_.on_proxies_changed(gateway, own + others);
  if (own == 0 && others > 0) feedback_.give_up_searches(gateway);
}

std::set<xds::ResourceKey> Replicas::reported(const ObjectKey& gateway) const {
  std::set<xds::ResourceKey> keys;
  if (const Reports* reports = this->reports(gateway)) {
    for (const auto& [replica, report] : *reports) {
      for (const auto& [key, resource] : report.resources) keys.insert(key);
    }
  }
  return keys;
}

}  // namespace kgw::status
