#include "app/standalone.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "app/admin.h"
#include "app/bind_probe.h"
#include "app/builtin.h"
#include "app/signals.h"
#include "deploy/local/state_dir.h"

namespace kgw::app {
namespace {

using std::chrono_literals::operator""ms;

envoy::Settings settings_of(const RunOptions& options) {
  envoy::Settings settings;
  settings.bind_addresses = [bind = options.bind](const Gateway& gateway) {
    return listen_addresses(gateway, bind);
  };
  settings.proximity.zone = options.zone;
  settings.access_log = options.access_log;
  return settings;
}

deploy::LocalProxiesOptions proxy_options(const RunOptions& options, EventLoop& loop,
                                          std::function<void(const deploy::ProxyEvent&)> on_event) {
  deploy::LocalProxiesOptions proxies;
  proxies.envoy = find_envoy(options.envoy);
  proxies.state_dir = options.state_dir.empty() ? deploy::default_state_dir() : options.state_dir;
  proxies.locality.zone = options.zone;
  proxies.concurrency = options.concurrency;
  proxies.log_level = options.envoy_log_level;
  proxies.drain_timeout = options.drain;
  proxies.on_log = [](const ObjectKey& gateway, std::string_view line) {
    spdlog::info("[envoy {}] {}", to_string(gateway), line);
  };
  proxies.on_event = [&loop, on_event = std::move(on_event)](const deploy::ProxyEvent& event) {
    loop.post([event, on_event] { on_event(event); });
  };
  return proxies;
}

}  // namespace

Standalone::Standalone(RunOptions options)
    : options_(std::move(options)),
      translation_(settings_of(options_)),
      feedback_(translation_.delivery,
                [this](envoy::ResourceType type, const Name& piece, const std::string* message) {
                  translation_.hold(type, piece, message);
                }) {}

Standalone::~Standalone() = default;

std::expected<void, std::string> Standalone::start() {
  if (find_envoy(options_.envoy).empty()) {
    return std::unexpected(
        "no envoy binary: give --envoy PATH, set KGW_ENVOY, or put envoy on the PATH");
  }
  auto proxies = deploy::LocalProxies::open(proxy_options(
      options_, loop_, [this](const deploy::ProxyEvent& event) { on_proxy_event(event); }));
  if (!proxies) return std::unexpected(proxies.error());
  proxies_ = std::move(*proxies);

  ads_ = std::make_unique<xds::AdsServer>(
      xds::ServerOptions{.unix_socket = proxies_->xds_socket()},
      [this](std::function<void()> task) { loop_.post(std::move(task)); }, feedback_);
  if (auto listening = ads_->start(); !listening) return listening;

  auto admin = HttpServer::listen(options_.admin, [this](const HttpRequest& request) {
    return loop_.ask([this, &request] { return answer_admin(request); })
        .value_or(HttpResponse{503, "text/plain", "shutting down\n"});
  });
  if (!admin) return std::unexpected("--admin: " + admin.error());
  admin_ = std::move(*admin);
  spdlog::info("admin endpoints on http://{}/", admin_->address());

  translation_.apply(builtin_objects());
  source_ = std::make_unique<source::FilesSource>(source::FilesOptions{.paths = options_.config});
  source_->start([this](source::Batch batch) {
    loop_.post([this, batch = std::move(batch)]() mutable { on_batch(std::move(batch)); });
  });
  return {};
}

int Standalone::run() {
  SignalWatch signals([this](int count) {
    if (count == 1) {
      loop_.stop();
    } else {
      proxies_->hurry();
    }
  });
  loop_.run([this] { settle(); }, 250ms,
            [this] {
              ads_->tick(std::chrono::steady_clock::now());
              retry_unbound();
              settle();
            });
  spdlog::info("stopping");
  source_->stop();
  admin_.reset();
  proxies_->stop(options_.keep_proxies ? deploy::LocalProxies::OnStop::kKeep
                                       : deploy::LocalProxies::OnStop::kDrain);
  ads_->shutdown(100ms);
  return 0;
}

void Standalone::on_batch(source::Batch batch) {
  for (source::Problems& problems : batch.problems) {
    for (const Diagnostic& diagnostic : problems.diagnostics) {
      spdlog::log(
          diagnostic.severity == Severity::kError ? spdlog::level::err : spdlog::level::warn, "{}",
          to_string(diagnostic));
    }
    if (problems.diagnostics.empty()) {
      problems_.erase(problems.place);
    } else {
      problems_[problems.place] = std::move(problems.diagnostics);
    }
  }
  translation_.apply(with_builtins(std::move(batch.events)));
  source_synced_ |= batch.synced;
}

// Commits until nothing changes any more: what proxies say may change statuses and quarantine.
void Standalone::settle() {
  do {
    publish(translation_.commit());
    feedback_.advance();
  } while (feedback_.take_changed());
  if (source_synced_ && !synced_) {
    synced_ = true;
    ads_->set_synced();
    spdlog::info("every manifest is read");
  }
  // While something cannot be read, a proxy that nobody claims may belong to it.
  if (synced_ && !unclaimed_removed_ && problems_.empty()) {
    unclaimed_removed_ = true;
    proxies_->remove_unclaimed();
  }
}

void Standalone::publish(Outcome outcome) {
  if (!source_synced_) return;
  feedback_.published(outcome.pieces);
  for (const status::GatewayResource& resource : outcome.removed) feedback_.removed(resource);
  for (const status::RouteInTable& route : outcome.removed_routes) feedback_.route_removed(route);
  for (const auto& [route, version] : outcome.unchanged_routes) feedback_.same_on_the_wire(route, version);
  for (auto& [gateway, edit] : outcome.edits) ads_->publish(gateway, std::move(edit));
  update_proxies(outcome);
  const std::int64_t now = std::time(nullptr);
  for (auto& [object, status] : outcome.statuses) {
    if (!status) {
      store_.erase(object);
    } else if (store_.update(object, std::move(*status), now)) {
      spdlog::debug("status of {} changed", to_string(object));
    }
  }
}

void Standalone::update_proxies(const Outcome& outcome) {
  for (const ObjectKey& gateway : outcome.gateways_added) {
    ads_->publish(gateway, {});
    proxies_->ensure(gateway, {});
    report_addresses(gateway);
  }
  for (const ObjectKey& gateway : outcome.gateways_removed) {
    proxies_->remove(gateway);
    ads_->remove_group(gateway);
    feedback_.forget_proxies(gateway);
  }
}

void Standalone::report_addresses(const ObjectKey& gateway) {
  const auto* bound = translation_.model.listeners.find(gateway);
  if (bound == nullptr) return;
  feedback_.update_proxies(gateway, [&](status::ProxyState& state) {
    state.addresses = reachable_addresses(*bound->gateway, options_.bind);
  });
}

void Standalone::on_proxy_event(const deploy::ProxyEvent& event) {
  const std::string gateway = to_string(event.gateway);
  std::string problem;
  if (event.state == deploy::ProxyState::kBackingOff) {
    problem = "Envoy does not run: " + event.reason;
    if (!event.log.empty()) problem += "; it said: " + event.log.back();
    spdlog::error("[envoy {}] {}", gateway, problem);
  } else {
    spdlog::info("[envoy {}] {} (pid {}{})", gateway, state_text(event.state), event.pid,
                 event.adopted ? ", taken over" : "");
  }
  if (translation_.model.listeners.find(event.gateway) == nullptr) return;
  feedback_.update_proxies(event.gateway,
                           [&](status::ProxyState& state) { state.problem = problem; });
}

void Standalone::retry_unbound() {
  for (const status::GatewayResource& listener : feedback_.unbound()) {
    const auto* bound = translation_.model.listeners.find(listener.gateway);
    const auto* resource =
        translation_.resources.gateway_listeners.find({listener.gateway, listener.resource.name});
    if (bound == nullptr || resource == nullptr) continue;
    const bool free = std::ranges::all_of(
        listen_addresses(*bound->gateway, options_.bind),
        [&](const std::string& address) { return can_bind(address, listener.resource.name.view()); });
    if (!free) continue;
    // Refused content is sent again only when it is new: take it away and bring it back.
    ads_->publish(listener.gateway, {.upserts = {}, .removals = {listener.resource}});
    ads_->publish(listener.gateway, {.upserts = {{envoy::ResourceType::kListener, *resource}}, .removals = {}});
  }
}

HttpResponse Standalone::answer_admin(const HttpRequest& request) {
  return answer(request, {translation_, ads_->ledger(), ads_->stats(), store_, problems_, synced_});
}

}  // namespace kgw::app
