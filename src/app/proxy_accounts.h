// Which ServiceAccounts the proxies of Gateways run as, where it is not the one that is deployed
// with them (GatewayParameters may name another). Thread: any.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "api/ref.h"
#include "deploy/kube/names.h"

namespace kgw::app {

class ProxyAccounts {
 public:
  // Empty: the usual one, named as the Gateway's objects are.
  void set(const ObjectKey& gateway, const std::string& account) {
    const std::lock_guard lock(mutex_);
    if (account.empty() || account == usual(gateway)) {
      others_.erase(gateway);
    } else {
      others_[gateway] = account;
    }
  }
  std::string of(const ObjectKey& gateway) const {
    const std::lock_guard lock(mutex_);
    const auto found = others_.find(gateway);
    return found == others_.end() ? usual(gateway) : found->second;
  }

 private:
  static std::string usual(const ObjectKey& gateway) {
    return deploy::kube::object_name(gateway.name.str());
  }

  mutable std::mutex mutex_;
  std::map<ObjectKey, std::string> others_;
};

}  // namespace kgw::app
