#include "source/kube/port_forward.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <exception>
#include <set>

#include "source/kube/credentials.h"
#include "source/kube/request.h"

namespace kgw::kube {
namespace {

namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr char kSubprotocol[] = "v4.channel.k8s.io";
constexpr std::size_t kPortBytes = 2;
constexpr std::size_t kMaxMessage = std::size_t{16} << 20;

const Resource kPods{"", "v1", "pods", true};

Error failed(const Server& server, const beast::error_code& code) {
  const bool late = code == beast::error::timeout;
  return {0, late ? "Timeout" : "Unreachable",
          fmt::format("{}:{}: {}", server.host, server.port,
                      late ? "no answer in time" : code.message())};
}

// Takes messages apart into what the pod says.
class Channels {
 public:
  explicit Channels(const BodySink& on_data) : on_data_(on_data) {}

  // False: the caller has enough.
  bool take(std::string_view message) {
    if (message.empty()) return true;
    const char channel = message[0];
    message.remove_prefix(1);
    if (seen_.insert(channel).second) message.remove_prefix(std::min(kPortBytes, message.size()));
    if (message.empty()) return true;
    if (channel == kData) return on_data_(message);
    if (channel == kError) problem_ += message;
    return true;
  }
  const std::string& problem() const { return problem_; }

 private:
  static constexpr char kData = 0, kError = 1;
  const BodySink& on_data_;
  std::set<char> seen_;
  std::string problem_;
};

// The conversation over a stream that is connected.
asio::awaitable<Result<void>> carry(ByteStream& stream, const Server& server,
                                    const std::string& target, const std::string& token,
                                    const std::string& text, const BodySink& on_data,
                                    std::chrono::milliseconds timeout) {
  websocket::stream<ByteStream&> socket(stream);
  stream.expires_never();
  socket.set_option(websocket::stream_base::timeout{timeout, timeout, false});
  socket.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
    request.set(http::field::sec_websocket_protocol, kSubprotocol);
    request.set(http::field::user_agent, "kgateway");
    if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
  }));
  socket.binary(true);
  socket.read_message_max(kMaxMessage);
  websocket::response_type response;
  const auto [refused] =
      co_await socket.async_handshake(response, server.host + ":" + server.port, target, kAwait);
  if (refused == websocket::error::upgrade_declined) {
    co_return std::unexpected(decode_error(response.result_int(), response.body()));
  }
  if (refused) co_return std::unexpected(failed(server, refused));

  const std::string message = std::string(1, '\0') + text;
  const auto [unsent, sent] = co_await socket.async_write(asio::buffer(message), kAwait);
  if (unsent) co_return std::unexpected(failed(server, unsent));
  Channels channels(on_data);
  for (;;) {
    beast::flat_buffer buffer;
    const auto [error, size] = co_await socket.async_read(buffer, kAwait);
    const std::string_view received(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (!error && !channels.take(received)) break;
    if (!channels.problem().empty()) {
      co_return std::unexpected(Error{0, "PortForwardFailed", channels.problem()});
    }
    if (error == beast::error::timeout) co_return std::unexpected(failed(server, error));
    if (error) break;  // closed: what has come is all there is
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> talk(asio::io_context& io, const Server& server,
                                   const Credentials& credentials, const PodPort& to,
                                   const std::string& text, const BodySink& on_data,
                                   std::chrono::milliseconds timeout) {
  Connection connection(io, server, credentials.tls());
  if (auto connected = co_await connection.connect(timeout); !connected) co_return connected;
  const std::string target =
      fmt::format("{}{}?ports={}", server.prefix, path_of(kPods, to.pod, "portforward"), to.port);
  co_return co_await carry(connection.stream(), server, target, credentials.token(), text, on_data,
                           timeout);
}

}  // namespace

Result<void> talk_to_pod(const Config& config, const PodPort& to, const std::string& text,
                         const BodySink& on_data, std::chrono::milliseconds timeout) {
  auto server = parse_server(config.server);
  if (!server) return std::unexpected(server.error());
  if (!config.tls_server_name.empty()) server->tls_name = config.tls_server_name;
  Credentials credentials(config, server->tls, server->tls_name);
  if (auto read = credentials.refresh(); !read) return read;
  asio::io_context io;
  Result<void> result;
  asio::co_spawn(io, talk(io, *server, credentials, to, text, on_data, timeout),
                 [&](const std::exception_ptr&, Result<void> done) { result = std::move(done); });
  io.run();
  return result;
}

}  // namespace kgw::kube
