#include "xds/session.h"

#include <utility>

namespace kgw::xds {

std::shared_ptr<Session> Session::create(StreamId id, Protocol protocol, Peer peer,
                                         std::shared_ptr<SessionHost> host) {
  std::shared_ptr<Session> session(new Session(id, protocol, std::move(peer), std::move(host)));
  session->self_ = session;
  return session;
}

Session::Session(StreamId id, Protocol protocol, Peer peer, std::shared_ptr<SessionHost> host)
    : id_(id), protocol_(protocol), peer_(std::move(peer)), host_(std::move(host)) {}

void Session::admit() {
  host_->admit(peer_, [self = self_](std::expected<void, std::string> admitted) {
    if (admitted) {
      self->read_next();
    } else {
      self->refuse(grpc::StatusCode::PERMISSION_DENIED, admitted.error());
    }
  });
}

void Session::read_next() {
  std::lock_guard lock(mutex_);
  if (!finished_) StartRead(&incoming_);
}

void Session::write(grpc::ByteBuffer message) {
  // Longer than a socket takes without waiting for its reader, or nearly so.
  constexpr std::size_t kLarge = 16 << 10;
  const bool large = message.Length() > kLarge;
  {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    queue_.push_back(std::move(message));
    if (std::exchange(writing_, true)) return;
  }
  host_->schedule(shared_from_this(), large);
}

void Session::start_write() {
  std::lock_guard lock(mutex_);
  writing_ = !finished_ && !queue_.empty();
  if (!writing_) return;
  outgoing_.Swap(&queue_.front());
  queue_.pop_front();
  StartWrite(&outgoing_);
}

void Session::finish(grpc::Status status) {
  std::lock_guard lock(mutex_);
  if (std::exchange(finished_, true)) return;
  queue_.clear();
  Finish(std::move(status));
}

void Session::OnReadDone(bool ok) {
  if (!ok) {
    finish(grpc::Status::OK);  // the proxy has nothing more to say
    return;
  }
  auto decoded = decode(protocol_, incoming_);
  if (!decoded) {
    refuse(grpc::StatusCode::INVALID_ARGUMENT, decoded.error());
  } else if (introduced_) {
    handle(std::move(*decoded));
  } else if (decoded->has_node) {
    introduce(std::move(*decoded));
  } else {
    refuse(grpc::StatusCode::INVALID_ARGUMENT, "the first request of a stream must carry a node");
  }
}

void Session::introduce(Decoded first) {
  const Node node = first.node;
  // Shared, for a std::function must be copyable.
  auto request = std::make_shared<Decoded>(std::move(first));
  host_->authorise(peer_, node, [self = self_, request](Verdict group) {
    if (!group) {
      self->refuse(grpc::StatusCode::PERMISSION_DENIED, group.error());
      return;
    }
    self->introduced_ = true;
    self->host_->known(self->id_);
    self->unannounced_ =
        Proxy{self->protocol_, std::move(*group), std::move(request->node), self->peer_.address};
    self->handle(std::move(*request));
  });
}

void Session::handle(Decoded decoded) {
  if (decoded.known_type) {
    host_->received(id_, std::exchange(unannounced_, std::nullopt), std::move(decoded.request));
    return;
  }
  if (protocol_ == Protocol::kDelta && !decoded.request.subscribe.empty()) {
    write(encode_absent(decoded.type_url, decoded.request.subscribe));
  }
  read_next();
}

void Session::refuse(grpc::StatusCode code, const std::string& reason) {
  host_->refused();
  finish(grpc::Status(code, reason));
}

void Session::OnWriteDone(bool ok) {
  if (!ok) {
    finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream is broken"));
    return;
  }
  {
    std::lock_guard lock(mutex_);
    outgoing_.Clear();
  }
  start_write();
}

void Session::OnCancel() { finish(grpc::Status::CANCELLED); }

void Session::OnDone() {
  host_->done(id_);
  std::shared_ptr<Session> self;
  std::lock_guard lock(mutex_);  // whoever called finish() must have left it
  self = std::move(self_);
}

}  // namespace kgw::xds
