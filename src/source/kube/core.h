// Core: the inside of the client: one io_context, its connections and credentials. What runs as a
// coroutine on the client's thread (reflectors, the lease) uses this; everybody else client.h.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/kube/client.h"
#include "source/kube/connection.h"
#include "source/kube/credentials.h"

namespace kgw::kube {

// Ends an exchange or a pause of its coroutine from outside, now or as soon as it starts.
// Thread: the client's.
class Abort {
 public:
  void operator()() {
    requested_ = true;
    if (end_) end_();
  }
  bool requested() const { return requested_; }

 private:
  friend class Core;
  bool requested_ = false;
  std::function<void()> end_;  // what waits now
};

// Thread: the client's.
class Core {
 public:
  // REQUIRES: `credentials` were refreshed.
  Core(ClientOptions options, Server server, Credentials credentials);

  asio::io_context& io() { return io_; }
  const Server& server() const { return server_; }

  // A call in turn: at most `options.max_requests` at a time, repeated where that cannot do harm.
  asio::awaitable<Result<std::string>> fetch(Request request);
  // A call whose answer is handed on piece by piece; once, on a connection of its own choice.
  asio::awaitable<Result<void>> stream(Request request, BodySink on_body, Abort& abort);
  // False: aborted.
  asio::awaitable<bool> pause(std::chrono::milliseconds time, Abort& abort);

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    std::unique_ptr<Connection> connection;
    std::shared_ptr<asio::ssl::context> tls;
    Clock::time_point since;
  };

  asio::awaitable<Result<Answer>> attempt(const Request& request, const BodySink& on_body,
                                          Abort* abort);
  std::unique_ptr<Connection> take_idle();
  asio::awaitable<void> enter();
  void leave();

  const ClientOptions options_;
  const Server server_;
  asio::io_context io_{1};
  Credentials credentials_;
  std::vector<Idle> idle_;
  int in_flight_ = 0;
  std::deque<std::shared_ptr<asio::steady_timer>> waiting_;
};

}  // namespace kgw::kube
