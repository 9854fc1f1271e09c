#include "app/replica_link.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string_view>
#include <utility>

#include "xds/peer.h"

namespace kgw::app {
namespace {

constexpr const char* kReplicaHeader = "kgateway-replica";
constexpr std::size_t kMaxStreams = 64;  // of replicas there are few
// A stream that has lasted so long was a good one.
constexpr std::chrono::seconds kLasting{10};

std::string header(const grpc::GenericCallbackServerContext& context, const char* name) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(name);
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

grpc::ByteBuffer buffer_of(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

}  // namespace

// ---- the leader's end ----

struct ReportReceiver::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, Check check, Events events)
      : loop(loop), check(std::move(check)), events(std::move(events)) {}

  // Says the same only once, however often it is tried.
  void complain(const std::string& complaint) {
    std::lock_guard lock(mutex);
    if (std::exchange(last_complaint, complaint) != complaint) spdlog::warn("{}", complaint);
  }

  EventLoop& loop;
  const Check check;
  const Events events;
  std::map<std::string, const Incoming*> latest;  // stream of each replica; the core's

  std::mutex mutex;  // guards what follows
  bool open = false;
  std::string last_complaint;
  std::set<std::shared_ptr<Incoming>> streams;
};

// One stream. Owns itself while gRPC uses it. Reads on when the core has taken what came before.
class ReportReceiver::Incoming final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public std::enable_shared_from_this<Incoming> {
 public:
  Incoming(std::shared_ptr<State> state, std::string replica)
      : state_(std::move(state)), replica_(std::move(replica)) {}

  void keep() { self_ = shared_from_this(); }
  const std::string& replica() const { return replica_; }
  State& state() { return *state_; }

  void read_next() {
    std::lock_guard lock(mutex_);
    if (!finished_) StartRead(&incoming_);
  }

  void finish(grpc::Status status) {
    std::lock_guard lock(mutex_);
    if (!std::exchange(finished_, true)) Finish(std::move(status));
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return finish(grpc::Status::OK);
    auto report =
        incoming_.Length() > kMaxReportBytes
            ? std::unexpected("it is longer than " + std::to_string(kMaxReportBytes) + " bytes")
            : status::decode_report(text_of(incoming_));
    incoming_.Clear();
    if (!report) {
      spdlog::warn("a report of replica {} is left out: {}", replica_, report.error());
      return read_next();
    }
    for (const std::string& field : report->unknown) {
      if (warned_.insert(field).second) {
        spdlog::warn("reports of replica {} have a field that is not known here: {}", replica_,
                     field);
      }
    }
    state_->loop.post([self = self_, report = std::move(*report)]() mutable {
      self->take(std::move(report));
      self->read_next();
    });
  }

  // Thread: the core.
  void take(status::DecodedReport report) {
    {
      std::lock_guard lock(state_->mutex);  // what comes after the end is void
      if (!state_->streams.contains(shared_from_this())) return;
    }
    const Incoming*& latest = state_->latest[replica_];
    if (latest != this) {
      if (latest != nullptr) state_->events.gone(replica_);  // its earlier stream
      latest = this;
    }
    state_->events.report(replica_, std::move(report));
  }

  void OnCancel() override { finish(grpc::Status::CANCELLED); }

  void OnDone() override {
    {
      std::lock_guard lock(state_->mutex);
      state_->streams.erase(self_);
    }
    state_->loop.post([state = state_, replica = replica_, stream = this] {
      const auto found = state->latest.find(replica);
      if (found == state->latest.end() || found->second != stream) return;
      state->latest.erase(found);
      state->events.gone(replica);
    });
    std::shared_ptr<Incoming> self;
    std::lock_guard lock(mutex_);  // whoever called finish() must have left it
    self = std::move(self_);
  }

  const std::shared_ptr<State> state_;
  const std::string replica_;
  std::shared_ptr<Incoming> self_;
  grpc::ByteBuffer incoming_;
  std::set<std::string> warned_;
  std::mutex mutex_;  // guards what follows, and every call into gRPC
  bool finished_ = false;
};

