// ByteStream: one TCP connection, over TLS or not, with a deadline.
//
// OpenSSL reads from and writes to the socket itself and gives its buffers back between records, so
// a watch at rest costs little: asio::ssl::stream keeps 70 KB for each connection. Who reads tries,
// waits until the socket is ready, and tries again, so that no buffer waits with it. It is an
// AsyncStream too, for protocols that Boost.Beast speaks. Thread: its executor's.
#pragma once

#include <openssl/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/role.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace kgw::kube {

namespace asio = boost::asio;
namespace beast = boost::beast;

class ByteStream {
 public:
  using executor_type = asio::any_io_executor;
  using Wait = asio::socket_base::wait_type;

  // What one attempt gave; with `wait`, it is to be made again once the socket is ready for that.
  struct Attempt {
    beast::error_code error;
    std::size_t size = 0;
    std::optional<Wait> wait;
  };

  // `tls` null: plain.
  ByteStream(asio::io_context& io, std::shared_ptr<asio::ssl::context> tls);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // At the deadline all that is under way ends with beast::error::timeout, and the connection.
  void expires_after(std::chrono::milliseconds timeout);
  void expires_never();
  void close();
  bool has_tls() const { return context_ != nullptr; }

  asio::awaitable<beast::error_code> connect(
      const asio::ip::tcp::resolver::results_type& endpoints);
  // REQUIRES: TLS. `name`: for SNI, unless it is an address. Whom to trust, the context says.
  asio::awaitable<beast::error_code> handshake(const std::string& name);
  asio::awaitable<beast::error_code> wait(Wait until);
  // An end of the stream is asio::error::eof; an end without TLS's own word for it is
  // asio::ssl::error::stream_truncated.
  Attempt try_read(asio::mutable_buffer into);
  Attempt try_write(asio::const_buffer from);

  executor_type get_executor() { return state_->socket.get_executor(); }
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token);
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token);

 private:
  // Outlives the stream while its deadline's callback is queued.
  struct State {
    explicit State(asio::io_context& io) : socket(io), deadline(io) {}
    asio::ip::tcp::socket socket;
    asio::steady_timer deadline;
    bool late = false;
  };
  struct FreeSsl {
    void operator()(SSL* ssl) const;
  };
  template <typename Try>
  struct Operation;
  template <typename Token, typename Try>
  auto operate(Try attempt, Token& token);

  beast::error_code meaning(const beast::error_code& error) const;
  template <typename Call>
  Attempt attempt_tls(Call call);
  template <typename Buffer, typename Tls, typename Plain>
  Attempt transfer(const Buffer& buffer, Wait ready, Tls tls, Plain plain);

  std::shared_ptr<State> state_;
  std::shared_ptr<asio::ssl::context> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

// Tries and waits in turn until there is something to tell.
template <typename Try>
struct ByteStream::Operation {
  ByteStream& stream;
  Try attempt;
  bool begun = false;
  std::optional<Attempt> done;

  template <typename Self>
  void operator()(Self& self, beast::error_code error = {}) {
    const bool first = !std::exchange(begun, true);
    if (!done) {
      Attempt result = error ? Attempt{stream.meaning(error)} : attempt(stream);
      if (result.wait) return stream.state_->socket.async_wait(*result.wait, std::move(self));
      done = result;
      // Who begins an operation may not be called back before it has begun.
      if (first) return asio::post(stream.get_executor(), std::move(self));
    }
    self.complete(done->error, done->size);
  }
};

// The first buffer of a sequence that is not empty, if there is one.
template <typename Buffer, typename Buffers>
Buffer first_buffer(const Buffers& buffers) {
  Buffer first;
  for (auto at = asio::buffer_sequence_begin(buffers);
       first.size() == 0 && at != asio::buffer_sequence_end(buffers); ++at) {
    first = Buffer(*at);
  }
  return first;
}

template <typename Token, typename Try>
auto ByteStream::operate(Try attempt, Token& token) {
  return asio::async_compose<Token, void(beast::error_code, std::size_t)>(
      Operation<Try>{*this, attempt, false, {}}, token, state_->socket);
}

template <typename Buffers, typename Token>
auto ByteStream::async_read_some(const Buffers& buffers, Token&& token) {
  return operate<std::remove_reference_t<Token>>(
      [into = first_buffer<asio::mutable_buffer>(buffers)](ByteStream& stream) {
        return stream.try_read(into);
      },
      token);
}

template <typename Buffers, typename Token>
auto ByteStream::async_write_some(const Buffers& buffers, Token&& token) {
  return operate<std::remove_reference_t<Token>>(
      [from = first_buffer<asio::const_buffer>(buffers)](ByteStream& stream) {
        return stream.try_write(from);
      },
      token);
}

// How Boost.Beast ends a stream.
inline void beast_close_socket(ByteStream& stream) { stream.close(); }
inline void teardown(beast::role_type, ByteStream& stream, beast::error_code& error) {
  stream.close();
  error = {};
}
template <typename Handler>
void async_teardown(beast::role_type, ByteStream& stream, Handler&& handler) {
  stream.close();
  asio::post(stream.get_executor(),
             beast::bind_front_handler(std::forward<Handler>(handler), beast::error_code()));
}

}  // namespace kgw::kube
