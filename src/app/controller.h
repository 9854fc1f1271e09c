// Controller: `kgateway controller`. A core whose objects come from an API server, whose proxies
// are Deployments, and whose statuses are written back.
//
// Every replica follows the objects and serves proxies; only the leader (Lease `kgateway-envoy`)
// writes: statuses, the proxies' objects, GatewayClass `kgateway`. The others report to it what
// their proxies have taken over (replica_link.h).
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "app/core.h"
#include "app/event_recorder.h"
#include "app/gateway_class_keeper.h"
#include "app/namespace_filter.h"
#include "app/options.h"
#include "app/owned_objects.h"
#include "app/proxy_accounts.h"
#include "app/proxy_troubles.h"
#include "app/replica_link.h"
#include "app/stuck_pods.h"
#include "app/token_cache.h"
#include "deploy/kube/applier.h"
#include "deploy/kube/environment.h"
#include "deploy/kube/kube_api.h"
#include "deploy/kube/proxy_table.h"
#include "source/kube/client.h"
#include "source/kube/kube_source.h"
#include "source/kube/lease.h"
#include "status/kube/api_server.h"
#include "status/kube/writer.h"

namespace kgw::app {

class Controller {
 public:
  Controller(ControllerOptions options, deploy::kube::ControllerSettings settings);
  ~Controller();

  // Connects, listens, follows. Error: one sentence for the user.
  std::expected<void, std::string> start();
  // Until SIGINT or SIGTERM. Returns the exit status.
  int run();

 private:
  std::expected<void, std::string> connect();
  std::expected<void, std::string> serve();
  void follow_objects();
  void follow_owned();
  void elect();
  void link_replicas();
  void on_leadership(const kube::Leadership& leadership);
  void set_leading(bool leading);
  void keep_gateway_class();
  bool heard_of_proxies() const;

  void on_observed(const source::Batch& batch);
  void on_committed(const Outcome& outcome);
  bool is_ending(const ObjectKey& gateway) const;
  void deploy(const ObjectKey& gateway);
  void report(const ObjectKey& gateway);
  std::string unconnected(const ObjectKey& gateway);
  void report_refused(const ObjectKey& account, const std::string& why);
  void check_certificate();
  ClusterCounts counts() const;
  void review(const std::string& token,
              std::function<void(std::expected<std::string, std::string>)> answer);
  void tick();

  ControllerOptions options_;
  deploy::kube::ControllerSettings settings_;
  NamespaceFilter namespaces_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::Client> lease_client_;   // its requests wait for no others
  std::unique_ptr<kube::Client> review_client_;  // nor do those about tokens
  TokenReview review_;                           // of any token, from a cache
  ProxyAccounts accounts_;                       // outlives the server of the core
  std::unique_ptr<ReportReceiver> receiver_;     // outlives the server of the core
  Core core_;
  deploy::kube::ProxyTable proxies_;
  std::vector<ObjectKey> plans_changed_;  // in this commit
  std::unique_ptr<EventRecorder> events_;
  std::unique_ptr<ProxyTroubles> troubles_;
  std::unique_ptr<StuckPods> stuck_pods_;
  std::unique_ptr<deploy::kube::KubeApi> objects_;
  std::unique_ptr<deploy::kube::Applier> applier_;
  std::unique_ptr<GatewayClassKeeper> gateway_class_;
  std::unique_ptr<status::KubeStatusApi> status_api_;
  std::unique_ptr<status::StatusWriter> writer_;
  std::unique_ptr<HttpServer> health_;
  std::unique_ptr<HttpServer> metrics_;
  std::unique_ptr<kube::KubeSource> source_;
  std::unique_ptr<OwnedObjects> owned_;
  std::unique_ptr<ReportSender> sender_;
  std::string identity_;  // of this replica
  std::unique_ptr<kube::Lease> lease_;
  std::chrono::steady_clock::time_point started_;
  LogBudget refusal_reports_{50};  // anybody may show a token
  std::chrono::steady_clock::time_point certificate_checked_;
  std::string certificate_problem_;  // when it was checked last
  bool leading_ = false;
  bool warned_of_silence_ = false;
  bool deploying_ = false;
};

int run(const ControllerOptions& options, const deploy::kube::ReadSettings& read);

}  // namespace kgw::app
