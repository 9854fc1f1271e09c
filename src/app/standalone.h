// Standalone: `kgateway run`. Ties the parts together on one event loop: manifests in, Envoys as
// child processes, statuses kept in memory and shown by the admin endpoints.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "app/event_loop.h"
#include "app/http.h"
#include "app/options.h"
#include "app/translation.h"
#include "deploy/local/local_proxies.h"
#include "source/files/files_source.h"
#include "status/feedback.h"
#include "status/store.h"
#include "xds/server.h"

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
  void on_batch(source::Batch batch);
  void on_proxy_event(const deploy::ProxyEvent& event);
  void settle();
  void publish(Outcome outcome);
  void update_proxies(const Outcome& outcome);
  void report_addresses(const ObjectKey& gateway);
  void retry_unbound();
  HttpResponse answer_admin(const HttpRequest& request);

  RunOptions options_;
  EventLoop loop_;
  Translation translation_;
  status::Feedback feedback_;
  status::StatusStore store_;
  std::map<std::string, Diagnostics> problems_;
  std::unique_ptr<deploy::LocalProxies> proxies_;
  std::unique_ptr<xds::AdsServer> ads_;
  std::unique_ptr<source::FilesSource> source_;
  std::unique_ptr<HttpServer> admin_;
  bool source_synced_ = false;  // the first complete batch is applied
  bool synced_ = false;         // and published
  bool unclaimed_removed_ = false;
};

}  // namespace kgw::app
