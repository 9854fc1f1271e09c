// DeliveryLog: what proxies do, in the log. They come and go, and refuse resources. Envoy's words
// are left to the statuses: they may quote what other tenants wrote.
//
// Stands between the ledger and its observer. Thread: the core's.
#pragma once

#include <map>
#include <string>

#include "app/log_budget.h"
#include "xds/ledger.h"

namespace kgw::app {

class DeliveryLog final : public xds::LedgerObserver {
 public:
  // Owns: nothing; `next` outlives it.
  explicit DeliveryLog(xds::LedgerObserver& next) : next_(next) {}

  void on_delivered(const ObjectKey& group, const xds::ResourceKey& key,
                    xds::Version version) override;
  void on_rejected(const ObjectKey& group, const xds::ResourceKey& key, xds::Version version,
                   const std::string& message) override;
  void on_proxies_changed(const ObjectKey& group, std::size_t proxies) override;

 private:
  xds::LedgerObserver& next_;
  std::map<ObjectKey, std::size_t> proxies_;  // of Gateways that have any
  LogBudget coming_and_going_{200};
  LogBudget refusals_;
};

}  // namespace kgw::app
