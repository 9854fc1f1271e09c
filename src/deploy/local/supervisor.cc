#include "deploy/local/supervisor.h"

#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <utility>

#include "deploy/local/admin_async.h"

namespace kgw::deploy {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::size_t kLastLines = 10;
constexpr milliseconds kPoll{100};

asio::awaitable<void> sleep_for(milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

Supervisor::Supervisor(Host& host, ObjectKey gateway, std::vector<Found> found,
                       std::function<void()> on_idle)
    : host_(host),
      gateway_(std::move(gateway)),
      on_idle_(std::move(on_idle)),
      found_(std::move(found)),
      backoff_(host.context) {
  for (const Found& one : found_) next_number_ = std::max(next_number_, one.record.number + 1);
}

void Supervisor::want(const ProxySpec& spec) {
  if (wanted_ == spec) return;
  cancel_backoff();  // a new spec deserves a new try
  wanted_ = spec;
  claim_found();
  step();
}

void Supervisor::drop(bool drain) {
  claim_found();
  wanted_.reset();
  drain_on_drop_ = drain;
  cancel_backoff();
  step();
}

void Supervisor::release() {
  released_ = true;
  cancel_backoff();
  const auto let_go = [&](const InstancePtr& instance) {
    if (instance == nullptr) return;
    host_.logs.end(std::exchange(instance->log, -1));
    instance->lines->end(Clock::now());
    boost::system::error_code ignored;
    instance->exit.close(ignored);
  };
  let_go(current_);
  let_go(next_);
  for (const InstancePtr& instance : retiring_) let_go(instance);
}

bool Supervisor::idle() const {
  return !wanted_ && found_.empty() && !current_ && !next_ && retiring_.empty();
}

std::optional<ProxyEvent> Supervisor::present() const {
  if (current_) return event_of(*current_);
  if (next_) return event_of(*next_);
  if (wanted_ && waiting_) return last_failure_;
  if (!retiring_.empty()) return event_of(**retiring_.begin());
  return std::nullopt;
}

// The best of what a former controller left becomes current; the rest is ended.
void Supervisor::claim_found() {
  const std::string fingerprint = wanted_ ? fingerprint_of(*wanted_) : "";
  std::ranges::sort(found_, {}, [&](const Found& found) {
    return std::pair(found.record.fingerprint == fingerprint, found.record.number);
  });
  while (!found_.empty()) {
    Found best = std::move(found_.back());
    found_.pop_back();
    const InstancePaths paths = host_.state.instance(gateway_, best.record.number);
    const auto instance = std::make_shared<Instance>(best.record, paths, std::move(best.process),
                                                     true, host_.context);
    const bool is_best = current_ == nullptr;
    if (is_best) current_ = instance;
    run(instance);
    if (!is_best) retire(instance, true, true);
  }
}

void Supervisor::step() {
  if (released_) return;
  if (!wanted_) {
    if (next_) retire(std::exchange(next_, nullptr), false, false);
    if (current_) retire(std::exchange(current_, nullptr), drain_on_drop_, false);
    if (retiring_.empty()) on_idle_();
    return;
  }
  const std::string fingerprint = fingerprint_of(*wanted_);
  if (next_ && next_->record.fingerprint != fingerprint) {
    retire(std::exchange(next_, nullptr), false, false);
  }
  if (!current_) current_ = std::exchange(next_, nullptr);
  if (current_ && current_->record.fingerprint == fingerprint) {
    if (next_) retire(std::exchange(next_, nullptr), false, false);
    return;
  }
  if (!next_ && !waiting_) start();
}

void Supervisor::start() {
  const unsigned number = next_number_++;
  auto launched = launch(number);
  if (!launched) return back_off(number, std::move(launched.error()), {});
  (current_ ? next_ : current_) = *launched;
  run(*launched);
}

std::expected<Supervisor::InstancePtr, std::string> Supervisor::launch(unsigned number) {
  const InstancePaths paths = host_.state.instance(gateway_, number);
  if (auto created = host_.state.create_instance(paths, bootstrap_json(bootstrap_of(number)));
      !created) {
    host_.state.remove_instance(paths);
    return std::unexpected(std::move(created.error()));
  }
  InstanceRecord record{gateway_, number, {}, fingerprint_of(*wanted_)};
  auto process = Process::spawn({arguments_of(*wanted_, paths.bootstrap), paths.log},
                                [&](const ProcessId& id) {
                                  record.process = id;
                                  return host_.state.write_record(record);
                                });
  if (!process) {
    host_.state.remove_instance(paths);
    return std::unexpected(std::move(process.error()));
  }
  return std::make_shared<Instance>(record, paths, *std::move(process), false, host_.context);
}

void Supervisor::run(const InstancePtr& instance) {
  // The tail and the exit watch end before the instance does, so a bare pointer is enough.
  Instance* self = instance.get();
  instance->lines = std::make_unique<LogFilter>([this, self](std::string_view line) {
    self->last_lines.emplace_back(line);
    if (self->last_lines.size() > kLastLines) self->last_lines.pop_front();
    if (host_.options.on_log) host_.options.on_log(gateway_, line);
  });
  instance->log =
      host_.logs.follow(instance->paths.log, instance->adopted,
                        [self](std::string_view line) { self->lines->add(line, Clock::now()); });
  instance->exit.assign(dup(instance->process.fd()));
  instance->exit.async_wait(asio::posix::stream_descriptor::wait_read,
                            [this, instance](const boost::system::error_code& error) {
                              if (!error && !released_) got_exit(instance);
                            });
  tell(*instance, ProxyState::kStarting);
  spawn(await_ready(instance));
}

asio::awaitable<void> Supervisor::await_ready(InstancePtr instance) {
  for (milliseconds pause{20};; pause = std::min(pause * 2, milliseconds(250))) {
    const auto reply = co_await admin_request(instance->paths.admin_socket, AdminMethod::kGet,
                                              kAdminReady, kAdminTimeout);
    if (instance->ended || instance->retiring || released_) co_return;
    if (reply && reply->status == 200) break;
    co_await sleep_for(pause);
  }
  got_ready(instance);
}

void Supervisor::got_ready(const InstancePtr& instance) {
  instance->ready_since = Clock::now();
  if (instance == next_) {
    retire(std::exchange(current_, std::exchange(next_, nullptr)), true, true);
  }
  tell(*instance, ProxyState::kReady);
}

void Supervisor::got_exit(const InstancePtr& instance) {
  instance->ended = true;
  host_.logs.end(std::exchange(instance->log, -1));
  instance->lines->end(Clock::now());
  std::string reason = instance->process.exit_reason();
  host_.state.remove_instance(instance->paths);
  if (retiring_.erase(instance) > 0) {
    tell(*instance, ProxyState::kStopped);
    return step();
  }
  if (instance == current_) current_.reset();
  if (instance == next_) next_.reset();
  const bool was_healthy =
      instance->ready_since && Clock::now() - *instance->ready_since >= host_.options.healthy_after;
  if (was_healthy) failures_ = 0;
  back_off(instance->record.number, std::move(reason),
           {instance->last_lines.begin(), instance->last_lines.end()});
  step();
}

void Supervisor::back_off(unsigned number, std::string reason, std::vector<std::string> log) {
  const auto& options = host_.options;
  const auto delay =
      std::min(options.max_backoff, options.first_backoff * (1 << std::min(failures_, 16U)));
  ++failures_;
  waiting_ = true;
  backoff_.expires_after(delay);
  backoff_.async_wait([self = shared_from_this(), round = ++backoff_round_](const auto&) {
    if (round != self->backoff_round_) return;
    self->waiting_ = false;
    self->step();
  });
  last_failure_ = {.gateway = gateway_,
                   .instance = number,
                   .state = ProxyState::kBackingOff,
                   .restarts = failures_,
                   .reason = std::move(reason),
                   .log = std::move(log)};
  host_.on_event(last_failure_);
}

void Supervisor::cancel_backoff() {
  ++backoff_round_;
  waiting_ = false;
  backoff_.cancel();
}

// Keeps this alive until the coroutine has ended.
void Supervisor::spawn(asio::awaitable<void> coroutine) {
  asio::co_spawn(host_.context, std::move(coroutine),
                 [self = shared_from_this()](const std::exception_ptr&) {});
}

void Supervisor::retire(InstancePtr instance, bool drain, bool replaced) {
  if (instance == nullptr || instance->ended) return;
  instance->retiring = true;
  retiring_.insert(instance);
  // From now on it is no match for any spec, also in the eyes of a later controller.
  instance->record.fingerprint.clear();
  (void)host_.state.write_record(instance->record);
  tell(*instance, ProxyState::kDraining);
  spawn(end(std::move(instance), drain, replaced));
}

asio::awaitable<void> Supervisor::end(InstancePtr instance, bool drain_first, bool replaced) {
  if (drain_first) co_await drain(instance, replaced);
  if (instance->ended || released_) co_return;
  instance->process.signal(SIGTERM);
  const auto deadline = Clock::now() + host_.options.kill_timeout;
  while (!instance->ended && Clock::now() < deadline) co_await sleep_for(kPoll);
  if (!instance->ended && !released_) instance->process.signal(SIGKILL);
}

// Tells clients to go elsewhere, and waits until they have. A replaced Envoy closes its listeners
// at once: its successor already accepts on the same ports. Otherwise it accepts until the end,
// answering with `connection: close`.
asio::awaitable<void> Supervisor::drain(InstancePtr instance, bool replaced) {
  const auto deadline = Clock::now() + host_.options.drain_timeout;
  const auto& socket = instance->paths.admin_socket;
  const auto post = [&](const char* target) {
    return admin_request(socket, AdminMethod::kPost, target, kAdminTimeout);
  };
  const auto failed = co_await post(kAdminFailHealthCheck);
  if (!failed) co_return;  // it has not come up, or hangs
  co_await post(replaced ? kAdminCloseListeners : kAdminDrainGracefully);
  while (!instance->ended && !released_ && !host_.hurry && Clock::now() < deadline) {
    const auto reply =
        co_await admin_request(socket, AdminMethod::kGet, kAdminConnections, kAdminTimeout);
    if (!reply || reply->status != 200 || parse_connections(reply->body) == 0) co_return;
    co_await sleep_for(kPoll);
  }
}

void Supervisor::tell(Instance& instance, ProxyState state) {
  instance.state = state;
  host_.on_event(event_of(instance));
}

ProxyEvent Supervisor::event_of(const Instance& instance) const {
  return {.gateway = gateway_,
          .instance = instance.record.number,
          .state = instance.state,
          .pid = instance.process.id().pid,
          .adopted = instance.adopted,
          .restarts = failures_};
}

BootstrapSpec Supervisor::bootstrap_of(unsigned number) const {
  return {.gateway = gateway_,
          .instance = number,
          .locality = host_.options.locality,
          .xds_socket = host_.state.xds_socket(),
          .admin_socket = host_.state.instance(gateway_, number).admin_socket,
          .limits = host_limits()};
}

std::vector<std::string> Supervisor::arguments_of(const ProxySpec& spec,
                                                  const std::string& bootstrap) const {
  const auto& options = host_.options;
  const auto drain = std::chrono::ceil<std::chrono::seconds>(options.drain_timeout).count();
  std::vector<std::string> arguments = {
      options.envoy,    "-c",
      bootstrap,        "--disable-hot-restart",
      "--log-level",    spec.log_level.empty() ? options.log_level : spec.log_level,
      "--drain-time-s", std::to_string(drain),
  };
  const unsigned concurrency = spec.concurrency != 0 ? spec.concurrency : options.concurrency;
  if (concurrency != 0) {
    arguments.insert(arguments.end(), {"--concurrency", std::to_string(concurrency)});
  }
  arguments.insert(arguments.end(), options.extra_arguments.begin(), options.extra_arguments.end());
  return arguments;
}

std::string Supervisor::fingerprint_of(const ProxySpec& spec) const {
  BootstrapSpec bootstrap = bootstrap_of(0);
  std::string text = bootstrap_json(bootstrap);
  for (const std::string& argument : arguments_of(spec, "")) text += argument + "\n";
  struct stat st{};
  if (stat(host_.options.envoy.c_str(), &st) == 0) {
    text += std::to_string(st.st_size) + " " + std::to_string(st.st_mtim.tv_sec);
  }
  std::array<char, 17> hash;
  std::snprintf(hash.data(), hash.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
  return hash.data();
}

}  // namespace kgw::deploy
