// PortKeeper: asks the host for the ports of all Gateways (`kgateway run`).
//
// The tables say which Gateway should have a port (attach/host_ports.h); whether another process
// has it, the host says (deploy/local/port_guard.h). A listener is published, and its Envoy told of
// it, only after the port was granted; until then its status says who has the port, and it is asked
// for again. Thread: the core.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "attach/model.h"
#include "deploy/local/port_guard.h"

namespace kgw::app {

class PortKeeper {
 public:
  // `proxies_of`: where the configurations of a Gateway's Envoys are (LocalProxies::directory).
  PortKeeper(engine::Graph& graph, attach::Model& model,
             std::function<std::string(const ObjectKey&)> proxies_of);

  // To be called after each commit. True: inputs were set.
  bool settle();
  // To be called now and then: asks again for ports that others have.
  void retry();

 private:
  struct Wish {
    deploy::GuardedPort port;
    std::optional<attach::PortGrant> answer;  // as the tables have it

    bool granted() const { return answer && answer->holder.empty(); }
  };
  using Wishes = std::map<attach::GatewayHostPort, Wish>;

  void follow(const attach::HostPort& port, const attach::PortClaims* claims);
  bool ask(const attach::GatewayHostPort& id, Wish& wish);
  void drop(Wishes::iterator wish);

  attach::Model& model_;
  std::function<std::string(const ObjectKey&)> proxies_of_;
  deploy::PortGuard guard_;
  std::map<attach::HostPort, std::shared_ptr<const attach::PortClaims>> changed_;
  Wishes wishes_;
  unsigned rounds_ = 0;  // of retry()
};

}  // namespace kgw::app