ReportReceiver::ReportReceiver(EventLoop& loop, Check check, Events events)
    : state_(std::make_shared<State>(loop, std::move(check), std::move(events))) {}

ReportReceiver::~ReportReceiver() = default;

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ReportReceiver::accept(
    grpc::GenericCallbackServerContext* context) {
  if (context->method() != kReportMethod) return nullptr;
  const std::string name = header(*context, kReplicaHeader);
  const auto stream = std::make_shared<Incoming>(state_, name.empty() ? context->peer() : name);
  stream->keep();
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->open) {
      stream->finish({grpc::StatusCode::UNAVAILABLE, "this replica does not lead"});
      return stream.get();
    }
    if (state_->streams.size() >= kMaxStreams) {
      stream->finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many replicas report"});
      return stream.get();
    }
    state_->streams.insert(stream);
  }
  state_->check(
      xds::peer_of(*context).bearer_token, [stream](std::expected<void, std::string> allowed) {
        if (allowed) return stream->read_next();
        stream->state().complain(stream->replica() + " may not report: " + allowed.error());
        stream->finish({grpc::StatusCode::PERMISSION_DENIED, allowed.error()});
      });
  return stream.get();
}

void ReportReceiver::set_open(bool open) {
  std::set<std::shared_ptr<Incoming>> streams;
  {
    std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->open, open) == open || open) return;
    streams = state_->streams;
  }
  for (const auto& stream : streams) {
    stream->finish({grpc::StatusCode::UNAVAILABLE, "this replica does not lead any more"});
  }
}

// ---- a follower's end ----

// One stream. Its owner keeps it until gRPC has done with it, and lets go of it on the core thread:
// with it may go the last user of gRPC's threads, which one of these could not wait for.
class ReportSender::Outgoing final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // Both are called on gRPC's threads, `ended` once and last.
  struct Events {
    std::function<void()> written;
    std::function<void(const std::string& reason)> ended;
  };

  explicit Outgoing(Events events) : events_(std::move(events)) {}

  void start(const std::shared_ptr<grpc::Channel>& channel, const std::string& replica,
             const std::string& token) {
    context_.AddMetadata(kReplicaHeader, replica);
    if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
    grpc::GenericStub(channel).PrepareBidiStreamingCall(&context_, kReportMethod, {}, this);
    AddHold();  // until the read has ended: other threads start writes
    StartRead(&incoming_);
    StartCall();
  }

  // REQUIRES: the last one is written.
  void write(const std::string& text) {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    outgoing_ = buffer_of(text);
    StartWrite(&outgoing_);
  }

  void cancel() { context_.TryCancel(); }
  void wait() { done_->get_future().wait(); }

 private:
  void OnWriteDone(bool ok) override {
    if (ok) events_.written();
  }

  // The leader says nothing until it ends the stream.
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&incoming_);
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::string reason =
        status.error_message().empty() ? "it ended the stream" : status.error_message();
    const auto done = done_;
    const auto ended = events_.ended;
    ended(reason);  // the owner may let go of this at once
    done->set_value();
  }

  const Events events_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  const std::shared_ptr<std::promise<void>> done_ = std::make_shared<std::promise<void>>();
  std::mutex mutex_;  // guards what follows, and the start of a write
  bool ended_ = false;
};

ReportSender::ReportSender(EventLoop& loop, Options options, Source source)
    : loop_(loop), options_(std::move(options)), source_(std::move(source)) {}

ReportSender::~ReportSender() { disconnect(); }

void ReportSender::later(std::chrono::milliseconds delay, std::function<void()> action) {
  loop_.post_at(std::chrono::steady_clock::now() + delay,
                [alive = std::weak_ptr(alive_), action = std::move(action)] {
                  if (!alive.expired()) action();
                });
}

void ReportSender::report_to(const std::string& address) {
  if (address == address_) return;
  disconnect();
  address_ = address;
  complaint_.clear();
  if (address_.empty()) return;
  spdlog::info("reporting what proxies have taken over to the leader at {}", address_);
  connect();
}

