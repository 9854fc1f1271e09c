// Supervisor: the Envoys of one Gateway: the current one, during a replacement the next one, and
// those that are being drained. Every change (a wish, an exit, a proxy getting ready, a timer) ends
// in step(), which compares what is with what is wanted.
// Thread: that of the io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deploy/local/local_proxies.h"
#include "deploy/local/log_filter.h"
#include "deploy/local/log_tail.h"
#include "deploy/local/process.h"
#include "deploy/local/state_dir.h"

namespace kgw::deploy {

// What all supervisors of one LocalProxies share.
struct Host {
  const LocalProxiesOptions& options;
  const StateDir& state;
  boost::asio::io_context& context;
  LogTail& logs;
  std::function<void(const ProxyEvent&)> on_event;
  bool hurry = false;
};

// A process found running at start, and what is recorded of it.
struct Found {
  InstanceRecord record;
  Process process;
};

class Supervisor : public std::enable_shared_from_this<Supervisor> {
 public:
  // `on_idle`: nothing is wanted and nothing runs any more.
  Supervisor(Host& host, ObjectKey gateway, std::vector<Found> found,
             std::function<void()> on_idle);

  void want(const ProxySpec& spec);
  void drop(bool drain);
  bool wanted() const { return wanted_.has_value(); }
  bool idle() const;
  // The last word on the Gateway's Envoy; nothing when there is none.
  std::optional<ProxyEvent> present() const;
  // Lets go of all processes without touching them.
  void release();

 private:
  using Clock = std::chrono::steady_clock;

  struct Instance {
    Instance(InstanceRecord record, InstancePaths paths, Process process, bool adopted,
             boost::asio::io_context& context)
        : record(std::move(record)),
          paths(std::move(paths)),
          process(std::move(process)),
          adopted(adopted),
          exit(context) {}

    InstanceRecord record;
    InstancePaths paths;
    Process process;
    bool adopted;
    bool retiring = false;
    bool ended = false;
    ProxyState state = ProxyState::kStarting;
    std::optional<Clock::time_point> ready_since;
    int log = -1;
    std::unique_ptr<LogFilter> lines;
    std::deque<std::string> last_lines;
    boost::asio::posix::stream_descriptor exit;  // a duplicate of the process' pidfd
  };
  using InstancePtr = std::shared_ptr<Instance>;

  void step();
  void claim_found();
  void start();
  std::expected<InstancePtr, std::string> launch(unsigned number);
  void run(const InstancePtr& instance);
  boost::asio::awaitable<void> await_ready(InstancePtr instance);
  void got_ready(const InstancePtr& instance);
  void got_exit(const InstancePtr& instance);
  void retire(InstancePtr instance, bool drain, bool replaced);
  boost::asio::awaitable<void> end(InstancePtr instance, bool drain, bool replaced);
  boost::asio::awaitable<void> drain(InstancePtr instance, bool replaced);
  void back_off(unsigned number, std::string reason, std::vector<std::string> log);
  void cancel_backoff();
  void spawn(boost::asio::awaitable<void> coroutine);
  void tell(Instance& instance, ProxyState state);
  ProxyEvent event_of(const Instance& instance) const;

  BootstrapSpec bootstrap_of(unsigned number) const;
  std::vector<std::string> arguments_of(const ProxySpec& spec, const std::string& bootstrap) const;
  std::string fingerprint_of(const ProxySpec& spec) const;

  Host& host_;
  const ObjectKey gateway_;
  std::function<void()> on_idle_;
  std::optional<ProxySpec> wanted_;
  bool drain_on_drop_ = true;
  bool released_ = false;
  std::vector<Found> found_;  // not yet claimed
  InstancePtr current_;
  InstancePtr next_;  // replaces current_ once it is ready
  std::set<InstancePtr> retiring_;
  unsigned next_number_ = 0;
  unsigned failures_ = 0;
  bool waiting_ = false;        // for the backoff
  unsigned backoff_round_ = 0;  // tells a cancelled wait from the present one
  ProxyEvent last_failure_;
  boost::asio::steady_timer backoff_;
};

}  // namespace kgw::deploy
