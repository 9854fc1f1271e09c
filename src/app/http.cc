#include "app/http.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace kgw::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr std::size_t kMaxRequestBytes = 64 * 1024;
constexpr std::size_t kMaxResponseBytes = std::size_t{256} << 20;
constexpr std::chrono::seconds kTimeout{5};  // until a request, or an answer, is complete
constexpr std::chrono::seconds kIdleTimeout{60};
constexpr std::chrono::milliseconds kAcceptPause{20};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    if (escape && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

HttpRequest parse(std::string_view method, std::string_view target) {
  HttpRequest request{std::string(method), std::string(target.substr(0, target.find('?'))), {}};
  if (request.path.size() == target.size()) return request;
  std::string_view rest = target.substr(request.path.size() + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::string_view key = pair.substr(0, pair.find('='));
    const std::string_view value = key.size() == pair.size() ? "" : pair.substr(key.size() + 1);
    request.query[percent_decode(key)] = percent_decode(value);
  }
  return request;
}

std::expected<Tcp::endpoint, std::string> parse_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return std::unexpected("address \"" + address + "\" has no port");
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  beast::error_code error;
  const auto ip = asio::ip::make_address(host, error);
  if (error) return std::unexpected("\"" + host + "\" is not an IP address");
  const std::string port = address.substr(colon + 1);
  char* end = nullptr;
  const long number = std::strtol(port.c_str(), &end, 10);
  if (port.empty() || *end != '\0' || number < 0 || number > 65535) {
    return std::unexpected("\"" + port + "\" is not a port");
  }
  return Tcp::endpoint(ip, static_cast<unsigned short>(number));
}

class Session;

// What the sessions of a server share. Thread: that of the io_context.
struct Sessions {
  const HttpServer::Handler& handler;
  std::list<Session*> waiting = {};  // for a request, the longest first
  std::size_t open = 0;

  void make_room();
};

// One connection: read, answer, repeat.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Sessions& all) : stream_(std::move(socket)), all_(all) {
    ++all_.open;
    beast::error_code error;
    const Tcp::endpoint local = stream_.socket().local_endpoint(error);
    if (!error) local_address_ = local.address().to_string();
  }
  ~Session() { --all_.open; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read(std::chrono::seconds patience) {
    parser_.emplace();
    parser_->body_limit(kMaxRequestBytes);
    stream_.expires_after(patience);
    place_ = all_.waiting.insert(all_.waiting.end(), this);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       self->wait_no_more();
                       if (!error) self->answer();
                     });
  }

  void end() {
    wait_no_more();
    stream_.close();
  }

 private:
  void wait_no_more() {
    if (place_) all_.waiting.erase(*std::exchange(place_, std::nullopt));
  }

  void answer() {
    const auto& request = parser_->get();
    HttpRequest parsed = parse(request.method_string(), request.target());
    parsed.host = request[http::field::host];
    parsed.origin = request[http::field::origin];
    parsed.local_address = local_address_;
    HttpResponse response = all_.handler(parsed);
    message_ = {static_cast<http::status>(response.status), request.version()};
    message_.set(http::field::content_type, response.content_type);
    message_.keep_alive(request.keep_alive());
    message_.body() = request.method() == http::verb::head ? "" : std::move(response.body);
    message_.prepare_payload();
    stream_.expires_after(kTimeout);
    http::async_write(stream_, message_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->message_.keep_alive()) self->read(kIdleTimeout);
                      });
  }

  beast::tcp_stream stream_;
  std::string local_address_;
  beast::flat_buffer buffer_{kMaxRequestBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
  Sessions& all_;
  std::optional<std::list<Session*>::iterator> place_;  // in `waiting`
};

void Sessions::make_room() {
  if (!waiting.empty()) waiting.front()->end();
}

// Keeps a file descriptor to give away where there is no other.
class Spare {
 public:
  Spare() { take(); }
  ~Spare() { give(); }
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;

