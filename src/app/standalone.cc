#include "app/standalone.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/bind_probe.h"
#include "app/builtin.h"
#include "app/signals.h"
#include "deploy/local/state_dir.h"

namespace kgw::app {
namespace {

using std::chrono_literals::operator""ms;

// Within this time an Envoy that crashed is there again.
constexpr std::chrono::seconds kRestartTime{5};

envoy::Settings settings_of(const RunOptions& options) {
  envoy::Settings settings;
  settings.place.addresses = [bind = options.bind](const Gateway& gateway) {
    return listen_addresses(gateway, bind);
  };
  settings.place.one_host = true;
  settings.place.needs_grants = true;
  settings.proximity.zone = options.zone;
  settings.weighted_routes = options.weighted_routes;
  settings.max_route_entries = options.max_route_entries;
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
      core_(settings_of(options_),
            {.committed = [this](const Outcome& outcome) { update_proxies(outcome); },
             .adjust = [this] { return ports_.settle(); },
             .synced = [] { spdlog::info("every manifest is read"); },
             .amend = with_builtins,
             .patience = kRestartTime}),
      ports_(core_.translation.graph, core_.translation.model,
             [this](const ObjectKey& gateway) { return proxies_->directory(gateway); }) {}

Standalone::~Standalone() = default;

std::expected<void, std::string> Standalone::start() {
  if (find_envoy(options_.envoy).empty()) {
    return std::unexpected(
        "no envoy binary: give --envoy PATH, set KGW_ENVOY, or put envoy on the PATH");
  }
  auto proxies = deploy::LocalProxies::open(proxy_options(
      options_, core_.loop, [this](const deploy::ProxyEvent& event) { on_proxy_event(event); }));
  if (!proxies) return std::unexpected(proxies.error());
  proxies_ = std::move(*proxies);
  if (auto serving = core_.serve_proxies({.unix_socket = proxies_->xds_socket()}); !serving) {
    return serving;
  }
  if (auto serving = core_.serve_admin(options_.admin, options_.admin_hosts); !serving)
    return serving;

  core_.apply(builtin_objects());
  source_ = std::make_unique<source::FilesSource>(source::FilesOptions{.paths = options_.config});
  source_->start(core_.sink());
  return {};
}

int Standalone::run() {
  SignalWatch signals([this](int count) {
    if (count == 1) {
      core_.loop.stop();
    } else {
      proxies_->hurry();
    }
  });
  const auto settle = [this] {
    core_.settle();
    remove_unclaimed();
  };
  core_.loop.run(settle, 250ms, [this, settle] {
    core_.ads->tick(std::chrono::steady_clock::now());
    ports_.retry();
    retry_unbound();
    keep_state_dir();
    settle();
  });
  spdlog::info("stopping");
  source_->stop();
  core_.admin.reset();
  proxies_->stop(options_.keep_proxies ? deploy::LocalProxies::OnStop::kKeep
                                       : deploy::LocalProxies::OnStop::kDrain);
  core_.ads->shutdown(100ms);
  return 0;
}

// While something cannot be read, a proxy that nobody claims may belong to it.
void Standalone::remove_unclaimed() {
  if (!core_.synced() || unclaimed_removed_ || !core_.problems().empty()) return;
  unclaimed_removed_ = true;
  proxies_->remove_unclaimed();
}

void Standalone::update_proxies(const Outcome& outcome) {
  for (const ObjectKey& gateway : outcome.gateways_added) {
    proxies_->ensure(gateway, {});
    report_addresses(gateway);
  }
  for (const ObjectKey& gateway : outcome.gateways_changed) report_addresses(gateway);
  for (const ObjectKey& gateway : outcome.gateways_removed) proxies_->remove(gateway);
}

void Standalone::report_addresses(const ObjectKey& gateway) {
  const auto* bound = core_.translation.model.listeners.find(gateway);
  if (bound == nullptr) return;
  core_.feedback.update_proxies(gateway, [&](status::ProxyState& state) {
    state.addresses = reachable_addresses(*bound->gateway, options_.bind);
    std::erase_if(state.addresses, [](const GatewayAddress& address) {
      return !can_bind(address.value, "listener~0");  // any free port: not an address of this host
    });
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
  if (core_.translation.model.listeners.find(event.gateway) == nullptr) return;
  core_.feedback.update_proxies(event.gateway, [&](status::ProxyState& state) {
    state.problem = problem.empty() ? state_problem_ : problem;
  });
}

void Standalone::keep_state_dir() {
  const auto kept = proxies_->restore_state_dir();
  std::string problem = kept ? "" : kept.error();
  if (problem == state_problem_) return;
  const std::string before = std::exchange(state_problem_, std::move(problem));
  if (!state_problem_.empty()) spdlog::error("{}", state_problem_);
  core_.translation.model.listeners.for_each([&](const ObjectKey& gateway, const auto&) {
    core_.feedback.update_proxies(gateway, [&](status::ProxyState& state) {
      if (state.problem == before) state.problem = state_problem_;
    });
  });
}

void Standalone::retry_unbound() {
  for (const status::GatewayResource& listener : core_.feedback.unbound()) {
    const auto* bound = core_.translation.model.listeners.find(listener.gateway);
    const auto* resource = core_.translation.resources.gateway_listeners.find(
        {listener.gateway, listener.resource.name});
    if (bound == nullptr || resource == nullptr) continue;
    const bool free = std::ranges::all_of(listen_addresses(*bound->gateway, options_.bind),
                                          [&](const std::string& address) {
                                            return can_bind(address, listener.resource.name.view());
                                          });
    if (!free) continue;
    // Refused content is sent again only when it is new: take it away and bring it back.
    core_.ads->publish(listener.gateway, {.upserts = {}, .removals = {listener.resource}});
    core_.ads->publish(listener.gateway,
                       {.upserts = {{envoy::ResourceType::kListener, *resource}}, .removals = {}});
  }
}

}  // namespace kgw::app
