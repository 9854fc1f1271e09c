#include "app/controller.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "app/signals.h"
#include "app/token_authoriser.h"
#include "app/translation_settings.h"
#include "app/xds_credentials.h"
#include "attach/model.h"
#include "deploy/kube/live.h"
#include "status/kube/own_entries.h"

namespace kgw::app {
namespace {

using nlohmann::json;
using std::chrono_literals::operator""ms;

// Within this time proxies find a controller that was restarted.
constexpr std::chrono::seconds kReconnectTime{10};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Without the end of the line.
std::string read_token(const std::string& path) {
  std::string token = read_file(path);
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back()))) token.pop_back();
  return token;
}

// "10.1.2.3:9977", "[fd00::1]:9977"; empty where the address is not known.
std::string host_and_port(const std::string& ip, std::int32_t port) {
  if (ip.empty()) return ip;
  const bool v6 = ip.find(':') != std::string::npos;
  return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

// Why this replica takes no part in the election, as a source's problem; without an error: none.
source::Batch election_report(const std::string& lease, const std::optional<kube::Error>& error) {
  source::Problems problems{"leader election", {}};
  if (error) {
    Diagnostic diagnostic;
    diagnostic.reason = error->reason;
    diagnostic.message = "Lease " + lease + " cannot be read or written: " + error->message +
                         "; until it can, this replica writes no statuses and deploys no proxies";
    problems.diagnostics.push_back(std::move(diagnostic));
  }
  source::Batch batch;
  batch.problems.push_back(std::move(problems));
  return batch;
}

std::string own_identity(const std::string& pod_name) {
  char host[256] = "kgateway";
  gethostname(host, sizeof host - 1);
  std::random_device random;
  return (pod_name.empty() ? std::string(host) : pod_name) + "_" + std::to_string(random());
}

}  // namespace

Controller::Controller(ControllerOptions options, deploy::kube::ControllerSettings settings)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      namespaces_(settings_.namespace_selectors),
      core_(translation_settings(settings_),
            {.committed = [this](const Outcome& outcome) { on_committed(outcome); },
             .status_changed = [this](const ObjectRef& object) { writer_->wanted(object); },
             .synced = [this] { set_leading(leading_); },
             .amend = [this](auto events) { return namespaces_.amend(std::move(events)); },
             .deploys = true,
             .observed = [this](const source::Batch& batch) { on_observed(batch); },
             .counts = [this] { return counts(); }}),
      proxies_(core_.translation.graph, core_.translation.model, settings_.proxies) {
  core_.translation.graph.watch(proxies_.plans, [this](auto changes) {
    for (const auto& change : changes) {
      if (change.after != nullptr) plans_changed_.push_back(change.key);
    }
  });
}

Controller::~Controller() = default;

std::expected<void, std::string> Controller::start() {
  started_ = std::chrono::steady_clock::now();
  identity_ = own_identity(settings_.pod_name);
  if (auto connected = connect(); !connected) return connected;
  if (auto serving = serve(); !serving) return serving;
  follow_owned();
  follow_objects();
  elect();
  return {};
}

std::expected<void, std::string> Controller::connect() {
  const auto config = kube::find_config(options_.kubeconfig, options_.context);
  if (!config) return std::unexpected(config.error().message);
  auto client = kube::Client::open(*config, {.max_requests = 16});
  if (!client) return std::unexpected(client.error().message);
  client_ = std::move(*client);
  auto lease_client = kube::Client::open(*config);
  if (!lease_client) return std::unexpected(lease_client.error().message);
  lease_client_ = std::move(*lease_client);
  auto review_client = kube::Client::open(*config);
  if (!review_client) return std::unexpected(review_client.error().message);
  review_client_ = std::move(*review_client);
  review_ = cached([this](const std::string& token, auto answer) { review(token, answer); });

  const auto post = [this](std::function<void()> task) { core_.loop.post(std::move(task)); };
  objects_ = std::make_unique<deploy::kube::KubeApi>(client_->sender(), post);
  const auto wall_clock = [] { return static_cast<std::int64_t>(std::time(nullptr)); };
  events_ = std::make_unique<EventRecorder>(client_->sender(), wall_clock);
  troubles_ = std::make_unique<ProxyTroubles>(*events_, [this](const ObjectKey& gateway) {
    const auto* bound = core_.translation.model.listeners.find(gateway);
    return bound == nullptr ? nullptr : bound->gateway.get();
  });
  stuck_pods_ = std::make_unique<StuckPods>(client_->sender(), post);
  deploy::kube::ApplierOptions applying;
  applying.installation = settings_.namespace_name;
  applying.report = [this](const auto& report) {
    troubles_->reported(report, std::chrono::steady_clock::now());
  };
  applier_ = std::make_unique<deploy::kube::Applier>(*objects_, std::move(applying));
  const auto parameters = settings_.class_parameters.find(GatewayClassKeeper::kName);
  gateway_class_ = std::make_unique<GatewayClassKeeper>(
      client_->sender(), parameters == settings_.class_parameters.end()
                             ? std::nullopt
                             : std::optional(parameters->second));
  status_api_ = std::make_unique<status::KubeStatusApi>(
      client_->sender(), post, [this](const ObjectRef& ref) -> std::string {
        const Object* object = core_.translation.model.inputs.find(ref);
        return object == nullptr ? "" : object->api_version;
      });
  writer_ = std::make_unique<status::StatusWriter>(core_.store, *status_api_, wall_clock);
  return {};
}

