// LocalProxies: one Envoy per Gateway as a process of this host, for standalone mode.
//
// An Envoy is a process of its own session that writes its log to a file: it survives a controller
// that crashes, and the next one with the same state directory takes it over if it was started the
// same way (fingerprint of bootstrap, arguments and binary). Otherwise, and when a spec changes, a
// second Envoy is started beside it (both listen: SO_REUSEPORT); once that one is ready the old one
// closes its listeners, finishes its connections and is ended. A crashed Envoy is started again
// with a growing delay. No process is ever signalled that is not known by pid, start time and
// command line to be one of ours.
// Thread: all functions may be called from any thread; callbacks come from one thread of its own
// and must not call stop().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/ref.h"
#include "deploy/local/bootstrap.h"

namespace kgw::deploy {

// How one Gateway's Envoy is to be run. A change replaces it gracefully.
struct ProxySpec {
  unsigned concurrency = 0;  // worker threads; 0 = the options' value
  std::string log_level;     // empty = the options' value

  friend bool operator==(const ProxySpec&, const ProxySpec&) = default;
};

enum class ProxyState {
  kStarting,    // runs, has no configuration yet
  kReady,       // serves
  kBackingOff,  // ended or failed to start; `reason` says why; will be started again
  kDraining,    // finishes its connections
  kStopped,
};

struct ProxyEvent {
  ObjectKey gateway;
  unsigned instance = 0;
  ProxyState state = ProxyState::kStopped;
  pid_t pid = 0;
  bool adopted = false;   // was started by a former controller
  unsigned restarts = 0;  // unwanted ends in a row
  std::string reason;     // kBackingOff: "exit code 1", "cannot run /x/envoy: Permission denied"
  std::vector<std::string> log;  // kBackingOff: the last lines it wrote
};

struct LocalProxiesOptions {
  std::string envoy;      // path of the binary
  std::string state_dir;  // see state_dir.h; default_state_dir()
  Locality locality;
  unsigned concurrency = 0;  // 0 = Envoy's default, one worker per CPU
  std::string log_level = "info";
  std::vector<std::string> extra_arguments;  // for every Envoy
  std::chrono::milliseconds drain_timeout{10'000};
  std::chrono::milliseconds kill_timeout{5'000};  // from SIGTERM to SIGKILL
  std::chrono::milliseconds first_backoff{100};   // doubles up to max_backoff
  std::chrono::milliseconds max_backoff{10'000};
  std::chrono::milliseconds healthy_after{30'000};  // ready for so long: the backoff starts anew
  std::function<void(const ObjectKey& gateway, std::string_view line)> on_log;
  std::function<void(const ProxyEvent&)> on_event;
};

class LocalProxies {
 public:
  // Takes possession of the state directory. Proxies that run there go on untouched until ensure(),
  // remove_unclaimed() or stop(). The error is one sentence for the user.
  static std::expected<std::unique_ptr<LocalProxies>, std::string> open(
      LocalProxiesOptions options);
  ~LocalProxies();  // as stop(kKeep) unless stopped

  // Where the controller must serve xDS. The parent directory exists and is private.
  const std::string& xds_socket() const;

  // Runs an Envoy for the Gateway as specified: takes over, starts, replaces, or does nothing.
  void ensure(const ObjectKey& gateway, const ProxySpec& spec);
  // Drains and ends the Gateway's Envoy; without `drain` ends it at once.
  void remove(const ObjectKey& gateway, bool drain = true);
  // To be called when every wanted Gateway has been ensured since the start: removes what a former
  // controller left running for others.
  void remove_unclaimed();

  enum class OnStop { kDrain, kKeep };
  // kDrain: drains and ends all; kKeep: leaves them running. Returns when that is done.
  void stop(OnStop mode);
  // Cuts every drain short, now and later (a second SIGTERM).
  void hurry();

  // StateDir::restore(). To be called now and then.
  std::expected<void, std::string> restore_state_dir();
  // How the path of the configuration begins with which any Envoy of the Gateway runs.
  std::string directory(const ObjectKey& gateway) const;
  // Of the Gateway's present Envoy; empty when there is none.
  std::string admin_socket(const ObjectKey& gateway) const;
  // The present Envoy of every Gateway, as its last event told.
  std::vector<ProxyEvent> list() const;

 private:
  class Impl;
  explicit LocalProxies(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kgw::deploy
