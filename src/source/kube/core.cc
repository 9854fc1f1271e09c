#include "source/kube/core.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kgw::kube {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Servers close connections that were idle for longer.
constexpr std::chrono::seconds kMaxIdle{45};
constexpr std::size_t kMaxIdleConnections = 4;
constexpr std::size_t kMaxBody = std::size_t{64} << 20;

Error closed() { return {0, "Closed", "the client ended"}; }

// A second delivery has the same effect as the first.
bool is_repeatable(const Request& request) { return request.method != "POST"; }

}  // namespace

Core::Core(ClientOptions options, Server server, Credentials credentials)
    : options_(options), server_(std::move(server)), credentials_(std::move(credentials)) {}

std::unique_ptr<Connection> Core::take_idle() {
  const auto oldest = Clock::now() - kMaxIdle;
  std::erase_if(idle_, [&](const Idle& idle) {
    return idle.since < oldest || idle.tls != credentials_.tls();
  });
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back().connection);
  idle_.pop_back();
  return connection;
}

asio::awaitable<Result<Answer>> Core::attempt(const Request& request, const BodySink& on_body,
                                              Abort* abort) {
  for (;;) {
    credentials_.refresh_if_old();
    const auto tls = credentials_.tls();
    std::unique_ptr<Connection> connection = take_idle();
    const bool fresh = connection == nullptr;
    if (fresh) connection = std::make_unique<Connection>(io_, server_, tls);
    if (abort != nullptr) {
      abort->end_ = [&] { connection->close(); };
      if (abort->requested()) co_return std::unexpected(closed());
    }
    Result<void> connected;
    if (fresh) connected = co_await connection->connect(options_.connect_timeout);
    Result<Answer> answer = std::unexpected(closed());
    if (connected) {
      answer = co_await connection->exchange(request, credentials_.token(), on_body);
    } else {
      answer = std::unexpected(connected.error());
      (void)credentials_.refresh();  // the authority may have been replaced
    }
    if (abort != nullptr) abort->end_ = nullptr;
    if (abort != nullptr && abort->requested()) co_return std::unexpected(closed());
    if (answer && answer->reusable && idle_.size() < kMaxIdleConnections) {
      idle_.push_back({std::move(connection), tls, Clock::now()});
      co_return answer;
    }
    // The server may have closed an idle connection just as we took it.
    const bool was_stale = !answer && !fresh && !connection->answered() && is_repeatable(request);
    if (!was_stale || answer.error().reason == "Timeout") co_return answer;
  }
}

asio::awaitable<void> Core::enter() {
  while (in_flight_ >= options_.max_requests) {
    auto turn = std::make_shared<asio::steady_timer>(io_, asio::steady_timer::time_point::max());
    waiting_.push_back(turn);
    co_await turn->async_wait(kAwait);
  }
  ++in_flight_;
}

void Core::leave() {
  --in_flight_;
  if (waiting_.empty()) return;
  waiting_.front()->cancel();
  waiting_.pop_front();
}

asio::awaitable<Result<std::string>> Core::fetch(Request request) {
  co_await enter();
  std::string body;
  const BodySink collect = [&](std::string_view piece) {
    body += piece;
    return body.size() <= kMaxBody;
  };
  bool refreshed = false;
  for (int repeats = 0;;) {
    body.clear();
    Result<Answer> answer = co_await attempt(request, collect, nullptr);
    if (answer && answer->status == 401 && !refreshed) {
      refreshed = true;
      if (credentials_.refresh()) continue;
    }
    const bool postponed = answer && (answer->status == 429 || answer->status == 503) &&
                           answer->retry_after > 0 && repeats < options_.max_repeats;
    if (postponed) {
      ++repeats;
      asio::steady_timer timer(io_, std::chrono::seconds(std::min(answer->retry_after, 10)));
      co_await timer.async_wait(kAwait);
      continue;
    }
    leave();
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->status / 100 != 2) {
      co_return std::unexpected(decode_error(answer->status, answer->body));
    }
    if (body.size() > kMaxBody) {
      co_return std::unexpected(Error{0, "InvalidAnswer", "the answer is larger than 64 MiB"});
    }
    co_return std::move(body);
  }
}

asio::awaitable<Result<void>> Core::stream(Request request, BodySink on_body, Abort& abort) {
  Result<Answer> answer = co_await attempt(request, on_body, &abort);
  if (answer && answer->status == 401 && credentials_.refresh()) {
    answer = co_await attempt(request, on_body, &abort);
  }
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status / 100 != 2) {
    co_return std::unexpected(decode_error(answer->status, answer->body));
  }
  co_return Result<void>();
}

asio::awaitable<bool> Core::pause(std::chrono::milliseconds time, Abort& abort) {
  if (abort.requested()) co_return false;
  asio::steady_timer timer(io_, time);
  abort.end_ = [&] { timer.cancel(); };
  co_await timer.async_wait(kAwait);
  abort.end_ = nullptr;
  co_return !abort.requested();
}

}  // namespace kgw::kube
