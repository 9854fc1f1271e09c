// Replica link: how the replicas of the controller tell the one that leads what their proxies have
// taken over (status/replicas.h).
//
// A follower opens one stream to the leader's xDS port and sends a report (status/replica_report.h)
// of each Gateway that has proxies there, then of each that has changed: at most every 100 ms, one
// message at a time, always the latest. When the stream ends the leader forgets what came by it,
// and the follower starts anew a second later, with everything. It proves by a ServiceAccount token
// that it is a replica.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/ref.h"
#include "app/event_loop.h"
#include "status/replica_report.h"

namespace grpc {
class ByteBuffer;
class Channel;
class ChannelCredentials;
class GenericCallbackServerContext;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace kgw::app {

inline constexpr const char* kReportMethod = "/kgateway.replicas.v1.Replicas/Report";
// Of one message. A Gateway of which there is more to say is reported without details.
inline constexpr std::size_t kMaxReportBytes = 8 << 20;

// The leader's end. Thread: the core, where nothing else is said.
class ReportReceiver {
 public:
  // Whether who shows this token (empty: none) is a replica, else why not. Answers once, now or
  // later, on any thread. Thread: called on gRPC's.
  using Check = std::function<void(const std::string& token,
                                   std::function<void(std::expected<void, std::string>)> answer)>;
  // On the core. A replica that comes back is not gone.
  struct Events {
    std::function<void(const std::string& replica, status::DecodedReport report)> report;
    std::function<void(const std::string& replica)> gone;
  };

  // `loop` must outlive the server that calls accept().
  ReportReceiver(EventLoop& loop, Check check, Events events);
  ~ReportReceiver();

  // For xds::ServerOptions::other_calls. Thread: gRPC's.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* accept(
      grpc::GenericCallbackServerContext* context);
  // Whether this replica leads. Closing ends all streams.
  void set_open(bool open);

 private:
  class Incoming;
  struct State;
  const std::shared_ptr<State> state_;
};

// A follower's end. Thread: the core.
class ReportSender {
 public:
  struct Options {
    std::string replica;  // who this is; unique
    // Of this replica, empty: none is shown. Called at each connection.
    std::function<std::string()> token = [] { return std::string(); };
    std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: plain text
    std::string server_name;  // with credentials: the name that the leader is asked by
    std::chrono::milliseconds interval{100};
    std::chrono::milliseconds back_off{1'000};
  };
  // What there is to say of a Gateway now, and of which there may be something.
  struct Source {
    std::function<status::GatewayReport(const ObjectKey&)> report;
    std::function<std::vector<ObjectKey>()> gateways;
  };

  // `loop` must outlive this.
  ReportSender(EventLoop& loop, Options options, Source source);
  ~ReportSender();  // waits until gRPC has done with the stream

  // Where the leader is; empty: nobody is to be told.
  void report_to(const std::string& address);
  // There may be something else to say of the Gateway.
  void changed(const ObjectKey& gateway);

 private:
  class Outgoing;
  using StreamNumber = std::uint64_t;

  void connect();
  void disconnect();
  void schedule();
  void send_next();
  bool send(const ObjectKey& gateway);
  void written(StreamNumber stream);
  void ended(StreamNumber stream, const std::string& reason);
  // Runs `action` on the loop unless this is gone by then.
  void later(std::chrono::milliseconds delay, std::function<void()> action);

  EventLoop& loop_;
  const Options options_;
  const Source source_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Outgoing> call_;
  StreamNumber stream_ = 0;  // which one `call_` is; events of others are void
  std::chrono::steady_clock::time_point connected_;
  bool writing_ = false;
  bool scheduled_ = false;
  std::chrono::steady_clock::time_point last_round_;
  std::set<ObjectKey> changed_;            // to be looked at in the next round
  std::set<ObjectKey> round_;              // in this one
  std::map<ObjectKey, std::size_t> told_;  // hashes of what the leader knows
  std::string complaint_;                  // as last logged
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kgw::app
