// Session: one ADS stream on gRPC's side. Moves messages; knows nothing of what they mean.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "xds/authorise.h"
#include "xds/hub.h"
#include "xds/wire.h"

namespace kgw::xds {

class Session;

// What a session tells. Thread: gRPC's.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual void admit(const Peer& peer,
                     std::function<void(std::expected<void, std::string>)> answer) = 0;
  virtual void authorise(const Peer& peer, const Node& node,
                         std::function<void(Verdict)> answer) = 0;
  // `proxy` comes with the first request only. Ignored after done().
  virtual void received(StreamId id, std::optional<Proxy> proxy, Request request) = 0;
  virtual void refused() = 0;
  // authorise() has said yes.
  virtual void known(StreamId id) = 0;
  // Is to call session->start_write() soon. `large`: it will take long. Thread: any.
  virtual void schedule(std::shared_ptr<Session> session, bool large) = 0;
  virtual void done(StreamId id) = 0;
};

// Owns itself while gRPC uses it; others may keep it longer, it then ignores what is asked of it.
// Thread: any.
class Session final : public grpc::ServerGenericBidiReactor,
                      public std::enable_shared_from_this<Session> {
 public:
  static std::shared_ptr<Session> create(StreamId id, Protocol protocol, Peer peer,
                                         std::shared_ptr<SessionHost> host);

  // Asks whether the client may speak, then reads. To be called once.
  void admit();
  void read_next();
  // Returns at once; messages keep their order.
  void write(grpc::ByteBuffer message);
  // Hands the next message to gRPC. For SessionHost::schedule().
  void start_write();
  void finish(grpc::Status status);

 private:
  Session(StreamId id, Protocol protocol, Peer peer, std::shared_ptr<SessionHost> host);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void introduce(Decoded first);
  void handle(Decoded decoded);
  void refuse(grpc::StatusCode code, const std::string& reason);

  const StreamId id_;
  const Protocol protocol_;
  const Peer peer_;
  std::shared_ptr<SessionHost> host_;
  std::shared_ptr<Session> self_;
  bool introduced_ = false;           // the first request was accepted
  std::optional<Proxy> unannounced_;  // until the first request of a type that is served
  grpc::ByteBuffer incoming_;

  std::mutex mutex_;  // guards what follows, and every call into gRPC
  bool finished_ = false;
  bool writing_ = false;       // or scheduled to
  grpc::ByteBuffer outgoing_;  // being written
  std::deque<grpc::ByteBuffer> queue_;
};

}  // namespace kgw::xds