std::expected<void, std::string> Controller::serve() {
  link_replicas();
  xds::ServerOptions xds;
  xds.other_calls = [this](auto* context) { return receiver_->accept(context); };
  xds.tcp_address = "[::]:" + std::to_string(settings_.proxies.xds_port);
  if (settings_.proxies.xds_tls) xds.tcp_credentials = xds_server_credentials(options_.xds_tls_dir);
  if (settings_.proxies.xds_auth) {
    xds.admit = reporting(token_admission(review_), [this](const auto& account, const auto& why) {
      if (!refusal_reports_.take()) return;
      core_.loop.post([this, account, why] { report_refused(account, why); });
    });
    const auto account_of = [this](const ObjectKey& gateway) { return accounts_.of(gateway); };
    xds.authorise = reporting(
        token_authoriser(review_, account_of), [this](const auto& gateway, const auto& why) {
          core_.loop.post([this, gateway, why] {
            troubles_->refused(gateway, why, std::chrono::steady_clock::now());
          });
        });
  }
  if (auto serving = core_.serve_proxies(std::move(xds)); !serving) return serving;
  const std::string admin = settings_.admin_address + ":9095";
  if (auto serving = core_.serve_admin(admin, settings_.admin_hosts); !serving) return serving;
  auto health =
      core_.serve("[::]:" + std::to_string(settings_.health_port), {"/healthz", "/readyz"});
  if (!health) return std::unexpected(health.error());
  health_ = std::move(*health);
  auto metrics = core_.serve("[::]:" + std::to_string(settings_.metrics_port), {"/metrics"});
  if (!metrics) return std::unexpected(metrics.error());
  metrics_ = std::move(*metrics);
  return {};
}

void Controller::follow_objects() {
  source_ = std::make_unique<kube::KubeSource>(
      *client_, kube::KubeOptions{.on_demand = on_demand_kinds(settings_)});
  source_->start(core_.sink());
}

void Controller::follow_owned() {
  OwnedObjects::Events events;
  events.changed = [this](const json& object) {
    applier_->observe(object);
    const auto owner = deploy::kube::owner_of(object);
    if (object.value("kind", "") == "Service" && owner) report(owner->gateway);
  };
  events.vanished = [this](const deploy::kube::OwnedRef& ref) { applier_->vanished(ref); };
  events.listed = [this] { set_leading(leading_); };
  owned_ = std::make_unique<OwnedObjects>(*client_, core_.loop, core_.sink(), std::move(events));
  owned_->start();
}

void Controller::link_replicas() {
  const auto token = [this] {
    return settings_.proxies.xds_auth ? read_token(options_.xds_token_file) : std::string();
  };
  ReportReceiver::Check check = [](const std::string&, const auto& answer) { answer({}); };
  if (settings_.proxies.xds_auth) {
    check = replica_check(review_, token);
  }
  receiver_ = std::make_unique<ReportReceiver>(
      core_.loop, std::move(check),
      ReportReceiver::Events{
          .report = [this](
                        const std::string& replica,
                        status::DecodedReport report) { core_.hear(replica, std::move(report)); },
          .gone = [this](const std::string& replica) { core_.replicas.gone(replica); }});

  ReportSender::Options options{.replica = identity_, .token = token};
  if (settings_.proxies.xds_tls) {
    options.credentials = xds_client_credentials(options_.xds_tls_dir, settings_.proxies.xds_names);
    options.server_name = settings_.proxies.xds_host;
  }
  sender_ = std::make_unique<ReportSender>(
      core_.loop, std::move(options),
      ReportSender::Source{.report =
                               [this](const ObjectKey& gateway) {
                                 return status::report_of(core_.ads->ledger(), core_.feedback,
                                                          gateway);
                               },
                           .gateways = [this] { return core_.ads->ledger().groups(); }});
}

