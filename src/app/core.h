// Core: what every running instance has, whatever its objects come from and wherever its proxies
// run: the tables, the ADS server, what proxies said, the statuses. One thread computes; sources,
// proxies and HTTP post to its loop.
//
// Owners give hooks for what differs: `kgateway run` starts Envoy processes and keeps statuses in
// memory, `kgateway controller` deploys proxies to the cluster and writes statuses there.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/admin.h"
#include "app/delivery_log.h"
#include "app/event_loop.h"
#include "app/held_gateways.h"
#include "app/http.h"
#include "app/translation.h"
#include "source/source.h"
#include "status/feedback.h"
#include "status/replicas.h"
#include "status/store.h"
#include "xds/latency.h"
#include "xds/server.h"

namespace kgw::app {

class Core {
 public:
  // All are called on the loop, none before the first complete batch.
  struct Hooks {
    // After a commit's resources were published.
    std::function<void(const Outcome&)> committed = [](const Outcome&) {};
    // After that: true when it has set inputs.
    std::function<bool()> adjust = [] { return false; };
    // The store's status of the object changed, appeared or went.
    std::function<void(const ObjectRef&)> status_changed = [](const ObjectRef&) {};
    // Once: everything that existed at start is published.
    std::function<void()> synced = [] {};
    // Rewrites a source's events before they reach the tables.
    std::function<std::vector<source::ObjectEvent>(std::vector<source::ObjectEvent>)> amend =
        [](std::vector<source::ObjectEvent> events) { return events; };
    // Gateways get Services and Deployments (status::Platform).
    bool deploys = false;
    // For how long a Gateway may be without a connected proxy, as in a restart, before nothing of
    // it counts as programmed.
    std::chrono::seconds patience{15};
    // What others see of objects' statuses, and which objects are gone.
    std::function<void(const source::Batch&)> observed = [](const source::Batch&) {};
    // What a controller does to its cluster, for /metrics.
    std::function<std::optional<ClusterCounts>()> counts = [] { return std::nullopt; };
  };

  Core(envoy::Settings settings, Hooks hooks);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Listens for proxies. Error: one sentence.
  std::expected<void, std::string> serve_proxies(xds::ServerOptions options);
  // Answers admin requests of these paths on "ADDRESS:PORT". Error: one sentence.
  std::expected<std::unique_ptr<HttpServer>, std::string> serve(
      const std::string& address, std::vector<std::string> only_paths);
  // serve() every path as `admin`, to who asks for localhost, an address, or one of `names`.
  std::expected<void, std::string> serve_admin(const std::string& address,
                                               std::vector<std::string> names);
  // Where `source` is to send its batches. Thread: any.
  source::Sink sink();
  // What a source's events do to the tables. Thread: the loop's.
  void apply(std::vector<source::ObjectEvent> events);
  // Commits until nothing changes any more. Thread: the loop's.
  void settle();
  // What another replica says of a Gateway's proxies. Thread: the loop's.
  void hear(const std::string& replica, status::DecodedReport said);
  // Every problem that sources reported, by place.
  const std::map<std::string, Diagnostics>& problems() const { return problems_; }
  bool synced() const { return synced_; }
  AdminView view() const;
  // Whether there is a GatewayClass of that name.
  bool class_exists(const Name& name) const { return held_.class_exists(name); }

  EventLoop loop;
  Translation translation;
  status::Feedback feedback;
  status::Replicas replicas;
  status::StatusStore store;
  std::unique_ptr<xds::AdsServer> ads;  // after serve_proxies()
  std::unique_ptr<HttpServer> admin;    // after serve_admin()

 private:
  void on_batch(source::Batch batch);
  void note_platform();
  HttpResponse answer_on_loop(const HttpRequest& request);
  Outcome commit();
  void note_hold(const ObjectKey& gateway, const status::Hold* hold);
  void keep_withdrawn(Outcome& outcome);
  std::vector<ObjectKey> take_back(Outcome& outcome) const;
  void publish(Outcome outcome);
  void wake_for_releases();
  void note_sent();

  DeliveryLog delivery_log_{replicas};
  Hooks hooks_;
  HeldGateways held_;
  std::optional<std::chrono::steady_clock::time_point> arrived_;  // the oldest unpublished batch
  xds::Latency until_sent_;  // from a source's delivery to handing resources to the streams
  std::map<std::string, Diagnostics> problems_;
  bool source_synced_ = false;  // the first complete batch is applied
  bool synced_ = false;         // and published
  std::optional<std::chrono::steady_clock::time_point> wakes_at_;
};

}  // namespace kgw::app
