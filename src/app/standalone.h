// Standalone: `kgateway run`. Ties the parts together on one event loop: manifests in, Envoys as
// child processes, statuses kept in memory and shown by the admin endpoints.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "app/core.h"
#include "app/options.h"
#include "app/port_keeper.h"
#include "deploy/local/local_proxies.h"
#include "source/files/files_source.h"

namespace kgw::app {

class Standalone {
 public:
  explicit Standalone(RunOptions options);
  ~Standalone();

  // Takes the state directory, listens, reads. Error: one sentence for the user.
  std::expected<void, std::string> start();
  // Until SIGINT or SIGTERM; then drains. Returns the exit status.
  int run();

 private:
  void on_proxy_event(const deploy::ProxyEvent& event);
  void update_proxies(const Outcome& outcome);
  void remove_unclaimed();
  void report_addresses(const ObjectKey& gateway);
  void retry_unbound();
  void keep_state_dir();

  RunOptions options_;
  Core core_;
  PortKeeper ports_;
  std::unique_ptr<deploy::LocalProxies> proxies_;
  std::unique_ptr<source::FilesSource> source_;
  bool unclaimed_removed_ = false;
  std::string state_problem_;  // as last reported
};

}  // namespace kgw::app