void Controller::elect() {
  if (!settings_.leader_election) {
    core_.loop.post([this] { on_leadership({true, identity_, {}}); });
    return;
  }
  kube::LeaseOptions options;
  options.ns = settings_.namespace_name;
  options.identity = identity_;
  options.address = host_and_port(settings_.pod_ip, settings_.proxies.xds_port);
  options.on_problem = [this, lease = options.ns + "/" + options.name](const auto& error) {
    core_.sink()(election_report(lease, error));
  };
  lease_ = std::make_unique<kube::Lease>(*lease_client_, options);
  lease_->start([this](kube::Leadership leadership) {
    core_.loop.post([this, leadership] {
      spdlog::info("{}", leadership.leading ? "leading" : "following " + leadership.holder);
      on_leadership(leadership);
    });
  });
}

void Controller::on_leadership(const kube::Leadership& leadership) {
  const std::string leader = leadership.leading ? "" : leadership.address;
  sender_->report_to(leader);
  core_.replicas.own_changed = {};
  if (!leader.empty()) {
    core_.replicas.own_changed = [this](const ObjectKey& gateway) { sender_->changed(gateway); };
  }
  receiver_->set_open(leadership.leading);
  if (!leadership.leading && !leadership.holder.empty() && leadership.address.empty() &&
      !std::exchange(warned_of_silence_, true)) {
    spdlog::warn(
        "{} does not tell its address (POD_IP): what the proxies of this replica have taken over "
        "is not in statuses",
        leadership.holder);
  }
  set_leading(leadership.leading);
}

// What the leader does starts when it is elected and everything is known, and ends when it is not
// the leader any more. Called again and again.
void Controller::set_leading(bool leading) {
  leading_ = leading;
  const bool active = leading && core_.synced() && owned_->listed();
  writer_->set_active(active && heard_of_proxies());
  if (active) keep_gateway_class();
  if (active == std::exchange(deploying_, active)) return;
  if (active) {
    spdlog::info("writing statuses and deploying proxies");
    applier_->begin();
  } else {
    spdlog::info("leaving statuses and proxies to the replica that leads");
    applier_->halt();
    gateway_class_->rest();
  }
}

// After a restart nothing is Programmed until the proxies are back; to report that would be to
// report our own restart.
bool Controller::heard_of_proxies() const {
  if (std::chrono::steady_clock::now() - started_ > kReconnectTime) return true;
  bool all = true;
  core_.translation.model.listeners.for_each([&](const ObjectKey& gateway, const auto&) {
    const status::ProxyState* state = core_.translation.delivery.proxies.find(gateway);
    all &= state != nullptr && state->connected > 0;
  });
  return all;
}

void Controller::keep_gateway_class() {
  gateway_class_->keep(core_.class_exists(Name(GatewayClassKeeper::kName)),
                       std::chrono::steady_clock::now());
}

void Controller::on_observed(const source::Batch& batch) {
  for (const source::ObjectEvent& event : batch.events) {
    const bool may_be_held =
        event.ref.kind == Kind::kGatewayClass || event.ref.kind == Kind::kGateway;
    if (event.object == nullptr) {
      writer_->gone(event.ref);
    } else if (may_be_held) {
      writer_->wanted(event.ref);  // the same status as before, of another object of that name
    }
  }
  for (const source::StatusEvent& event : batch.statuses) {
    const json status = json::parse(event.json, nullptr, false);
    writer_->observed(event.ref, status::own_digest(event.ref.kind, status));
  }
}

void Controller::on_committed(const Outcome& outcome) {
  for (const ObjectKey& gateway : std::exchange(plans_changed_, {})) deploy(gateway);
  for (const auto* gateways : {&outcome.gateways_added, &outcome.gateways_changed}) {
    for (const ObjectKey& gateway : *gateways) {
      if (is_ending(gateway)) applier_->leave_alone(gateway);
      report(gateway);
    }
  }
  for (const ObjectKey& gateway : outcome.gateways_withdrawn) applier_->leave_alone(gateway);
  for (const ObjectKey& gateway : outcome.gateways_removed) {
    // One that exists has a class of another controller now.
    const bool exists = core_.translation.model.inputs.gateways.find(gateway) != nullptr;
    applier_->forget(gateway, exists ? deploy::kube::Applier::Leave::kDelete
                                     : deploy::kube::Applier::Leave::kToTheCluster);
    accounts_.set(gateway, "");
    troubles_->forget(gateway);
    stuck_pods_->forget(gateway);
  }
}

