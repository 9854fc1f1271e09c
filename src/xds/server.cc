#include "xds/server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "xds/hub.h"
#include "xds/peer.h"
#include "xds/session.h"
#include "xds/strangers.h"
#include "xds/unix_socket.h"
#include "xds/wire.h"
#include "xds/writer.h"

namespace kgw::xds {
namespace {

constexpr std::string_view kService = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";

std::optional<Protocol> protocol_of(std::string_view method) {
  if (!method.starts_with(kService)) return std::nullopt;
  method.remove_prefix(kService.size());
  if (method == "DeltaAggregatedResources") return Protocol::kDelta;
  if (method == "StreamAggregatedResources") return Protocol::kStateOfTheWorld;
  return std::nullopt;
}

// Answers a call that is not taken.
class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(grpc::Status status) { Finish(std::move(status)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace

// What gRPC's threads and the core thread share. Outlives the AdsServer while calls end.
class ServerCore final : public grpc::CallbackGenericService,
                         public SessionHost,
                         public Sink,
                         public std::enable_shared_from_this<ServerCore> {
 public:
  ServerCore(ServerOptions options, AdsServer::Executor post, LedgerObserver& observer)
      : options_(std::move(options)),
        post_(std::move(post)),
        hub_(options_.stream, *this, observer, Clock::now()),
        strangers_(options_.strangers) {}

  std::expected<void, std::string> start();
  void shutdown(std::chrono::milliseconds grace);
  int tcp_port() const { return tcp_port_; }
  Hub& hub() { return hub_; }
  void tick(Time now) {
    encoder_.forget();
    hub_.tick(now);
    end_strangers(now);
  }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  Session* new_session(Protocol protocol, Peer peer);
  void end_strangers(Time now);

  // Thread: gRPC's.
  void admit(const Peer& peer,
             std::function<void(std::expected<void, std::string>)> answer) override {
    options_.admit ? options_.admit(peer, std::move(answer)) : answer({});
  }
  void known(StreamId id) override {
    std::lock_guard lock(mutex_);
    strangers_.remove(id);
  }
  void authorise(const Peer& peer, const Node& node, std::function<void(Verdict)> answer) override {
    options_.authorise(peer, node, std::move(answer));
  }
  void received(StreamId id, std::optional<Proxy> proxy, Request request) override;
  void refused() override {
    run([](ServerCore& core) { ++core.hub_.stats().streams_refused; });
  }
  void schedule(std::shared_ptr<Session> session, bool large) override {
    writer_.schedule(std::move(session), large);
  }
  void done(StreamId id) override;

  // Thread: the core.
  std::size_t send(StreamId id, Protocol protocol, const Response& response) override;
  void read_next(StreamId id) override;
  void close(StreamId id, const std::string& reason) override;

  // Runs `action` on the core thread unless the server has been shut down by then.
  template <typename Action>
  void run(Action action) {
    post_([self = shared_from_this(), action = std::move(action)]() mutable {
      if (!self->stopped_) action(*self);
    });
  }
  std::shared_ptr<Session> session(StreamId id);

  const ServerOptions options_;
  const AdsServer::Executor post_;
  Hub hub_;  // the core's, as the next
  Encoder encoder_;
  Writer writer_;
  std::unique_ptr<grpc::Server> server_;
  int tcp_port_ = 0;
  std::atomic<bool> stopped_ = false;

  std::mutex mutex_;  // guards what follows
  StreamId last_id_ = 0;
  Strangers strangers_;
  absl::flat_hash_map<StreamId, std::shared_ptr<Session>> sessions_;
};

std::expected<void, std::string> ServerCore::start() {
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(this);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options_.max_request_bytes));
  builder.SetMaxSendMessageSize(-1);
  // A proxy that vanished without a word is noticed, and one may ask whether we are still there.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A connection that has once said much would keep buffers for as much again.
  builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, 1024);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 8192);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_ENCODER, 0);
  builder.AddChannelArgument(GRPC_ARG_MINIMAL_STACK, 1);
  if (!options_.unix_socket.empty()) {
    if (auto cleared = clear_socket_path(options_.unix_socket); !cleared) return cleared;
    builder.AddListeningPort("unix:" + options_.unix_socket, grpc::InsecureServerCredentials());
  }
  if (!options_.tcp_address.empty()) {
    builder.AddListeningPort(
        options_.tcp_address,
        options_.tcp_credentials ? options_.tcp_credentials : grpc::InsecureServerCredentials(),
        &tcp_port_);
  }
  {
    const PrivateUmask umask;
    server_ = builder.BuildAndStart();
  }
  if (server_ == nullptr) {
    return std::unexpected("cannot listen on " + options_.unix_socket +
                           (options_.unix_socket.empty() ? "" : " ") + options_.tcp_address);
  }
  writer_.start();
  return {};
}

