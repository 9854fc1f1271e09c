#include "source/kube/object_watch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "source/kube/backoff.h"
#include "source/kube/core.h"
#include "source/kube/stream.h"

namespace kgw::kube {
namespace {

using Json = nlohmann::json;

ObjectKey key_of(const Json& object) {
  const Json metadata = object.is_object() ? object.value("metadata", Json()) : Json();
  const auto text = [&](const char* name) -> std::string {
    if (!metadata.is_object() || !metadata.contains(name)) return "";
    return metadata[name].is_string() ? metadata[name].get<std::string>() : "";
  };
  return {text("namespace"), text("name")};
}

}  // namespace

// Thread: the client's, but for stop().
class ObjectWatch::Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(Core& core, ObjectWatchOptions options, ObjectWatchEvents events)
      : core_(core),
        options_(std::move(options)),
        events_(std::move(events)),
        backoff_(options_.first_pause, options_.longest_pause) {
    selection_.label_selector = options_.label_selector;
  }

  void start() {
    asio::co_spawn(
        core_.io(),
        [self = shared_from_this()]() -> asio::awaitable<void> { co_await self->run(); },
        asio::detached);
  }

  void stop() {
    std::promise<void> stopped;
    asio::post(core_.io(), [&] {
      abort_();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }

 private:
  asio::awaitable<void> run() {
    while (!abort_.requested()) {
      Result<void> outcome;
      const bool listing = version_.empty();
      if (listing) {
        outcome = co_await list();
      } else {
        outcome = co_await watch();
      }
      if (abort_.requested()) co_return;
      if (outcome) continue;
      failed(outcome.error(), listing);
      co_await core_.pause(backoff_.next(), abort_);
    }
  }

  void failed(const Error& error, bool listing) {
    if (is_gone(error) || error.reason == "InvalidAnswer") version_.clear();
    // What failed before is over when the server answers that the version is too old.
    if (is_gone(error) && !std::exchange(relisting_, true)) return backoff_.reset();
    if (error.status == 404) return not_found();
    if (error.status == 403 && options_.optional) tell_listed();
    // That a watch breaks is everyday; that it breaks again is not.
    if (listing || backoff_.failures() > 0) tell_problem(error);
  }

  asio::awaitable<Result<void>> list() {
    std::set<ObjectKey> present;
    ListOptions page = selection_;
    ListReader::End end;
    do {
      page.continue_token = end.continue_token;
      ListReader reader([&](std::string_view text) {
        Json object = Json::parse(text, nullptr, false);
        present.insert(key_of(object));
        put(std::move(object));
      });
      BodySink feed = [&](std::string_view piece) {
        return !abort_.requested() && reader.feed(piece);
      };
      const Result<void> read =
          co_await core_.stream(kube::list(options_.resource, page), std::move(feed), abort_);
      if (abort_.requested()) co_return Result<void>();
      if (!read) co_return std::unexpected(read.error());
      auto read_end = reader.finish();
      if (!read_end) co_return std::unexpected(read_end.error());
      end = std::move(*read_end);
    } while (!end.continue_token.empty());
    keep_only(present);
    version_ = end.resource_version;
    backoff_.reset();
    tell_listed();
    tell_problem(std::nullopt);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> watch() {
    Result<void> outcome;
    LineReader reader([&](std::string_view line) { return on_event(line, outcome); });
    BodySink feed = [&](std::string_view piece) {
      return !abort_.requested() && reader.feed(piece);
    };
    Request request = kube::watch(options_.resource, selection_, version_, options_.watch_time);
    const auto started = std::chrono::steady_clock::now();
    Result<void> streamed = co_await core_.stream(std::move(request), std::move(feed), abort_);
    if (abort_.requested() || !outcome) co_return outcome;
    if (streamed) tell_problem(std::nullopt);
    // A server that ends every watch at once is not asked without end.
    const bool was_short = std::chrono::steady_clock::now() - started < std::chrono::seconds(1);
    if (streamed && was_short) co_await core_.pause(backoff_.next(), abort_);
    co_return streamed;
  }

  bool on_event(std::string_view line, Result<void>& outcome) {
    const WatchEvent event = decode_watch_event(line);
    if (event.type == WatchEvent::Type::kUnreadable) return true;
    if (event.type == WatchEvent::Type::kError) {
      outcome = std::unexpected(event.error);
      return false;
    }
    if (!event.resource_version.empty()) version_ = event.resource_version;
    relisting_ = false;
    backoff_.reset();
    tell_problem(std::nullopt);
    if (event.type == WatchEvent::Type::kBookmark) return true;
    Json object = Json::parse(doc::to_json(*event.object), nullptr, false);
    if (event.type == WatchEvent::Type::kPut) {
      put(std::move(object));
    } else if (const ObjectKey key = key_of(object); known_.erase(key) > 0) {
      events_.removed(key);
    }
    return true;
  }

  void put(Json object) {
    const ObjectKey key = key_of(object);
    if (key.name.empty()) return;  // no object of this API
    known_.insert(key);
    object["apiVersion"] = api_version_;
    object["kind"] = options_.kind;
    events_.changed(std::move(object));
  }

  void keep_only(const std::set<ObjectKey>& present) {
    for (auto it = known_.begin(); it != known_.end();) {
      if (present.contains(*it)) {
        ++it;
        continue;
      }
      events_.removed(*it);
      it = known_.erase(it);
    }
  }

  void not_found() {
    version_.clear();
    keep_only({});
    tell_listed();
    tell_problem(std::nullopt);
  }

  void tell_listed() {
    if (!std::exchange(listed_, true)) events_.listed();
  }

  void tell_problem(std::optional<Error> problem) {
    if (problem == problem_) return;
    problem_ = std::move(problem);
    events_.problem(problem_);
  }

  Core& core_;
  const ObjectWatchOptions options_;
  const ObjectWatchEvents events_;
  const std::string api_version_ = options_.resource.api_version();
  ListOptions selection_;
  Abort abort_;
  Backoff backoff_;
  std::string version_;  // to watch from; empty: to be listed
  std::set<ObjectKey> known_;
  bool listed_ = false;
  std::optional<Error> problem_;  // that was told
  bool relisting_ =
      false;  // "too old" was the answer to the last watch, and no event has come since
};

ObjectWatch::ObjectWatch(Client& client, ObjectWatchOptions options, ObjectWatchEvents events)
    : follower_(std::make_shared<Follower>(client.core(), std::move(options), std::move(events))) {}

ObjectWatch::~ObjectWatch() { stop(); }

void ObjectWatch::start() { follower_->start(); }

void ObjectWatch::stop() { follower_->stop(); }

}  // namespace kgw::kube