void ReportSender::connect() {
  if (address_.empty() || call_ != nullptr) return;
  if (channel_ == nullptr) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // Each attempt is a connection; how often there is one is decided here.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
    // A leader that vanished without a word is noticed.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    if (!options_.server_name.empty()) arguments.SetSslTargetNameOverride(options_.server_name);
    channel_ = grpc::CreateCustomChannel(
        address_, options_.credentials ? options_.credentials : grpc::InsecureChannelCredentials(),
        arguments);
  }
  const auto post = [this, alive = std::weak_ptr(alive_)](auto action) {
    loop_.post([alive, action = std::move(action)] {
      if (!alive.expired()) action();
    });
  };
  const StreamNumber stream = ++stream_;
  call_ = std::make_unique<Outgoing>(Outgoing::Events{
      .written = [this, post, stream] { post([this, stream] { written(stream); }); },
      .ended =
          [this, post, stream](const std::string& reason) {
            post([this, stream, reason] { ended(stream, reason); });
          }});
  connected_ = std::chrono::steady_clock::now();
  const auto gateways = source_.gateways();
  changed_.insert(gateways.begin(), gateways.end());
  call_->start(channel_, options_.replica, options_.token());
  schedule();
}

void ReportSender::disconnect() {
  if (const auto call = std::exchange(call_, nullptr)) {
    call->cancel();
    call->wait();
  }
  channel_.reset();
  address_.clear();
  told_.clear();
  changed_.clear();
  round_.clear();
  writing_ = false;
}

void ReportSender::changed(const ObjectKey& gateway) {
  if (call_ == nullptr) return;  // the next stream begins with everything
  changed_.insert(gateway);
  schedule();
}

void ReportSender::schedule() {
  if (scheduled_ || writing_ || !round_.empty() || changed_.empty()) return;
  scheduled_ = true;
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - last_round_);
  later(std::max(options_.interval - since, std::chrono::milliseconds(0)), [this] {
    scheduled_ = false;
    if (call_ == nullptr || writing_) return;
    last_round_ = std::chrono::steady_clock::now();
    round_ = std::exchange(changed_, {});
    send_next();
  });
}

void ReportSender::send_next() {
  while (!round_.empty() && !writing_) {
    const ObjectKey gateway = *round_.begin();
    round_.erase(round_.begin());
    writing_ = send(gateway);
  }
  schedule();
}

// False: the leader knows it already.
bool ReportSender::send(const ObjectKey& gateway) {
  const status::GatewayReport report = source_.report(gateway);
  const auto told = told_.find(gateway);
  if (report.proxies == 0 && told == told_.end()) return false;
  std::string text = status::encode_report(gateway, report);
  if (text.size() > kMaxReportBytes) {
    spdlog::warn("the report of Gateway {} is longer than {} bytes; its details are left out",
                 to_string(gateway), kMaxReportBytes);
    text = status::encode_report(gateway, {.proxies = report.proxies, .resources = {}, .held = {}});
  }
  const std::size_t hash = std::hash<std::string>()(text);
  if (told != told_.end() && told->second == hash) return false;
  if (report.proxies == 0) {
    told_.erase(told);
  } else {
    told_[gateway] = hash;
  }
  call_->write(text);
  return true;
}

void ReportSender::written(StreamNumber stream) {
  if (call_ == nullptr || stream != stream_) return;
  writing_ = false;
  send_next();
}

void ReportSender::ended(StreamNumber stream, const std::string& reason) {
  if (call_ == nullptr || stream != stream_) return;
  call_.reset();
  writing_ = false;
  told_.clear();
  changed_.clear();
  round_.clear();
  // Not once a second.
  const bool lasted = std::chrono::steady_clock::now() - connected_ > kLasting;
  if (std::exchange(complaint_, reason) != reason || lasted) {
    spdlog::warn("the leader at {} takes no reports: {}", address_, reason);
  }
  later(options_.back_off, [this] { connect(); });
}

}  // namespace kgw::app
