#include "source/kube/kube_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "api/registry.h"
#include "source/kube/discovery.h"
#include "source/kube/reflector.h"
#include "source/kube/stream.h"

namespace kgw::kube {
namespace {

using std::chrono_literals::operator""ms;
using Clock = std::chrono::steady_clock;

// A CRD is announced before the server serves its kind, so it is asked several times.
constexpr std::array kAfterChange = {100ms, 400ms, 1500ms, 5000ms, 15000ms};

const Resource& crds() {
  static const Resource resource{"apiextensions.k8s.io", "v1", "customresourcedefinitions", false};
  return resource;
}

Diagnostics not_served(Kind kind) {
  const KindInfo& info = kind_info(kind);
  std::string versions;
  for (const ServedVersion& version : info.versions) {
    versions += fmt::format("{}{}", versions.empty() ? "" : ", ", version.api_version());
  }
  Diagnostic diagnostic;
  diagnostic.object.kind = kind;
  diagnostic.reason = "KindNotServed";
  diagnostic.message = fmt::format("the API server does not serve {} ({}): is its CRD installed?",
                                   kind_name(kind), versions);
  diagnostic.severity = Severity::kWarning;
  return {std::move(diagnostic)};
}

Diagnostics not_read(Kind kind, const ServedKind& served) {
  Diagnostics diagnostics;
  for (const Resource& ignored : served.ignored) {
    Diagnostic diagnostic;
    diagnostic.object.kind = kind;
    diagnostic.reason = "ResourceIgnored";
    diagnostic.message = fmt::format("{} are not read, because {} are installed", ignored.name(),
                                     served.read.name());
    diagnostic.severity = Severity::kWarning;
    diagnostics.push_back(std::move(diagnostic));
  }
  return diagnostics;
}

}  // namespace

// Thread: the client's, but for start() and stop().
class KubeSource::Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(Core& core, KubeOptions options)
      : core_(core),
        options_(std::move(options)),
        backoff_(options_.first_pause, options_.longest_pause),
        crd_backoff_(options_.first_pause, options_.longest_pause) {
    if (!options_.kinds.empty()) return;
    options_.kinds = options_.on_demand;
    for (const KindInfo& info : known_kinds()) {
      if (!info.on_demand) options_.kinds.push_back(info.kind);
    }
  }

  void start(source::Sink sink) {
    sink_ = std::move(sink);
    spawn(&Follower::follow_kinds);
    spawn(&Follower::follow_crds);
  }

