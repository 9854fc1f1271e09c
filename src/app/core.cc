#include "app/core.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "app/own_origin.h"

namespace kgw::app {

using Clock = std::chrono::steady_clock;

namespace {

bool debugging() { return spdlog::should_log(spdlog::level::debug); }

void log_events(const source::Batch& batch) {
  for (const source::ObjectEvent& event : batch.events) {
    spdlog::debug("{} {}", to_string(event.ref), event.object == nullptr ? "is gone" : "was read");
  }
}

void log_edit(const ObjectKey& gateway, const xds::Edit& edit) {
  for (const auto& [type, resource] : edit.upserts) {
    spdlog::debug("Gateway {}: {} is {} now", to_string(gateway),
                  envoy::to_string(envoy::ResourceKey{type, resource.name}),
                  to_string(resource.version));
  }
  for (const xds::ResourceKey& removed : edit.removals) {
    spdlog::debug("Gateway {}: {} goes", to_string(gateway), envoy::to_string(removed));
  }
}

}  // namespace

Core::Core(envoy::Settings settings, Hooks hooks)
    : translation(std::move(settings)),
      feedback(
          translation.delivery,
          [this](envoy::ResourceType type, const Name& piece, const status::Held* held) {
            translation.hold(type, piece, held);
          },
          [this](const status::GatewayResource& resource) { translation.accepted(resource); }),
      replicas(feedback),
      hooks_(std::move(hooks)),
      held_(
          [this](const ObjectKey& gateway, const status::Hold* hold) { note_hold(gateway, hold); },
          hooks_.deploys) {
  note_platform();
}

std::expected<void, std::string> Core::serve_proxies(xds::ServerOptions options) {
  ads = std::make_unique<xds::AdsServer>(
      std::move(options), [this](std::function<void()> task) { loop.post(std::move(task)); },
      delivery_log_);
  replicas.attach(ads->ledger());
  return ads->start();
}

std::expected<std::unique_ptr<HttpServer>, std::string> Core::serve(
    const std::string& address, std::vector<std::string> only_paths) {
  return HttpServer::listen(
      address, [this, paths = std::move(only_paths)](const HttpRequest& request) -> HttpResponse {
        if (std::ranges::find(paths, request.path) == paths.end()) {
          return {404, "text/plain", "not found\n"};
        }
        return answer_on_loop(request);
      });
}

HttpResponse Core::answer_on_loop(const HttpRequest& request) {
  return loop.ask([this, &request] { return answer(request, view()); })
      .value_or(HttpResponse{503, "text/plain", "shutting down\n"});
}

std::expected<void, std::string> Core::serve_admin(const std::string& address,
                                                   std::vector<std::string> names) {
  auto server = HttpServer::listen(
      address, [this, names = std::move(names)](const HttpRequest& request) -> HttpResponse {
        if (const auto foreign = foreign_origin(request, names)) {
          return {403, "text/plain", *foreign + "; see --admin-host and KGW_ADMIN_HOSTS\n"};
        }
        return answer_on_loop(request);
      });
  if (!server) return std::unexpected("--admin: " + server.error());
  admin = std::move(*server);
  spdlog::info("admin endpoints on http://{}/", admin->address());
  return {};
}

source::Sink Core::sink() {
  return [this](source::Batch batch) {
    loop.post([this, arrived = Clock::now(), batch = std::move(batch)]() mutable {
      if (!arrived_) arrived_ = arrived;
      on_batch(std::move(batch));
    });
  };
}

AdminView Core::view() const {
  return {translation, ads->ledger(), ads->stats(), until_sent_,    store,
          problems_,   synced_,       &replicas,    hooks_.counts()};
}

void Core::on_batch(source::Batch batch) {
  for (source::Problems& problems : batch.problems) {
    for (const Diagnostic& diagnostic : problems.diagnostics) {
      const bool error = diagnostic.severity == Severity::kError;
      spdlog::log(error ? spdlog::level::err : spdlog::level::warn, "{}", to_string(diagnostic));
    }
    if (problems.diagnostics.empty()) {
      problems_.erase(problems.place);
    } else {
      problems_[problems.place] = std::move(problems.diagnostics);
    }
  }
  if (!batch.problems.empty()) note_platform();
  if (debugging()) log_events(batch);
  hooks_.observed(batch);
  for (const source::StatusEvent& status : batch.statuses) held_.note(status);
  apply(std::move(batch.events));
  source_synced_ |= batch.synced;
}

void Core::apply(std::vector<source::ObjectEvent> events) {
  translation.apply(held_.amend(hooks_.amend(std::move(events))));
}

void Core::note_hold(const ObjectKey& gateway, const status::Hold* hold) {
  const ObjectRef ref{Kind::kGateway, gateway};
  if (hold == nullptr) {
    spdlog::info("{}: read again", to_string(ref));
    translation.delivery.holds.erase(gateway);
  } else {
    spdlog::warn("{}: {}", to_string(ref), hold->message);
    translation.delivery.holds.set(gateway, *hold);
  }
}

void Core::note_platform() {
  status::Platform platform{.deploys = hooks_.deploys, .missing_kinds = {}};
  for (const auto& [place, diagnostics] : problems_) {
    for (const Diagnostic& diagnostic : diagnostics) {
      if (diagnostic.reason == "KindNotServed")
        platform.missing_kinds.push_back(diagnostic.object.kind);
    }
  }
  std::ranges::sort(platform.missing_kinds, {}, kind_name);
  translation.delivery.platform.set({}, std::move(platform));
}

// What proxies say may change statuses and quarantine, hence the loop.
void Core::settle() {
  if (!source_synced_) return;  // what is incomplete is neither served nor judged
  const auto now = std::chrono::steady_clock::now();
  feedback.tick(now, hooks_.patience);
  bool moved = false;
  do {
    publish(commit());
    feedback.advance();
    moved = translation.layouts.advance(now, [this](const ObjectKey& gateway, const auto& key) {
      return ads->ledger().delivery(gateway, key);
    });
    moved |= hooks_.adjust();
  } while (feedback.take_changed() || moved);
  arrived_.reset();
  wake_for_releases();
  for (const ObjectKey& gateway : feedback.take_judged()) replicas.changed_here(gateway);
  if (!synced_) {
    synced_ = true;
    ads->set_synced();
    hooks_.synced();
  }
}

void Core::hear(const std::string& replica, status::DecodedReport said) {
  if (ads->ledger().proxies(said.gateway) == 0) {
    translation.layouts.adopt(said.gateway, [&](const Name& table) {
      return said.report.resources.contains({envoy::ResourceType::kRoute, table});
    });
  }
  replicas.report(replica, said.gateway, std::move(said.report));
}

// What existed at start does not count: much of it waits for the rest.
void Core::note_sent() {
  if (synced_ && arrived_) until_sent_.add(Clock::now() - *arrived_);
  arrived_.reset();
}

// What arrives while proxies test something else is held back before anybody sees it.
Outcome Core::commit() {
  Outcome outcome = translation.commit();
  feedback.withdrawn(outcome.withdrawn);
  while (feedback.published(outcome.pieces)) {
    Outcome later = translation.commit();
    feedback.withdrawn(later.withdrawn);
    outcome.pieces = std::move(later.pieces);
    outcome.append(std::move(later));
  }
  return outcome;
}

// Held back edits of a tenant are tried when its pause is over, also if nothing else happens.
void Core::wake_for_releases() {
  const auto next = feedback.next_release();
  if (!next || (wakes_at_ && *wakes_at_ <= *next)) return;
  wakes_at_ = next;
  loop.post_at(*next, [this] { wakes_at_.reset(); });
}

// Proxies of a Gateway that may not be read any more keep what they have, until it ends.
void Core::keep_withdrawn(Outcome& outcome) {
  std::erase_if(outcome.gateways_removed, [&](const ObjectKey& gateway) {
    if (!held_.is_withdrawn(gateway)) return false;
    outcome.edits.erase(gateway);
    outcome.gateways_withdrawn.push_back(gateway);
    return true;
  });
  for (ObjectKey& gateway : held_.take_ended()) {
    outcome.gateways_removed.push_back(std::move(gateway));
  }
}

// Of Gateways that were withdrawn, what their proxies have and nothing needs any more is removed.
std::vector<ObjectKey> Core::take_back(Outcome& outcome) const {
  std::vector<ObjectKey> back;
  for (const ObjectKey& gateway : outcome.gateways_added) {
    const xds::Snapshot* kept = ads->ledger().snapshot(gateway);
    if (kept == nullptr) continue;
    back.push_back(gateway);
    xds::Edit& edit = outcome.edits[gateway];
    std::set<xds::ResourceKey> present;
    for (const auto& [type, resource] : edit.upserts) present.insert({type, resource.name});
    for (const envoy::ResourceType type : envoy::kResourceTypes) {
      for (const auto& [name, entry] : kept->table(type)) {
        if (!present.contains({type, name})) edit.removals.push_back({type, name});
      }
    }
  }
  return back;
}

void Core::publish(Outcome outcome) {
  keep_withdrawn(outcome);
  const std::vector<ObjectKey> back = take_back(outcome);
  for (const status::GatewayResource& resource : outcome.removed) feedback.removed(resource);
  for (const status::RouteInTable& route : outcome.removed_routes) feedback.route_removed(route);
  for (const auto& [route, version] : outcome.unchanged_routes) {
    feedback.same_on_the_wire(route, version);
  }
  for (const auto& [gateway, edit] : outcome.edits) {
    if (debugging()) log_edit(gateway, edit);
    feedback.sent(gateway, edit);
  }
  for (const auto& [resource, reason] : outcome.refused) feedback.refused_here(resource, reason);
  for (auto& [gateway, edit] : outcome.edits) {
    const std::vector<xds::ResourceKey> changed = replicas.interesting(gateway, edit);
    ads->publish(gateway, std::move(edit));
    replicas.published(gateway, changed);
  }
  if (!outcome.edits.empty()) note_sent();
  for (const ObjectKey& gateway : outcome.gateways_added) {
    ads->publish(gateway, {});
    replicas.appeared(gateway);
  }
  for (const ObjectKey& gateway : back) replicas.came_back(gateway);
  hooks_.committed(outcome);
  for (const ObjectKey& gateway : outcome.gateways_removed) {
    ads->remove_group(gateway);
    feedback.forget_proxies(gateway);
  }
  const std::int64_t now = std::time(nullptr);
  for (auto& [object, status] : outcome.statuses) {
    if (status == nullptr) {
      store.erase(object);
    } else if (!store.update(object, std::move(status), now)) {
      continue;
    }
    if (debugging()) spdlog::debug("the status of {} is another one", to_string(object));
    hooks_.status_changed(object);
  }
}

}  // namespace kgw::app
