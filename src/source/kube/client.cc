#include "source/kube/client.h"

#include <pthread.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <csignal>
#include <future>

#include "source/kube/core.h"

namespace kgw::kube {

Result<std::unique_ptr<Client>> Client::open(const Config& config, ClientOptions options) {
  auto server = parse_server(config.server);
  if (!server) return std::unexpected(server.error());
  if (!config.tls_server_name.empty()) server->tls_name = config.tls_server_name;
  Credentials credentials(config, server->tls, server->tls_name);
  if (auto read = credentials.refresh(); !read) return std::unexpected(read.error());
  return std::unique_ptr<Client>(
      new Client(std::make_unique<Core>(options, std::move(*server), std::move(credentials))));
}

Client::Client(std::unique_ptr<Core> core) : core_(std::move(core)) {
  thread_ = std::thread([&io = core_->io()] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    const auto work = asio::make_work_guard(io);
    io.run();
  });
}

Client::~Client() {
  core_->io().stop();
  thread_.join();
}

void Client::send(Request request, Done done) {
  asio::co_spawn(
      core_->io(),
      [core = core_.get(), request = std::move(request),
       done = std::move(done)]() mutable -> asio::awaitable<void> {
        Result<std::string> result = co_await core->fetch(std::move(request));
        done(std::move(result));
      },
      asio::detached);
}

Result<std::string> Client::call(Request request) {
  const auto promise = std::make_shared<std::promise<Result<std::string>>>();
  auto answer = promise->get_future();
  send(std::move(request),
       [promise](Result<std::string> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

}  // namespace kgw::kube
