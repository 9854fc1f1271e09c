// ObjectWatch: the objects of one resource as the API server has them, whole and undecoded,
// followed live. For what we keep in the cluster ourselves (the proxies' Deployments, ...), where
// every field counts; what configures us comes through KubeSource.
//
// Lists, then watches from there; after a failure, with growing pauses. A resource that the server
// does not know (the CRD is not installed) has no objects, and is asked for again. Why objects
// cannot be read is told.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "source/kube/client.h"

namespace kgw::kube {

struct ObjectWatchOptions {
  Resource resource;
  std::string kind;            // "Deployment"
  std::string label_selector;  // empty: all
  bool optional = false;       // to be forbidden to read it is like having no objects
  std::chrono::seconds watch_time{300};
  std::chrono::milliseconds first_pause{200};      // after a failure; doubles
  std::chrono::milliseconds longest_pause{5'000};  // a server that is back is found soon
};

// Called on the client's thread.
struct ObjectWatchEvents {
  // New, or another version; with apiVersion and kind. After a new list also versions that are
  // known.
  std::function<void(nlohmann::json object)> changed;
  std::function<void(const ObjectKey&)> removed;
  std::function<void()> listed;  // once: every object that exists has been told
  // Why nothing can be read now, when it is another reason than before; nullopt: all is well again.
  std::function<void(const std::optional<Error>&)> problem;
};

class ObjectWatch {
 public:
  // REQUIRES: `client` outlives this.
  ObjectWatch(Client& client, ObjectWatchOptions options, ObjectWatchEvents events);
  ~ObjectWatch();
  // REQUIRES: called once.
  void start();
  // No event comes after it. Idempotent. Thread: any but the client's.
  void stop();

 private:
  class Follower;
  std::shared_ptr<Follower> follower_;
};

}  // namespace kgw::kube
