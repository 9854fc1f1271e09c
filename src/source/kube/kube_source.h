// KubeSource: objects from a Kubernetes API server, followed live.
//
// Every kind is listed and then watched on its own. Which kinds there are is asked of the server:
// a kind whose CRD is installed, removed or moved to another version while we run starts, ends or
// is read at that version. The first batch with `synced` comes when every kind that exists has been
// listed.
//
// Problems, by place:
//   "<Kind>"          object.kind is set, object.key empty. Reason KindNotServed: the server does
//   not
//                     know the kind at any version that we read; others (Forbidden, Unreachable,
//                     ...): the kind cannot be listed or watched now, what is known stays in force.
//   "<Kind> ignored"  Reason ResourceIgnored: a resource with more objects of the kind is not
//                     read (XListenerSets beside ListenerSets)
//   "<Kind> list"     the server sent an object without a name
//   "<Kind> ns/name"  what is wrong with this object; its last good version stays in force
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "source/kube/client.h"
#include "source/source.h"

namespace kgw::kube {

struct KubeOptions {
  std::vector<Kind> kinds;      // empty: all known ones, but those that are only read on demand,
  std::vector<Kind> on_demand;  // and these
  int page_size = 500;
  // A watch ends after this long, at most twice as long.
  std::chrono::seconds watch_time{300};
  std::chrono::milliseconds first_pause{200};      // after a failure; doubles
  std::chrono::milliseconds longest_pause{5'000};  // a server that is back is found soon
  // Which kinds there are is asked again this often, beside the watch on CRDs.
  std::chrono::milliseconds rediscovery{300'000};
  // A kind that is no longer served is given up after it was missing for so long.
  std::chrono::milliseconds missing_for{2'000};
};

class KubeSource : public source::Source {
 public:
  // REQUIRES: `client` outlives this.
  KubeSource(Client& client, KubeOptions options);
  ~KubeSource() override;
  // The sink is called on the client's thread.
  void start(source::Sink sink) override;
  // Thread: any but the client's.
  void stop() override;

 private:
  class Follower;
  Client& client_;
  std::shared_ptr<Follower> follower_;
};

}  // namespace kgw::kube
