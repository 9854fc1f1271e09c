#include "app/cluster_objects.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "source/kube/kube_source.h"

namespace kgw::app {
namespace {

// Batches, merged as they come.
class Gathered {
 public:
  void add(source::Batch batch) {
    const std::lock_guard lock(mutex_);
    for (source::ObjectEvent& event : batch.events) {
      if (event.object == nullptr) {
        objects_.erase(event.ref);
      } else {
        objects_[event.ref] = std::move(event.object);
      }
    }
    for (source::Problems& problems : batch.problems) {
      problems_[problems.place] = std::move(problems.diagnostics);
    }
    synced_ = synced_ || batch.synced;
    if (synced_) changed_.notify_all();
  }

  void wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return synced_; });
  }

  // REQUIRES: nothing is added any more.
  source::Batch take() {
    source::Batch batch;
    for (auto& [ref, object] : objects_) batch.events.push_back({ref, std::move(object)});
    for (auto& [place, diagnostics] : problems_) {
      if (!diagnostics.empty()) batch.problems.push_back({place, std::move(diagnostics)});
    }
    batch.synced = synced_;
    return batch;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ObjectRef, std::shared_ptr<const Object>> objects_;
  std::map<std::string, Diagnostics> problems_;
  bool synced_ = false;
};

}  // namespace

std::expected<source::Batch, std::string> read_cluster(kube::Client& client,
                                                       std::chrono::milliseconds patience) {
  // Asked first, so that a server that is not there, or knows no such user, is told at once.
  const kube::Resource namespaces{"", "v1", "namespaces", false};
  if (const auto asked = client.call(kube::list(namespaces, {.limit = 1})); !asked) {
    return std::unexpected(kube::to_string(asked.error()));
  }
  Gathered gathered;
  kube::KubeSource source(client, {});
  source.start([&](source::Batch batch) { gathered.add(std::move(batch)); });
  gathered.wait(patience);
  source.stop();
  return gathered.take();
}

}  // namespace kgw::app
