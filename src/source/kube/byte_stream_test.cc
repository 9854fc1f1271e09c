// ByteStream against a server that misbehaves on purpose, over TLS and plain.
#include "source/kube/byte_stream.h"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <thread>

#include "source/kube/identity_testing.h"

namespace kgw::kube {
namespace {

namespace ssl = asio::ssl;
using Tcp = asio::ip::tcp;
using ::testing::Values;
using namespace std::chrono_literals;

constexpr std::size_t kMuch = std::size_t{8} << 20;  // more than sockets hold

// What a server's side of a connection is to a test, over either.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::size_t read(asio::mutable_buffer into) = 0;
  virtual void write(const std::string& text) = 0;
  virtual void end() = 0;      // as the protocol wants it
  virtual void cut_off() = 0;  // without a word, with unread bytes: a reset
};

template <typename Stream>
class PeerOver : public Peer {
 public:
  explicit PeerOver(Stream& stream) : stream_(stream) {}
  std::size_t read(asio::mutable_buffer into) override {
    beast::error_code error;
    return stream_.read_some(into, error);
  }
  void write(const std::string& text) override {
    beast::error_code error;
    asio::write(stream_, asio::buffer(text), error);
  }
  void end() override {
    beast::error_code error;
    if constexpr (requires { stream_.shutdown(error); }) stream_.shutdown(error);
    stream_.lowest_layer().close(error);
  }
  void cut_off() override {
    stream_.lowest_layer().set_option(asio::socket_base::linger(true, 0));
    stream_.lowest_layer().close();
  }

 private:
  Stream& stream_;
};

class ByteStreamTest : public ::testing::TestWithParam<bool> {
 protected:
  ByteStreamTest() : acceptor_(server_io_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    if (!GetParam()) return;
    tls_ = std::make_shared<ssl::context>(ssl::context::tls_client);
    tls_->set_verify_mode(ssl::verify_none);
  }

  // The server takes one connection and does this with it.
  void serve(const std::function<void(Peer&)>& play) {
    server_ = std::thread([this, play] {
      Tcp::socket socket = acceptor_.accept();
      if (!GetParam()) {
        PeerOver<Tcp::socket> peer(socket);
        return play(peer);
      }
      ssl::context context(ssl::context::tls_server);
      context.use_certificate_chain(asio::buffer(testing::identity().certificate));
      context.use_private_key(asio::buffer(testing::identity().key), ssl::context::pem);
      ssl::stream<Tcp::socket> stream(std::move(socket), context);
      stream.handshake(ssl::stream_base::server);
      PeerOver<ssl::stream<Tcp::socket>> peer(stream);
      play(peer);
    });
  }

  // The server keeps silent until the client is done.
  void serve_nothing() {
    serve([this](Peer&) {
      while (!done_) std::this_thread::sleep_for(1ms);
    });
  }

  // Runs the client's side on a connected stream, and waits for the server.
  void run(const std::function<asio::awaitable<void>(ByteStream&)>& play) {
    asio::io_context io;
    ByteStream stream(io, tls_);
    asio::co_spawn(io, connect_and(io, stream, play), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
    io.run_for(30s);
    stream.close();
    done_ = true;
    server_.join();
  }

 private:
  asio::awaitable<void> connect_and(asio::io_context& io, ByteStream& stream,
                                    const std::function<asio::awaitable<void>(ByteStream&)>& play) {
    stream.expires_after(5s);
    Tcp::resolver resolver(io);
    const auto port = std::to_string(acceptor_.local_endpoint().port());
    const auto endpoints = co_await resolver.async_resolve("127.0.0.1", port, asio::use_awaitable);
    EXPECT_FALSE(co_await stream.connect(endpoints));
    if (stream.has_tls()) {
      EXPECT_FALSE(co_await stream.handshake("127.0.0.1"));
    }
    stream.expires_never();
    co_await play(stream);
  }

  asio::io_context server_io_;
  Tcp::acceptor acceptor_;
  std::thread server_;
  std::atomic<bool> done_ = false;
  std::shared_ptr<ssl::context> tls_;
};

struct End {
  std::string got;
  beast::error_code error;
};

// Reads until an error, by attempts as the client of the API server does.
asio::awaitable<End> read_all(ByteStream& stream) {
  End end;
  for (;;) {
    char piece[1000];
    const auto attempt = stream.try_read(asio::buffer(piece));
    end.got.append(piece, attempt.size);
    if (attempt.wait) {
      end.error = co_await stream.wait(*attempt.wait);
    } else {
      end.error = attempt.error;
    }
    if (end.error) co_return end;
  }
}

TEST_P(ByteStreamTest, CarriesMoreThanTheSocketsHoldBothWays) {
  std::size_t received = 0;
  serve([&](Peer& peer) {
    std::string piece(100'000, '\0');
    std::this_thread::sleep_for(50ms);  // the client has to wait to write
    while (received < kMuch) received += peer.read(asio::buffer(piece));
    peer.write(std::string(kMuch, 'x'));
    peer.end();
  });
  run([&](ByteStream& stream) -> asio::awaitable<void> {
    const std::string text(kMuch, 'y');
    // Through the operations that Boost.Beast uses; the answer by attempts.
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    std::string first(10, '\0');
    co_await asio::async_read(stream, asio::buffer(first), asio::use_awaitable);
    const End end = co_await read_all(stream);
    EXPECT_EQ(end.error, asio::error::eof);
    EXPECT_EQ(first + end.got, std::string(kMuch, 'x'));
  });
  EXPECT_EQ(received, kMuch);
}

TEST_P(ByteStreamTest, TheDeadlineEndsReadingAndWriting) {
  serve_nothing();
  run([&](ByteStream& stream) -> asio::awaitable<void> {
    stream.expires_after(10s);
    stream.expires_after(20ms);  // the last word counts
    const End end = co_await read_all(stream);
    EXPECT_EQ(end.error, beast::error::timeout);
    const std::string text(kMuch, 'y');
    EXPECT_EQ(stream.try_write(asio::buffer(text)).error, beast::error::timeout);
  });
}

TEST_P(ByteStreamTest, TheDeadlineEndsAWriteThatNobodyReads) {
  serve_nothing();
  run([&](ByteStream& stream) -> asio::awaitable<void> {
    stream.expires_after(50ms);
    const std::string text(kMuch, 'y');
    const auto [error, sent] =
        co_await asio::async_write(stream, asio::buffer(text), asio::as_tuple(asio::use_awaitable));
    EXPECT_EQ(error, beast::error::timeout);
    EXPECT_LT(sent, kMuch);
  });
}

TEST_P(ByteStreamTest, APeerThatCutsOffIsAnErrorAndNoSignal) {
  serve([](Peer& peer) {
    char first = 0;
    peer.read(asio::buffer(&first, 1));
    peer.cut_off();
  });
  run([&](ByteStream& stream) -> asio::awaitable<void> {
    EXPECT_EQ(stream.try_write(asio::buffer("x", 1)).size, 1);
    const End end = co_await read_all(stream);
    EXPECT_TRUE(end.error);
    EXPECT_NE(end.error, asio::error::eof);
    const std::string text(100'000, 'y');
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(stream.try_write(asio::buffer(text)).error);
  });
}

TEST_P(ByteStreamTest, CloseEndsWhatWaits) {
  serve_nothing();
  run([&](ByteStream& stream) -> asio::awaitable<void> {
    asio::post(stream.get_executor(), [&] { stream.close(); });
    const End end = co_await read_all(stream);
    EXPECT_EQ(end.error, asio::error::operation_aborted);
  });
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, ByteStreamTest, Values(false, true),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace kgw::kube
