#include "source/kube/reflector.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "api/registry.h"
#include "source/kube/interest.h"
#include "source/kube/stream.h"

namespace kgw::kube {
namespace {

// A watch that ends sooner did not work.
constexpr std::chrono::seconds kShortWatch{1};

bool follows_pods(const KubeOptions& options) {
  return std::ranges::find(options.kinds, Kind::kPod) != options.kinds.end();
}

}  // namespace

Reflector::Reflector(Core& core, const KubeOptions& options, Kind kind, Resource resource,
                     ReflectorEvents events)
    : core_(core),
      options_(options),
      kind_(kind),
      resource_(std::move(resource)),
      events_(std::move(events)),
      mirror_(kind, resource_.api_version(), follows_pods(options)),
      backoff_(options.first_pause, options.longest_pause) {
  Selectors selectors = selectors_of(kind);
  selection_.label_selector = std::move(selectors.label);
  selection_.field_selector = std::move(selectors.field);
  selection_.limit = options.page_size;
}

void Reflector::take_over(Reflector& other) {
  mirror_ = std::move(other.mirror_);
  mirror_.set_api_version(resource_.api_version());
  listed_ = other.listed_;
  reported_ = other.reported_;
}

void Reflector::start() {
  asio::co_spawn(
      core_.io(), [self = shared_from_this()]() -> asio::awaitable<void> { co_await self->run(); },
      asio::detached);
}

void Reflector::stop() { abort_(); }

source::Batch Reflector::abandon() {
  stop();
  listed_ = false;
  mirror_.withdraw();
  source::Batch batch = mirror_.take();
  if (std::exchange(reported_, false)) {
    batch.problems.push_back({std::string(kind_name(kind_)), {}});
  }
  return batch;
}

asio::awaitable<void> Reflector::run() {
  while (!abort_.requested()) {
    Result<void> outcome;
    if (version_.empty()) {
      outcome = co_await list();
    } else {
      outcome = co_await watch();
    }
    if (abort_.requested()) co_return;
    if (outcome) continue;
    failed(outcome.error());
    co_await core_.pause(backoff_.next(), abort_);
  }
}

asio::awaitable<Result<void>> Reflector::list() {
  mirror_.begin_list();
  ListOptions page = selection_;
  ListReader::End end;
  do {
    page.continue_token = end.continue_token;
    ListReader reader([this](std::string_view json) { mirror_.put_json(json); });
    BodySink feed = [&](std::string_view piece) { return reader.feed(piece); };
    Request request = kube::list(resource_, page);
    if (is_only_metadata(kind_)) request.accept = kAsMetadataList;
    const Result<void> read = co_await core_.stream(std::move(request), std::move(feed), abort_);
    if (abort_.requested()) co_return Result<void>();
    post(mirror_.take());
    if (!read) co_return std::unexpected(read.error());
    auto read_end = reader.finish();
    if (!read_end) co_return std::unexpected(read_end.error());
    end = std::move(*read_end);
  } while (!end.continue_token.empty());
  mirror_.end_list();
  post(mirror_.take());
  version_ = end.resource_version;
  succeeded();
  if (!std::exchange(listed_, true)) events_.listed();
  co_return Result<void>();
}

asio::awaitable<Result<void>> Reflector::watch() {
  const auto started = std::chrono::steady_clock::now();
  const auto time = backoff_.jittered(options_.watch_time, 2 * options_.watch_time);
  Result<void> outcome;  // of the events
  LineReader reader([&](std::string_view line) { return on_event(line, outcome); });
  BodySink feed = [&](std::string_view piece) {
    const bool go_on = reader.feed(piece);
    if (abort_.requested()) return false;
    post(mirror_.take());
    if (go_on) succeeded();
    return go_on;
  };
  Request request = kube::watch(resource_, selection_, version_,
                                std::chrono::duration_cast<std::chrono::seconds>(time));
  if (is_only_metadata(kind_)) request.accept = kAsMetadata;
  Result<void> streamed = co_await core_.stream(std::move(request), std::move(feed), abort_);
  if (abort_.requested()) co_return Result<void>();
  const bool was_short = std::chrono::steady_clock::now() - started < kShortWatch;
  if (!was_short) {
    backoff_.reset();
    relisting_ = false;
  }
  if (outcome) outcome = std::move(streamed);
  if (outcome && was_short) co_await core_.pause(backoff_.next(), abort_);
  co_return outcome;
}

bool Reflector::on_event(std::string_view line, Result<void>& outcome) {
  const WatchEvent event = decode_watch_event(line);
  switch (event.type) {
    case WatchEvent::Type::kPut:
      mirror_.put(*event.object);
      break;
    case WatchEvent::Type::kDeleted:
      mirror_.remove(*event.object);
      break;
    case WatchEvent::Type::kBookmark:
      break;
    case WatchEvent::Type::kUnreadable:
      mirror_.note_unreadable("is nested too deeply: " + event.error.message);
      return true;
    case WatchEvent::Type::kError:
      outcome = std::unexpected(event.error);
      return false;
  }
  if (!event.resource_version.empty()) version_ = event.resource_version;
  garbled_ = 0;
  relisting_ = false;
  backoff_.reset();
  return true;
}

void Reflector::post(source::Batch batch) {
  if (batch.events.empty() && batch.problems.empty() && batch.statuses.empty()) return;
  events_.changed(std::move(batch));
}

void Reflector::succeeded() {
  if (!std::exchange(reported_, false)) return;
  events_.changed({.problems = {{std::string(kind_name(kind_)), {}}}});
}

void Reflector::failed(const Error& error) {
  // What cannot be read is tried once more from the same place, then from a new list.
  const bool garbled = error.reason == "InvalidAnswer" && ++garbled_ > 1;
  if (is_gone(error) || garbled || error.status == 404) version_.clear();
  // To be told that the version is too old is no failure, and whatever failed before is over: list
  // at once. Should that lead to nothing but the same answer, with growing pauses.
  if (is_gone(error) && !std::exchange(relisting_, true)) return backoff_.reset();
  if (error.status == 404) events_.not_found();
  if (backoff_.failures() == 0 || reported_) return;
  reported_ = true;
  Diagnostic diagnostic;
  diagnostic.object.kind = kind_;
  diagnostic.reason = error.reason;
  diagnostic.message = fmt::format("{} of {} cannot be read from the API server: {}",
                                   resource_.plural, resource_.api_version(), error.message);
  events_.changed({.problems = {{std::string(kind_name(kind_)), {std::move(diagnostic)}}}});
}

}  // namespace kgw::kube