  void stop() {
    std::promise<void> stopped;
    asio::post(core_.io(), [&] {
      stopping_();
      wake_();
      for (auto& [kind, followed] : followed_) followed.reflector->stop();
      followed_.clear();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }

 private:
  struct Followed {
    std::shared_ptr<Reflector> reflector;
    std::optional<Clock::time_point> missing_since;
  };

  void spawn(asio::awaitable<void> (Follower::*run)()) {
    asio::co_spawn(
        core_.io(),
        [self = shared_from_this(), run]() -> asio::awaitable<void> { co_await ((*self).*run)(); },
        asio::detached);
  }

  // Finds out which kinds there are, now and whenever they may have changed.
  asio::awaitable<void> follow_kinds() {
    while (!stopping_.requested()) {
      const Result<Served> served = co_await discover(core_, options_.kinds);
      if (stopping_.requested()) co_return;
      auto wait = backoff_.jittered(options_.rediscovery, options_.rediscovery * 5 / 4);
      if (served) {
        backoff_.reset();
        take(*served);
        if (urgent_ < kAfterChange.size()) wait = kAfterChange.at(urgent_++);
        if (is_any_missing()) wait = std::min(wait, options_.missing_for);
      } else {
        undiscovered(served.error());
        wait = backoff_.next();
      }
      wake_ = {};
      co_await core_.pause(wait, wake_);
    }
  }

  void rediscover() {
    urgent_ = 0;
    wake_();
  }

  void take(const Served& served) {
    report("API server", {});
    for (const Kind kind : options_.kinds) {
      const auto found = served.find(kind);
      if (found == served.end()) {
        miss(kind);
        report_ignored(kind, {});
      } else {
        follow(kind, found->second.read);
        report_ignored(kind, not_read(kind, found->second));
      }
    }
    discovered_ = true;
    post_synced();
  }

  void undiscovered(const Error& error) {
    if (backoff_.failures() == 0) return;
    Diagnostic diagnostic;
    diagnostic.reason = error.reason;
    diagnostic.message = "the API server cannot be asked for its kinds: " + error.message;
    report("API server", {std::move(diagnostic)});
  }

  void follow(Kind kind, const Resource& resource) {
    report_kind(kind, {});
    const auto found = followed_.find(kind);
    if (found != followed_.end()) {
      found->second.missing_since.reset();
      if (found->second.reflector->resource() == resource) return;
      found->second.reflector->stop();
    }
    // The coroutine of a reflector may end after us.
    const auto self = weak_from_this();
    ReflectorEvents events{[self](source::Batch batch) {
                             if (const auto follower = self.lock())
                               follower->post(std::move(batch));
                           },
                           [self] {
                             if (const auto follower = self.lock()) follower->post_synced();
                           },
                           [self] {
                             if (const auto follower = self.lock()) follower->rediscover();
                           }};
    auto reflector =
        std::make_shared<Reflector>(core_, options_, kind, resource, std::move(events));
    if (found != followed_.end()) {
      reflector->take_over(*found->second.reflector);
    } else if (const auto known = abandoned_.extract(kind)) {
      reflector->take_over(*known.mapped());
    }
    followed_[kind] = {reflector, std::nullopt};
    reflector->start();
  }

  void miss(Kind kind) {
    const auto found = followed_.find(kind);
    if (found != followed_.end()) {
      auto& since = found->second.missing_since;
      if (!since) since = Clock::now();
      if (Clock::now() - *since < options_.missing_for) return;
      post(found->second.reflector->abandon());
      abandoned_[kind] = std::move(found->second.reflector);
      followed_.erase(found);
    }
    report_kind(kind, not_served(kind));
  }

  bool is_any_missing() const {
    return std::ranges::any_of(
        followed_, [](const auto& entry) { return entry.second.missing_since.has_value(); });
  }

  // Rediscovers when a CRD of one of our groups comes, changes or goes. Who may not read CRDs gets
  // new kinds at the next rediscovery.
  asio::awaitable<void> follow_crds() {
    std::string version;
    while (!stopping_.requested()) {
      Result<void> outcome;
      if (version.empty()) {
        ListReader reader([](std::string_view) {});
        Request request = list(crds(), {});
        request.accept = kAsMetadataList;
        request.target += "&resourceVersion=0";
        BodySink feed = [&](std::string_view piece) { return reader.feed(piece); };
        outcome = co_await core_.stream(std::move(request), std::move(feed), stopping_);
        if (outcome) {
          auto end = reader.finish();
          if (end) {
            version = end->resource_version;
            rediscover();  // what came since it was asked for kinds is no event
          } else {
            outcome = std::unexpected(end.error());
          }
        }
      } else {
        outcome = co_await watch_crds(version);
        if (!outcome) version.clear();
      }
      if (stopping_.requested()) co_return;
      if (outcome) continue;
      co_await core_.pause(crd_backoff_.next(), stopping_);
      rediscover();
    }
  }

  asio::awaitable<Result<void>> watch_crds(std::string& version) {
    Result<void> outcome;
    LineReader reader([&](std::string_view line) {
      const WatchEvent event = decode_watch_event(line);
      if (event.type == WatchEvent::Type::kError) {
        outcome = std::unexpected(event.error);
        return false;
      }
      crd_backoff_.reset();
      version = event.resource_version;
      const doc::Node* name = event.object->find({"metadata", "name"});
      const bool ours = event.type != WatchEvent::Type::kBookmark && name != nullptr &&
                        name->is_string() && is_of_ours(name->as_string());
      if (ours) rediscover();
      return true;
    });
    const auto started = Clock::now();
    const auto time = std::chrono::duration_cast<std::chrono::seconds>(
        crd_backoff_.jittered(options_.watch_time, 2 * options_.watch_time));
    Request request = watch(crds(), {}, version, time);
    request.accept = kAsMetadata;
    BodySink feed = [&](std::string_view piece) { return reader.feed(piece); };
    Result<void> streamed = co_await core_.stream(std::move(request), std::move(feed), stopping_);
    if (outcome) outcome = std::move(streamed);
    if (outcome && Clock::now() - started < 1000ms) {
      co_await core_.pause(crd_backoff_.next(), stopping_);
    }
    co_return outcome;
  }

  // "httproutes.gateway.networking.k8s.io".
  bool is_of_ours(std::string_view crd_name) const {
    const auto dot = crd_name.find('.');
    if (dot == std::string_view::npos) return false;
    const std::string_view group = crd_name.substr(dot + 1);
    return std::ranges::any_of(options_.kinds, [&](Kind kind) {
      return std::ranges::any_of(kind_info(kind).versions, [&](const ServedVersion& version) {
        return version.group == group;
      });
    });
  }

  void report_kind(Kind kind, Diagnostics diagnostics) {
    report(std::string(kind_name(kind)), std::move(diagnostics));
  }

  void report_ignored(Kind kind, Diagnostics diagnostics) {
    report(std::string(kind_name(kind)) + " ignored", std::move(diagnostics));
  }

  // What is missing; reflectors report for themselves what they cannot read.
  void report(const std::string& place, Diagnostics diagnostics) {
    const bool changes =
        diagnostics.empty() ? reported_.erase(place) > 0 : reported_.insert(place).second;
    if (changes) post({.problems = {{place, std::move(diagnostics)}}});
  }

  void post_synced() {
    const bool complete = discovered_ && std::ranges::all_of(followed_, [](const auto& entry) {
                            return entry.second.reflector->listed();
                          });
    if (complete && !std::exchange(synced_, true)) post({.synced = true});
  }

  void post(source::Batch batch) {
    if (!stopping_.requested()) sink_(std::move(batch));
  }

  Core& core_;
  KubeOptions options_;
  source::Sink sink_;
  Backoff backoff_;
  Backoff crd_backoff_;
  std::map<Kind, Followed> followed_;
  std::map<Kind, std::shared_ptr<Reflector>> abandoned_;  // of kinds that were served once
  std::set<std::string> reported_;                        // places
  Abort stopping_;                                        // also ends what follow_crds() waits for
  Abort wake_;                                            // of follow_kinds()
  std::size_t urgent_ = kAfterChange.size();
  bool discovered_ = false;
  bool synced_ = false;
};

KubeSource::KubeSource(Client& client, KubeOptions options)
    : client_(client), follower_(std::make_shared<Follower>(client.core(), std::move(options))) {}

KubeSource::~KubeSource() { stop(); }

void KubeSource::start(source::Sink sink) {
  asio::post(client_.core().io(), [follower = follower_, sink = std::move(sink)]() mutable {
    follower->start(std::move(sink));
  });
}

void KubeSource::stop() { follower_->stop(); }

}  // namespace kgw::kube
