#include "source/files/files_source.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "source/files/loader.h"
#include "source/files/watcher.h"

namespace kgw::source {
namespace {

constexpr auto kPollWhenUnwatched = std::chrono::seconds(1);

}  // namespace

class FilesSource::Follower {
 public:
  explicit Follower(FilesOptions options)
      : options_(std::move(options)), watcher_(options_.writer_limit) {}

  void start(Sink sink) {
    thread_ = std::thread([this, sink = std::move(sink)] { run(sink); });
  }

  void stop() {
    watcher_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run(const Sink& sink) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    Loader loader(options_, &watcher_);
    if (!loader.read_streams()) return;
    loader.refresh();
    Batch first = loader.catalog().take();
    first.synced = true;
    sink(std::move(first));
    while (await_change()) {
      loader.refresh();
      Batch batch = loader.catalog().take();
      if (!batch.events.empty() || !batch.problems.empty()) sink(std::move(batch));
    }
  }

  // False: stopped.
  bool await_change() {
    std::optional<Clock::time_point> poll;
    if (watcher_.failure() != 0) poll = Clock::now() + kPollWhenUnwatched;
    auto wake = watcher_.wait(poll);
    const auto limit = Clock::now() + options_.settle_limit;
    while (wake == Watcher::Wake::kChange) {
      wake = watcher_.wait(std::min(Clock::now() + options_.settle, limit));
      if (Clock::now() >= limit) break;
    }
    return wake != Watcher::Wake::kStop;
  }

  const FilesOptions options_;
  Watcher watcher_;
  std::thread thread_;
};

FilesSource::FilesSource(FilesOptions options)
    : follower_(std::make_unique<Follower>(std::move(options))) {}

FilesSource::~FilesSource() { stop(); }

void FilesSource::start(Sink sink) { follower_->start(std::move(sink)); }

void FilesSource::stop() { follower_->stop(); }

Loaded load_once(const FilesOptions& options) {
  Loader loader(options, nullptr);
  loader.read_streams();
  loader.refresh();
  Loaded loaded{loader.catalog().take(), loader.catalog().positions()};
  loaded.batch.synced = true;
  return loaded;
}

}  // namespace kgw::source