  void take() {
    if (fd_ < 0) fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  void give() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace

struct HttpServer::State {
  explicit State(Handler given) : handler(std::move(given)) {}

  void accept();
  void accepted(beast::error_code error, Tcp::socket socket);

  const Handler handler;
  Sessions sessions{handler};  // outlives the io_context, which holds the last of them
  Spare spare;
  asio::io_context io{1};
  Tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::string address;
  std::thread thread;
};

void HttpServer::State::accept() {
  acceptor.async_accept([this](beast::error_code error, Tcp::socket socket) {
    if (error != asio::error::operation_aborted) accepted(error, std::move(socket));
  });
}

void HttpServer::State::accepted(beast::error_code error, Tcp::socket socket) {
  if (!error) {
    const bool full = sessions.open >= kMaxConnections;
    const bool busy = full && sessions.waiting.empty();  // with answers: the new one comes too much
    if (full) sessions.make_room();
    if (!busy) std::make_shared<Session>(std::move(socket), sessions)->read(kTimeout);
    spare.take();
    return accept();
  }
  // No file descriptor is left: others' connections, or the spare one, must do.
  sessions.waiting.empty() ? spare.give() : sessions.make_room();
  pause.expires_after(kAcceptPause);
  pause.async_wait([this](beast::error_code stopped) {
    if (!stopped) accept();
  });
}

namespace {

HttpResponse response_of(const http::response<http::string_body>& message) {
  return {static_cast<int>(message.result_int()), std::string(message[http::field::content_type]),
          message.body()};
}

beast::error_code bind(Tcp::acceptor& acceptor, const Tcp::endpoint& endpoint) {
  beast::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

// All addresses are those of IPv4 where the kernel has no others.
beast::error_code bind_existing(Tcp::acceptor& acceptor, const Tcp::endpoint& endpoint) {
  const beast::error_code error = bind(acceptor, endpoint);
  const bool without_ipv6 = error == asio::error::address_family_not_supported ||
                            error == boost::system::errc::address_not_available;
  if (!without_ipv6 || endpoint.address() != asio::ip::address_v6::any()) return error;
  beast::error_code ignored;
  acceptor.close(ignored);
  return bind(acceptor, {asio::ip::address_v4::any(), endpoint.port()});
}

}  // namespace

std::expected<std::unique_ptr<HttpServer>, std::string> HttpServer::listen(
    const std::string& address, Handler handler) {
  const auto endpoint = parse_address(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto state = std::make_shared<State>(std::move(handler));
  const beast::error_code error = bind_existing(state->acceptor, *endpoint);
  if (error) return std::unexpected("cannot listen on " + address + ": " + error.message());
  const Tcp::endpoint bound = state->acceptor.local_endpoint();
  const std::string host = bound.address().to_string();
  state->address =
      (bound.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(bound.port());
  state->accept();
  state->thread = std::thread([state = state.get()] { state->io.run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->io.stop();
  state_->thread.join();
}

std::string HttpServer::address() const { return state_->address; }

std::expected<HttpResponse, std::string> http_request(const std::string& address,
                                                      const std::string& method,
                                                      const std::string& target) {
  const auto endpoint = parse_address(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  asio::io_context io;
  beast::tcp_stream stream(io);
  http::request<http::empty_body> request{http::verb::get, target, 11};
  request.method_string(method);
  request.set(http::field::host, address);
  request.set(http::field::connection, "close");
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxResponseBytes);

  beast::error_code result;
  const auto fail = [&](beast::error_code error) { result = error; };
  stream.expires_after(kTimeout);
  stream.async_connect(*endpoint, [&](beast::error_code error) {
    if (error) return fail(error);
    http::async_write(stream, request, [&](beast::error_code error, std::size_t) {
      if (error) return fail(error);
      http::async_read(stream, buffer, parser,
                       [&](beast::error_code error, std::size_t) { fail(error); });
    });
  });
  io.run();
  if (result) return std::unexpected(address + ": " + result.message());
  return response_of(parser.get());
}

std::string get_text(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}

struct ResponseReader::Parser {
  http::response_parser<http::string_body> parser;
  std::string unread;
  beast::error_code error;
};

ResponseReader::ResponseReader() : parser_(std::make_unique<Parser>()) {
  parser_->parser.body_limit(kMaxResponseBytes);
  parser_->parser.eager(true);
}

ResponseReader::~ResponseReader() = default;

bool ResponseReader::put(std::string_view piece) {
  parser_->unread += piece;
  const std::size_t used = parser_->parser.put(
      asio::const_buffer(parser_->unread.data(), parser_->unread.size()), parser_->error);
  parser_->unread.erase(0, used);
  if (parser_->error == http::error::need_more) parser_->error = {};
  return !parser_->error && !parser_->parser.is_done();
}

std::expected<HttpResponse, std::string> ResponseReader::take() {
  if (!parser_->error && !parser_->parser.is_done()) parser_->parser.put_eof(parser_->error);
  if (parser_->error) return std::unexpected("the answer is no HTTP: " + parser_->error.message());
  if (!parser_->parser.is_done()) return std::unexpected("the answer is not complete");
  return response_of(parser_->parser.get());
}

std::string percent_encode(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

}  // namespace kgw::app
