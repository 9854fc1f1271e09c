// Reflector: keeps the Mirror of one kind equal to the API server: list, then watch from there.
//
// A watch that ends is resumed at the last resource version seen (bookmarks move it on at rest). A
// version that is too old (410) leads to a new list, which the mirror turns into differences.
// Failures are repeated with growing pauses, and reported when they last.
// Thread: the client's. Made by shared_ptr: its coroutine keeps it alive.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "source/kube/backoff.h"
#include "source/kube/core.h"
#include "source/kube/kube_source.h"
#include "source/kube/mirror.h"
#include "source/kube/request.h"

namespace kgw::kube {

struct ReflectorEvents {
  std::function<void(source::Batch)> changed;
  std::function<void()> listed;     // the first complete list is posted
  std::function<void()> not_found;  // the server does not know the resource (any more)
};

class Reflector : public std::enable_shared_from_this<Reflector> {
 public:
  Reflector(Core& core, const KubeOptions& options, Kind kind, Resource resource,
            ReflectorEvents events);

  // Before start(): what `other` knows is known already. REQUIRES: `other` is stopped.
  void take_over(Reflector& other);
  void start();
  // No event comes after this.
  void stop();
  // stop(); none of its objects can be read any more. take_over() finds them again.
  source::Batch abandon();

  bool listed() const { return listed_; }
  const Resource& resource() const { return resource_; }

 private:
  asio::awaitable<void> run();
  asio::awaitable<Result<void>> list();
  asio::awaitable<Result<void>> watch();
  bool on_event(std::string_view line, Result<void>& outcome);
  void post(source::Batch batch);
  void succeeded();
  void failed(const Error& error);

  Core& core_;
  const KubeOptions options_;
  const Kind kind_;
  const Resource resource_;
  const ReflectorEvents events_;
  Mirror mirror_;
  ListOptions selection_;
  Abort abort_;
  Backoff backoff_;
  std::string version_;     // to watch from; empty: to be listed
  int garbled_ = 0;         // watches in a row that could not be read
  bool relisting_ = false;  // the last watch that came to something ended with "too old"
  bool listed_ = false;
  bool reported_ = false;  // a failure
};

}  // namespace kgw::kube