void ServerCore::shutdown(std::chrono::milliseconds grace) {
  if (server_ == nullptr) return;
  stopped_ = true;
  absl::flat_hash_map<StreamId, std::shared_ptr<Session>> sessions;
  {
    std::lock_guard lock(mutex_);
    sessions = sessions_;
  }
  for (const auto& [id, session] : sessions) {
    session->finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the controller shuts down"));
  }
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
  server_.reset();
  writer_.stop();
}

grpc::ServerGenericBidiReactor* ServerCore::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  const auto protocol = protocol_of(context->method());
  if (!protocol) {
    if (options_.other_calls) {
      if (auto* taken = options_.other_calls(context); taken != nullptr) return taken;
    }
    return new Refusal({grpc::StatusCode::UNIMPLEMENTED,
                        context->method() + " is not served here; use " + std::string(kService) +
                            "DeltaAggregatedResources or StreamAggregatedResources"});
  }
  if (auto* session = new_session(*protocol, peer_of(*context))) return session;
  refused();
  return new Refusal({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many streams"});
}

// Null: there are too many. Admission is asked without the lock, for the answer may come at once.
Session* ServerCore::new_session(Protocol protocol, Peer peer) {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || sessions_.size() >= options_.max_streams) return nullptr;
    const StreamId id = ++last_id_;
    if (options_.admit && !strangers_.add(id, peer.address, Clock::now())) return nullptr;
    session = Session::create(id, protocol, std::move(peer), shared_from_this());
    sessions_[id] = session;
  }
  session->admit();
  return session.get();
}

void ServerCore::end_strangers(Time now) {
  std::vector<std::shared_ptr<Session>> overdue;
  {
    std::lock_guard lock(mutex_);
    for (const StreamId id : strangers_.overdue(now)) {
      if (const auto found = sessions_.find(id); found != sessions_.end()) {
        overdue.push_back(found->second);
      }
    }
  }
  for (const auto& session : overdue) {
    session->finish({grpc::StatusCode::DEADLINE_EXCEEDED, "who this is was not known in time"});
  }
}

void ServerCore::received(StreamId id, std::optional<Proxy> proxy, Request request) {
  std::lock_guard lock(mutex_);  // so that the core never hears of it after its end
  if (!sessions_.contains(id)) return;
  run([id, proxy = std::move(proxy), request = std::move(request)](ServerCore& core) mutable {
    if (proxy) core.hub_.opened(id, std::move(*proxy));
    core.hub_.request(id, std::move(request));
  });
}

void ServerCore::done(StreamId id) {
  std::shared_ptr<Session> ended;  // outlives the lock
  std::lock_guard lock(mutex_);
  strangers_.remove(id);
  if (auto found = sessions_.find(id); found != sessions_.end()) {
    ended = std::move(found->second);
    sessions_.erase(found);
  }
  run([id](ServerCore& core) { core.hub_.closed(id); });
}

std::shared_ptr<Session> ServerCore::session(StreamId id) {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

std::size_t ServerCore::send(StreamId id, Protocol protocol, const Response& response) {
  const auto receiver = session(id);
  if (receiver == nullptr) return 0;
  grpc::ByteBuffer message = encoder_.encode(protocol, response);
  const std::size_t size = message.Length();
  receiver->write(std::move(message));
  return size;
}

void ServerCore::read_next(StreamId id) {
  if (const auto reader = session(id)) reader->read_next();
}

void ServerCore::close(StreamId id, const std::string& reason) {
  if (const auto ended = session(id)) {
    ended->finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, reason));
  }
}

AdsServer::AdsServer(ServerOptions options, Executor post, LedgerObserver& observer)
    : core_(std::make_shared<ServerCore>(std::move(options), std::move(post), observer)) {}

AdsServer::~AdsServer() { shutdown(std::chrono::milliseconds(0)); }

std::expected<void, std::string> AdsServer::start() { return core_->start(); }

void AdsServer::shutdown(std::chrono::milliseconds grace) { core_->shutdown(grace); }

int AdsServer::tcp_port() const { return core_->tcp_port(); }

void AdsServer::publish(const ObjectKey& group, Edit edit) {
  core_->hub().publish(group, std::move(edit));
}

void AdsServer::remove_group(const ObjectKey& group) { core_->hub().remove_group(group); }

void AdsServer::set_synced() { core_->hub().set_synced(); }

void AdsServer::tick(Time now) { core_->tick(now); }

const Ledger& AdsServer::ledger() const { return core_->hub(); }

const Stats& AdsServer::stats() const { return core_->hub().stats(); }

}  // namespace kgw::xds
