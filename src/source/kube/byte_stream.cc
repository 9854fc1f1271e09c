#include "source/kube/byte_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace kgw::kube {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// OpenSSL's own BIO for sockets writes without MSG_NOSIGNAL: a peer that is gone would end the
// process. This one has the descriptor as its data.
int descriptor_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

bool try_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int receive(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = recv(descriptor_of(bio), into, static_cast<std::size_t>(size), 0);
  if (got < 0 && try_later()) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int send(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(descriptor_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && try_later()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* bio_of(int descriptor) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(made, receive);
    BIO_meth_set_write(made, send);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(descriptor)));
  BIO_set_init(bio, 1);
  return bio;
}

bool is_address(const std::string& host) {
  beast::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

// A server that vanished without a word is noticed after about 30 seconds, also by an idle watch.
void tune(int descriptor) {
  const auto set = [descriptor](int level, int option, int value) {
    setsockopt(descriptor, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

}  // namespace

void ByteStream::FreeSsl::operator()(SSL* ssl) const { SSL_free(ssl); }

ByteStream::ByteStream(asio::io_context& io, std::shared_ptr<asio::ssl::context> tls)
    : state_(std::make_shared<State>(io)), context_(std::move(tls)) {}

ByteStream::~ByteStream() { close(); }

void ByteStream::expires_after(std::chrono::milliseconds timeout) {
  state_->deadline.expires_after(timeout);
  state_->deadline.async_wait([weak = std::weak_ptr(state_)](beast::error_code error) {
    const auto state = weak.lock();
    if (error || state == nullptr) return;
    if (state->deadline.expiry() > std::chrono::steady_clock::now()) return;  // moved meanwhile
    state->late = true;
    state->socket.close(error);
  });
}

void ByteStream::expires_never() {
  state_->deadline.expires_at(asio::steady_timer::time_point::max());
}

void ByteStream::close() {
  beast::error_code ignored;
  state_->deadline.cancel();
  state_->socket.close(ignored);
}

beast::error_code ByteStream::meaning(const beast::error_code& error) const {
  return error && state_->late ? beast::error_code(beast::error::timeout) : error;
}

asio::awaitable<beast::error_code> ByteStream::connect(
    const asio::ip::tcp::resolver::results_type& endpoints) {
  auto [error, endpoint] = co_await asio::async_connect(state_->socket, endpoints, kAwait);
  if (!error) {
    tune(state_->socket.native_handle());
    state_->socket.non_blocking(true, error);
  }
  co_return meaning(error);
}

// Of one call of OpenSSL, which returns 1 if it succeeded.
template <typename Call>
ByteStream::Attempt ByteStream::attempt_tls(Call call) {
  std::size_t size = 0;
  ERR_clear_error();
  errno = 0;
  const int result = call(ssl_.get(), size);
  if (result == 1) return {{}, size, {}};
  const int system = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {{}, 0, asio::socket_base::wait_read};
    case SSL_ERROR_WANT_WRITE:
      return {{}, 0, asio::socket_base::wait_write};
    case SSL_ERROR_ZERO_RETURN:
      return {asio::error::eof, 0, {}};
    case SSL_ERROR_SSL: {
      const auto code = ERR_get_error();
      if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) break;
      return {meaning({static_cast<int>(code), asio::error::get_ssl_category()}), 0, {}};
    }
    default:  // the socket's
      if (system != 0) return {meaning({system, asio::error::get_system_category()}), 0, {}};
  }
  return {meaning(asio::ssl::error::stream_truncated), 0, {}};
}

asio::awaitable<beast::error_code> ByteStream::handshake(const std::string& name) {
  ssl_.reset(SSL_new(context_->native_handle()));
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
  BIO* bio = bio_of(state_->socket.native_handle());
  SSL_set_bio(ssl_.get(), bio, bio);
  if (!is_address(name)) SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
  for (;;) {
    if (!state_->socket.is_open()) co_return meaning(asio::error::operation_aborted);
    const Attempt attempt = attempt_tls([](SSL* ssl, std::size_t&) { return SSL_connect(ssl); });
    if (!attempt.wait) co_return attempt.error;
    if (const auto error = co_await wait(*attempt.wait)) co_return error;
  }
}

asio::awaitable<beast::error_code> ByteStream::wait(Wait until) {
  const auto [error] = co_await state_->socket.async_wait(until, kAwait);
  co_return meaning(error);
}

template <typename Buffer, typename Tls, typename Plain>
ByteStream::Attempt ByteStream::transfer(const Buffer& buffer, Wait ready, Tls tls, Plain plain) {
  if (!state_->socket.is_open()) return {meaning(asio::error::operation_aborted), 0, {}};
  if (buffer.size() == 0) return {};
  if (ssl_ != nullptr) return attempt_tls(tls);
  Attempt attempt;
  attempt.size = plain(attempt.error);
  if (attempt.error == asio::error::would_block) return {{}, 0, ready};
  return attempt;
}

ByteStream::Attempt ByteStream::try_read(asio::mutable_buffer into) {
  return transfer(
      into, asio::socket_base::wait_read,
      [&](SSL* ssl, std::size_t& got) { return SSL_read_ex(ssl, into.data(), into.size(), &got); },
      [&](beast::error_code& error) { return state_->socket.read_some(into, error); });
}

ByteStream::Attempt ByteStream::try_write(asio::const_buffer from) {
  return transfer(
      from, asio::socket_base::wait_write,
      [&](SSL* ssl, std::size_t& sent) {
        return SSL_write_ex(ssl, from.data(), from.size(), &sent);
      },
      [&](beast::error_code& error) { return state_->socket.write_some(from, error); });
}

}  // namespace kgw::kube
