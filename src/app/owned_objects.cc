#include "app/owned_objects.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "deploy/kube/kube_api.h"

namespace kgw::app {
namespace {

using deploy::kube::OwnedKind;
using nlohmann::json;

constexpr const char* kManagedProxies = "app.kubernetes.io/managed-by=kgateway";

}  // namespace

OwnedObjects::OwnedObjects(kube::Client& client, EventLoop& loop, source::Sink problems,
                           Events events)
    : client_(client), loop_(loop), problems_(std::move(problems)), events_(std::move(events)) {
  for (const OwnedKind& kind : deploy::kube::owned_kinds()) {
    unlisted_.insert(kind.kind);
    watches_.push_back(watch(kind));
  }
}

void OwnedObjects::start() {
  for (auto& watch : watches_) watch->start();
}

std::unique_ptr<kube::ObjectWatch> OwnedObjects::watch(const OwnedKind& kind) {
  kube::ObjectWatchOptions options;
  options.resource = deploy::kube::resource_of(kind);
  options.kind = kind.kind;
  options.label_selector = kManagedProxies;
  options.optional = kind.optional;
  kube::ObjectWatchEvents events;
  events.changed = [this](json object) {
    loop_.post([this, object = std::move(object)] { events_.changed(object); });
  };
  events.removed = [this, kind](const ObjectKey& key) {
    loop_.post([this, kind, key] { events_.vanished({kind.api_version, kind.kind, key}); });
  };
  events.listed = [this, kind] { loop_.post([this, kind] { on_listed(kind.kind); }); };
  events.problem = [this, kind](const std::optional<kube::Error>& error) {
    loop_.post([this, kind, error] { on_problem(kind, error); });
  };
  return std::make_unique<kube::ObjectWatch>(client_, std::move(options), std::move(events));
}

void OwnedObjects::on_listed(const std::string& kind) {
  unlisted_.erase(kind);
  if (listed()) events_.listed();
}

void OwnedObjects::on_problem(const OwnedKind& kind, const std::optional<kube::Error>& error) {
  const std::string name = deploy::kube::resource_of(kind).name();
  source::Problems problems{name, {}};
  if (error) {
    Diagnostic diagnostic;
    diagnostic.reason = error->reason;
    diagnostic.message = fmt::format(
        "{} cannot be read from the API server: {}; {}", name, error->message,
        unlisted_.contains(kind.kind) ? "until they can, no proxy is deployed and no status written"
                                      : "what others change of them goes unnoticed");
    diagnostic.severity = Severity::kWarning;
    problems.diagnostics.push_back(std::move(diagnostic));
  } else {
    spdlog::info("{} can be read now", name);
  }
  source::Batch batch;
  batch.problems.push_back(std::move(problems));
  problems_(std::move(batch));
}

}  // namespace kgw::app
