// Replicas: what the proxies of all replicas of the controller have taken over, from the own ledger
// and the reports of the others.
//
// Every replica serves proxies, and a proxy is connected to any of them; one, the leader, tells in
// statuses how far they are. So it hears from the others (replica_report.h) and stands between its
// ledger and its Feedback. A resource is delivered when all proxies that want its current version,
// wherever they are connected, have accepted it. A replica may be ahead of this one: what it
// reports counts when the version that it names is published here.
//
// Without reports everything is passed on as it comes. No I/O, no clock. Thread: the core.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "status/replica_report.h"
#include "xds/ledger.h"

namespace kgw::status {

class Replicas final : public xds::LedgerObserver {
 public:
  explicit Replicas(Feedback& feedback) : feedback_(feedback) {}

  // To be called before all else, once there is a ledger; it must live as long.
  void attach(const xds::Ledger& ledger) { ledger_ = &ledger; }

  // What a replica says of a Gateway's proxies now, in place of what it said before; nothing, if it
  // has no proxies.
  void report(const std::string& replica, const ObjectKey& gateway, GatewayReport report);
  // Nothing that the replica said holds any more: its proxies come back to another one.
  void gone(const std::string& replica);

  // Of what an edit changes, that which published() is to hear of when it is in force.
  std::vector<xds::ResourceKey> interesting(const ObjectKey& gateway, const xds::Edit& edit) const;
  void published(const ObjectKey& gateway, const std::vector<xds::ResourceKey>& changed);
  // To be called when the Gateway's first resources have been.
  void appeared(const ObjectKey& gateway);

  // To be called when resources are published that had been before: what proxies said of those that
  // are the same is said again.
  void came_back(const ObjectKey& gateway);

  void on_delivered(const ObjectKey& group, const xds::ResourceKey& key,
                    xds::Version version) override;
  void on_rejected(const ObjectKey& group, const xds::ResourceKey& key, xds::Version version,
                   const std::string& message) override;
  void on_proxies_changed(const ObjectKey& group, std::size_t proxies) override;

  // By replica; null if none reports proxies of the Gateway.
  using Reports = std::map<std::string, GatewayReport>;
  const Reports* reports(const ObjectKey& gateway) const;

  // The other direction: hears of Gateways of which report_of() may be another one now.
  std::function<void(const ObjectKey&)> own_changed;
  // To be called with what Feedback::take_judged() names.
  void changed_here(const ObjectKey& gateway) {
    if (own_changed) own_changed(gateway);
  }

 private:
  void judge(const ObjectKey& gateway, const xds::ResourceKey& key);
  void hold(const ObjectKey& gateway, const xds::ResourceKey& unit);
  void count(const ObjectKey& gateway);
  std::set<xds::ResourceKey> reported(const ObjectKey& gateway) const;

  Feedback& feedback_;
  const xds::Ledger* ledger_ = nullptr;
  std::map<ObjectKey, Reports> reports_;  // of Gateways that some replica has proxies of
};

}  // namespace kgw::status
