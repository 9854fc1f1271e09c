#include "source/kube/connection.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

namespace kgw::kube {
namespace {

namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxErrorBody = std::size_t{1} << 20;

std::unexpected<Error> failed(const Server& server, beast::error_code code) {
  const bool late = code == beast::error::timeout;
  return std::unexpected(Error{0, late ? "Timeout" : "Unreachable",
                               fmt::format("{}:{}: {}", server.host, server.port,
                                           late ? "no answer in time" : code.message())});
}

// Parses an answer and passes its body on.
class AnswerParser : public http::basic_parser<false> {
 public:
  explicit AnswerParser(const BodySink& on_body) : on_body_(on_body) {
    body_limit(boost::none);
    header_limit(64 * 1024);
    eager(true);
  }
  Answer take() {
    answer_.reusable = keep_alive() && !ended_;
    return std::move(answer_);
  }
  bool ended() const { return ended_; }

 private:
  using View = beast::string_view;

  void on_request_impl(http::verb, View, View, int, beast::error_code&) override {}
  void on_response_impl(int code, View, int, beast::error_code& error) override {
    error = {};
    answer_.status = code;
  }
  void on_field_impl(http::field name, View, View value, beast::error_code& error) override {
    error = {};
    if (name != http::field::retry_after) return;
    std::from_chars(value.data(), value.data() + value.size(), answer_.retry_after);
  }
  void on_header_impl(beast::error_code& error) override {
    error = {};
    take_body("");
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code& error) override {
    error = {};
  }
  std::size_t on_body_impl(View body, beast::error_code& error) override {
    error = {};
    take_body({body.data(), body.size()});
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, beast::error_code& error) override { error = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, View body, beast::error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(beast::error_code& error) override { error = {}; }

  void take_body(std::string_view piece) {
    if (answer_.status / 100 != 2) {
      answer_.body += piece.substr(0, kMaxErrorBody - answer_.body.size());
    } else if (!ended_ && on_body_) {
      ended_ = !on_body_(piece);
    }
  }

  const BodySink& on_body_;
  Answer answer_;
  bool ended_ = false;
};

std::string head_of(const Request& request, const Server& server, const std::string& token) {
  const std::string host =
      server.host.find(':') == std::string::npos ? server.host : fmt::format("[{}]", server.host);
  std::string head =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: {}:{}\r\nAccept: {}\r\n", request.method,
                  server.prefix, request.target, host, server.port, request.accept);
  head += "User-Agent: kgateway\r\n";
  if (!token.empty()) head += fmt::format("Authorization: Bearer {}\r\n", token);
  if (!request.content_type.empty()) {
    head += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", request.content_type,
                        request.body.size());
  }
  return head + "\r\n";
}

}  // namespace

Result<Server> parse_server(const std::string& url) {
  const auto invalid = [&](std::string_view why) {
    return std::unexpected(
        Error{0, "InvalidConfig", fmt::format("the server \"{}\" {}", url, why)});
  };
  Server server;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    server.tls = false;
  } else {
    return invalid("is not an http or https URL");
  }
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) server.prefix = rest.substr(slash);
  while (server.prefix.ends_with('/')) server.prefix.pop_back();
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.substr(colon).contains(']');
  server.port = has_port ? authority.substr(colon + 1) : server.tls ? "443" : "80";
  server.host = has_port ? authority.substr(0, colon) : authority;
  if (server.host.starts_with('[') && server.host.ends_with(']')) {
    server.host = server.host.substr(1, server.host.size() - 2);
  }
  if (server.host.empty() || server.port.empty()) return invalid("names no host");
  server.tls_name = server.host;
  return server;
}

Connection::Connection(asio::io_context& io, const Server& server,
                       std::shared_ptr<asio::ssl::context> tls)
    : io_(io), server_(server), stream_(io, std::move(tls)) {}

asio::awaitable<Result<void>> Connection::connect(std::chrono::milliseconds timeout) {
  Tcp::resolver resolver(io_);
  auto [unresolved, endpoints] =
      co_await resolver.async_resolve(server_.host, server_.port, kAwait);
  if (unresolved) co_return failed(server_, unresolved);
  stream_.expires_after(timeout);
  if (const auto refused = co_await stream_.connect(endpoints)) co_return failed(server_, refused);
  if (!stream_.has_tls()) co_return Result<void>();
  const auto untrusted = co_await stream_.handshake(server_.tls_name);
  if (untrusted) co_return failed(server_, untrusted);
  co_return Result<void>();
}

// Not part of read(): its buffer is on the stack, and does not wait for bytes to come.
ByteStream::Attempt Connection::receive() {
  std::array<char, 16 * 1024> piece;
  const ByteStream::Attempt attempt = stream_.try_read(asio::buffer(piece));
  unread_.append(piece.data(), attempt.size);
  return attempt;
}

// Adds to what is unread.
asio::awaitable<beast::error_code> Connection::read() {
  for (;;) {
    const ByteStream::Attempt attempt = receive();
    if (!attempt.wait) co_return attempt.error;
    if (unread_.empty()) unread_.shrink_to_fit();
    if (const auto error = co_await stream_.wait(*attempt.wait)) co_return error;
  }
}

asio::awaitable<Result<Answer>> Connection::exchange(const Request& request,
                                                     const std::string& token,
                                                     const BodySink& on_body) {
  answered_ = false;
  stream_.expires_after(request.timeout);
  const std::string text = head_of(request, server_, token) + request.body;
  const auto [unsent, sent] = co_await asio::async_write(stream_, asio::buffer(text), kAwait);
  if (unsent) co_return failed(server_, unsent);
  AnswerParser parser(on_body);
  while (!parser.is_done() && !parser.ended()) {
    const auto error = co_await read();
    if (!unread_.empty()) answered_ = true;
    beast::error_code broken;
    if (error) {
      // Without length or chunks, the end of the connection is the end of the body.
      const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
      if (ended && parser.got_some()) {
        parser.put_eof(broken);
        if (!broken && parser.is_done()) break;
      }
      co_return failed(server_, error);
    }
    const std::size_t used = parser.put(asio::const_buffer(unread_.data(), unread_.size()), broken);
    unread_.erase(0, used);
    if (broken && broken != http::error::need_more) {
      co_return std::unexpected(
          Error{0, "InvalidAnswer", fmt::format("not HTTP: {}", broken.message())});
    }
  }
  stream_.expires_never();
  Answer answer = parser.take();
  if (!unread_.empty()) answer.reusable = false;
  co_return answer;
}

}  // namespace kgw::kube
