// OwnedObjects: what proxies consist of in the cluster (Deployments, Services, ...), followed. A
// kind that cannot be read is a problem, as one of a source. Until each was listed nothing is known
// of what there is; an optional kind that may not be read is taken as one without objects.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/event_loop.h"
#include "deploy/kube/applier.h"
#include "source/kube/object_watch.h"
#include "source/source.h"

namespace kgw::app {

class OwnedObjects {
 public:
  // Called on the loop.
  struct Events {
    std::function<void(const nlohmann::json& object)> changed;  // new, or another version
    std::function<void(const deploy::kube::OwnedRef&)> vanished;
    std::function<void()> listed;  // once: every object that exists has been told
  };

  // `problems` gets one place for each resource: "deployments.apps".
  // REQUIRES: `client` and `loop` outlive this.
  OwnedObjects(kube::Client& client, EventLoop& loop, source::Sink problems, Events events);
  // REQUIRES: called once.
  void start();
  // Thread: the loop's.
  bool listed() const { return unlisted_.empty(); }

 private:
  std::unique_ptr<kube::ObjectWatch> watch(const deploy::kube::OwnedKind& kind);
  void on_listed(const std::string& kind);
  void on_problem(const deploy::kube::OwnedKind& kind, const std::optional<kube::Error>& error);

  kube::Client& client_;
  EventLoop& loop_;
  source::Sink problems_;
  Events events_;
  std::set<std::string> unlisted_;  // kinds
  std::vector<std::unique_ptr<kube::ObjectWatch>> watches_;
};

}  // namespace kgw::app
