#include "deploy/local/local_proxies.h"

#include <pthread.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "deploy/local/supervisor.h"

namespace kgw::deploy {

namespace asio = boost::asio;

class LocalProxies::Impl {
 public:
  Impl(LocalProxiesOptions options, StateDir state)
      : options_(std::move(options)),
        state_(std::move(state)),
        xds_socket_(state_.xds_socket()),
        logs_(context_),
        host_{options_, state_, context_, logs_, [this](const ProxyEvent& e) { on_event(e); }},
        work_(context_.get_executor()) {
    std::map<ObjectKey, std::vector<Found>> found;
    for (InstanceRecord& record : state_.records()) {
      const InstancePaths paths = state_.instance(record.gateway, record.number);
      if (auto process = Process::find(record.process, paths.bootstrap)) {
        found[record.gateway].push_back({std::move(record), *std::move(process)});
      } else {
        state_.remove_instance(paths);
      }
    }
    for (auto& [gateway, instances] : found) supervisor(gateway, std::move(instances));
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() { stop(OnStop::kKeep); }

  const std::string& xds_socket() const { return xds_socket_; }

  void ensure(const ObjectKey& gateway, const ProxySpec& spec) {
    asio::post(context_, [this, gateway, spec] {
      if (!stopping_) supervisor(gateway, {}).want(spec);
    });
  }

  void remove(const ObjectKey& gateway, bool drain) {
    asio::post(context_, [this, gateway, drain] {
      const auto found = supervisors_.find(gateway);
      if (found != supervisors_.end()) found->second->drop(drain);
    });
  }

  void remove_unclaimed() {
    asio::post(context_, [this] {
      for (auto& [gateway, supervisor] : supervisors_) {
        if (!supervisor->wanted()) supervisor->drop(true);
      }
    });
  }

  void hurry() {
    asio::post(context_, [this] { host_.hurry = true; });
  }

  void stop(OnStop mode) {
    const std::lock_guard lock(stop_mutex_);
    if (!thread_.joinable()) return;
    asio::post(context_, [this, mode] {
      stopping_ = true;
      for (auto& [gateway, supervisor] : supervisors_) {
        mode == OnStop::kKeep ? supervisor->release() : supervisor->drop(true);
      }
      if (mode == OnStop::kKeep) context_.stop();
      finish_if_idle();
    });
    thread_.join();
  }

  std::expected<void, std::string> restore_state_dir() const { return state_.restore(); }
  std::string directory(const ObjectKey& gateway) const { return state_.proxies_of(gateway); }

  std::string admin_socket(const ObjectKey& gateway) const {
    const std::lock_guard lock(mutex_);
    const auto found = present_.find(gateway);
    if (found == present_.end()) return {};
    return state_.instance(gateway, found->second.instance).admin_socket;
  }

  std::vector<ProxyEvent> list() const {
    const std::lock_guard lock(mutex_);
    std::vector<ProxyEvent> all;
    for (const auto& [gateway, event] : present_) all.push_back(event);
    return all;
  }

 private:
  void run() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    context_.run();
  }

  Supervisor& supervisor(const ObjectKey& gateway, std::vector<Found> found) {
    auto& entry = supervisors_[gateway];
    if (entry == nullptr) {
      // Erased later: the supervisor itself is on the stack when it says that it is idle.
      const auto on_idle = [this, gateway] {
        asio::post(context_, [this, gateway] { forget(gateway); });
      };
      entry = std::make_shared<Supervisor>(host_, gateway, std::move(found), on_idle);
    }
    return *entry;
  }

  void forget(const ObjectKey& gateway) {
    const auto found = supervisors_.find(gateway);
    if (found != supervisors_.end() && found->second->idle()) supervisors_.erase(found);
    finish_if_idle();
  }

  void finish_if_idle() {
    if (stopping_ && supervisors_.empty()) context_.stop();
  }

  void on_event(const ProxyEvent& event) {
    // An instance that is on its way out does not speak for the Gateway.
    if (auto present = supervisors_.at(event.gateway)->present()) {
      const std::lock_guard lock(mutex_);
      present_[event.gateway] = *std::move(present);
    } else {
      const std::lock_guard lock(mutex_);
      present_.erase(event.gateway);
    }
    if (options_.on_event) options_.on_event(event);
  }

  const LocalProxiesOptions options_;
  const StateDir state_;
  const std::string xds_socket_;
  asio::io_context context_{1};
  LogTail logs_;
  Host host_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::map<ObjectKey, std::shared_ptr<Supervisor>> supervisors_;
  bool stopping_ = false;
  mutable std::mutex mutex_;
  std::map<ObjectKey, ProxyEvent> present_;  // guarded by mutex_
  std::mutex stop_mutex_;
  std::thread thread_;
};

namespace {

// As a shell finds programs; empty if there is none.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return access(name.c_str(), X_OK) == 0 ? std::filesystem::absolute(name).string() : "";
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

}  // namespace

std::expected<std::unique_ptr<LocalProxies>, std::string> LocalProxies::open(
    LocalProxiesOptions options) {
  const std::string envoy = find_program(options.envoy);
  if (envoy.empty()) {
    return std::unexpected("there is no Envoy at '" + options.envoy +
                           "' that can be run; name one with --envoy");
  }
  options.envoy = envoy;
  auto state = StateDir::open(options.state_dir);
  if (!state) return std::unexpected(std::move(state.error()));
  return std::unique_ptr<LocalProxies>(
      new LocalProxies(std::make_unique<Impl>(std::move(options), *std::move(state))));
}

LocalProxies::LocalProxies(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalProxies::~LocalProxies() = default;

const std::string& LocalProxies::xds_socket() const { return impl_->xds_socket(); }
void LocalProxies::ensure(const ObjectKey& gateway, const ProxySpec& spec) {
  impl_->ensure(gateway, spec);
}
void LocalProxies::remove(const ObjectKey& gateway, bool drain) { impl_->remove(gateway, drain); }
void LocalProxies::remove_unclaimed() { impl_->remove_unclaimed(); }
void LocalProxies::stop(OnStop mode) { impl_->stop(mode); }
void LocalProxies::hurry() { impl_->hurry(); }
std::expected<void, std::string> LocalProxies::restore_state_dir() {
  return impl_->restore_state_dir();
}
std::string LocalProxies::directory(const ObjectKey& gateway) const {
  return impl_->directory(gateway);
}
std::string LocalProxies::admin_socket(const ObjectKey& gateway) const {
  return impl_->admin_socket(gateway);
}
std::vector<ProxyEvent> LocalProxies::list() const { return impl_->list(); }

}  // namespace kgw::deploy
