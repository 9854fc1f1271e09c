// AdsServer: the aggregated discovery service of Envoy (v3) over gRPC.
//
// gRPC's threads read, parse and authorise; everything else happens on the core thread, which they
// reach through `post`. A stream reads its next request only when the core has taken the last, and
// has at most one response per type in flight, so neither side can make the other queue without
// bound.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "api/ref.h"
#include "xds/authorise.h"
#include "xds/ledger.h"
#include "xds/stats.h"
#include "xds/strangers.h"
#include "xds/stream.h"

namespace grpc {
class ByteBuffer;
class GenericCallbackServerContext;
class ServerCredentials;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace kgw::xds {

class ServerCore;

struct ServerOptions {
  std::string unix_socket;  // path; empty: none. Made with mode 0600
  std::string tcp_address;  // "127.0.0.1:9977", port 0: any free one; empty: none
  std::shared_ptr<grpc::ServerCredentials> tcp_credentials;  // null: plain text
  Authoriser authorise = [](const Peer&, const Node& node, const auto& answer) {
    answer(group_of(node));
  };
  Admission admit;           // null: all clients may speak, and none is a stranger
  StrangerLimits strangers;  // until `admit` and `authorise` have both said yes
  // Takes a call that is not of the discovery service; null: neither is it of anything else, and is
  // answered with UNIMPLEMENTED. Thread: gRPC's.
  std::function<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*(
      grpc::GenericCallbackServerContext*)>
      other_calls;
  std::size_t max_request_bytes = 16 << 20;
  std::size_t max_streams = 10'000;
  StreamOptions stream;
};

class AdsServer {
 public:
  // Runs the function soon on the core thread, in the order of the calls. Thread: any.
  using Executor = std::function<void(std::function<void()>)>;

  // Owns: nothing of the arguments; `observer` must outlive the server.
  AdsServer(ServerOptions options, Executor post, LedgerObserver& observer);
  ~AdsServer();  // as shutdown(0)
  AdsServer(const AdsServer&) = delete;
  AdsServer& operator=(const AdsServer&) = delete;

  // Listens. Errors: an address in use, a path that is no socket. Streams wait until set_synced().
  std::expected<void, std::string> start();
  // Ends all streams with UNAVAILABLE; gives the transport up to `grace` to say so.
  void shutdown(std::chrono::milliseconds grace);
  int tcp_port() const;  // 0 before start() or without tcp_address

  // Thread of all that follow: the core.
  // The first edit of a group, even an empty one, makes it known; its proxies wait until then.
  void publish(const ObjectKey& group, Edit edit);
  void remove_group(const ObjectKey& group);
  void set_synced();
  // To be called about once a second.
  void tick(Time now);
  const Ledger& ledger() const;
  const Stats& stats() const;

 private:
  std::shared_ptr<ServerCore> core_;
};

}  // namespace kgw::xds