// Deleted, and waiting for the garbage collector. With --cascade=orphan that takes the owner from
// its objects; put back, it would have them deleted.
bool Controller::is_ending(const ObjectKey& gateway) const {
  const auto* bound = core_.translation.model.listeners.find(gateway);
  return bound != nullptr && bound->gateway->metadata.deleting;
}

void Controller::deploy(const ObjectKey& gateway) {
  const deploy::kube::ProxyPlan* plan = proxies_.plans.find(gateway);
  if (plan == nullptr) return;
  if (is_ending(gateway)) {
    applier_->leave_alone(gateway);
  } else if (plan->invalid.empty()) {
    applier_->want(gateway, plan->proxy);
    accounts_.set(gateway, plan->proxy.service_account);
  }
  for (const Diagnostic& diagnostic : plan->proxy.diagnostics) {
    spdlog::warn("{}", to_string(diagnostic));
  }
  report(gateway);
}

void Controller::review(const std::string& token,
                        std::function<void(std::expected<std::string, std::string>)> answer) {
  const json body = {{"apiVersion", "authentication.k8s.io/v1"},
                     {"kind", "TokenReview"},
                     {"spec", {{"token", token}, {"audiences", {kTokenAudience}}}}};
  const kube::Resource reviews{"authentication.k8s.io", "v1", "tokenreviews", false};
  const std::string text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  review_client_->send(kube::create(reviews, "", text),
                       [answer = std::move(answer)](const kube::Result<std::string>& result) {
                         if (!result) return answer(std::unexpected(to_string(result.error())));
                         answer(reviewed_user(*result, kTokenAudience));
                       });
}

void Controller::tick() {
  const auto now = std::chrono::steady_clock::now();
  core_.ads->tick(now);
  applier_->retry(now);
  set_leading(leading_);
  std::vector<ObjectKey> gateways;
  core_.translation.model.listeners.for_each(
      [&](const ObjectKey& gateway, const auto&) { gateways.push_back(gateway); });
  check_certificate();
  for (const ObjectKey& gateway : gateways) report(gateway);
  if (settings_.proxies.xds_tls) {
    const std::string ca = read_file(options_.xds_tls_dir + "/ca.crt");
    if (!ca.empty()) proxies_.xds_ca.set({}, ca);
  }
}

int Controller::run() {
  SignalWatch signals([this](int) { core_.loop.stop(); });
  const auto settle = [this] {
    core_.settle();
    writer_->advance(std::chrono::steady_clock::now());
  };
  core_.loop.run(settle, 1000ms, [this, settle] {
    tick();
    settle();
  });
  spdlog::info("stopping");
  // What follows an API server needs the client's thread to end.
  lease_.reset();
  source_.reset();
  owned_.reset();
  core_.admin.reset();
  health_.reset();
  metrics_.reset();
  core_.replicas.own_changed = {};
  sender_.reset();
  core_.ads->shutdown(100ms);
  review_client_.reset();
  client_.reset();
  return 0;
}

int run(const ControllerOptions& options, const deploy::kube::ReadSettings& read) {
  spdlog::info("kgateway {} starts as a controller", version_text());
  for (const std::string& warning : read.warnings) spdlog::warn("{}", warning);
  for (const std::string& error : read.errors) {
    std::cerr << "kgateway controller: " << error << "\n";
  }
  if (!read.errors.empty()) return 1;
  deploy::kube::ControllerSettings settings = read.settings;
  if (settings.proxies.xds_tls) {
    settings.proxies.xds_ca = read_file(options.xds_tls_dir + "/ca.crt");
    if (settings.proxies.xds_ca.empty()) {
      std::cerr << "kgateway controller: KGW_XDS_TLS is set, and " << options.xds_tls_dir
                << "/ca.crt cannot be read\n";
      return 1;
    }
  }
  attach::set_trust(trust_of(settings));
  Controller controller(options, std::move(settings));
  if (const auto started = controller.start(); !started) {
    std::cerr << "kgateway controller: " << started.error() << "\n";
    return 1;
  }
  return controller.run();
}

}  // namespace kgw::app
