// Writer: the thread that hands messages to gRPC, which writes as much as a socket takes at once.
//
// Were it the core that did so, a changed route table on its way to a thousand proxies would hold
// up everything else. Streams whose next message is small go first, so endpoints pass route tables;
// the messages of one stream keep their order.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace kgw::xds {

class Session;

class Writer {
 public:
  Writer() = default;
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // REQUIRES: called once, before what follows.
  void start();
  // Calls session->start_write() soon. Thread: any. After stop() nothing happens.
  void schedule(std::shared_ptr<Session> session, bool large);
  // Ends the thread; what is scheduled is dropped. Thread: any but the writer's own.
  void stop();

 private:
  void work();

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Session>> small_, large_;
  bool running_ = false;
  std::thread thread_;
};

}  // namespace kgw::xds
