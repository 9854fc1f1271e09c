// echo: a small backend that says what it received, for the demo and the end-to-end tests.
//
//   echo --name v1 [--http PORT] [--grpc PORT] [--tcp PORT] [--udp PORT] [--bind 127.0.0.1]
//
// HTTP: answers JSON with the backend's name, method, path, host and headers. ?status=N sets the
// status, ?delay=MS waits first; an upgrade to WebSocket echoes frames. gRPC: any unary call is
// answered with the request's bytes and the header x-backend. TCP and UDP: answers "<name>:
// <data>".
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using Udp = asio::ip::udp;

bool log_requests = false;

std::optional<long> query_number(const std::string& target, const std::string& key) {
  const std::size_t found = target.find(key + "=");
  if (found == std::string::npos || target.find('?') > found) return std::nullopt;
  return std::strtol(target.c_str() + found + key.size() + 1, nullptr, 10);
}

class WebSocketSession : public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(beast::tcp_stream stream, std::string name)
      : socket_(std::move(stream)), name_(std::move(name)) {}

  void accept(const http::request<http::string_body>& request) {
    socket_.set_option(websocket::stream_base::decorator(
        [this](websocket::response_type& response) { response.set("x-backend", name_); }));
    socket_.async_accept(request, [self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    socket_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      self->socket_.text(self->socket_.got_text());
      self->socket_.async_write(self->buffer_.data(),
                                [self](beast::error_code error, std::size_t size) {
                                  self->buffer_.consume(size);
                                  if (!error) self->read();
                                });
    });
  }

  websocket::stream<beast::tcp_stream> socket_;
  std::string name_;
  beast::flat_buffer buffer_;
};

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(Tcp::socket socket, std::string name)
      : stream_(std::move(socket)), timer_(stream_.get_executor()), name_(std::move(name)) {}

  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->handle();
                     });
  }

 private:
  void handle() {
    if (log_requests)
      std::cout << request_.method_string() << " " << request_.target() << std::endl;
    if (websocket::is_upgrade(request_)) {
      std::make_shared<WebSocketSession>(std::move(stream_), name_)->accept(request_);
      return;
    }
    timer_.expires_after(std::chrono::milliseconds(
        query_number(std::string(request_.target()), "delay").value_or(0)));
    timer_.async_wait([self = shared_from_this()](beast::error_code) { self->answer(); });
  }

  void answer() {
    nlohmann::json headers = nlohmann::json::object();
    for (const auto& field : request_) {
      headers[std::string(field.name_string())].push_back(std::string(field.value()));
    }
    const nlohmann::json body = {{"backend", name_},
                                 {"method", std::string(request_.method_string())},
                                 {"path", std::string(request_.target())},
                                 {"host", std::string(request_[http::field::host])},
                                 {"headers", headers},
                                 {"body_bytes", request_.body().size()}};
    const long status = query_number(std::string(request_.target()), "status").value_or(200);
    response_ = {static_cast<http::status>(status), request_.version()};
    response_.set(http::field::content_type, "application/json");
    response_.set("x-backend", name_);
    response_.keep_alive(request_.keep_alive());
    response_.body() = request_.method() == http::verb::head ? "" : body.dump() + "\n";
    response_.prepare_payload();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->response_.keep_alive()) self->read();
                      });
  }

  beast::tcp_stream stream_;
  asio::steady_timer timer_;
  std::string name_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

class TcpSession : public std::enable_shared_from_this<TcpSession> {
 public:
  TcpSession(Tcp::socket socket, std::string name)
      : socket_(std::move(socket)), name_(std::move(name)) {}

  void read() {
    socket_.async_read_some(asio::buffer(data_),
                            [self = shared_from_this()](beast::error_code error, std::size_t size) {
                              if (!error) self->answer(size);
                            });
  }

 private:
  void answer(std::size_t size) {
    reply_ = name_ + ": " + std::string(data_.data(), size);
    asio::async_write(socket_, asio::buffer(reply_),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  Tcp::socket socket_;
  std::string name_;
  std::array<char, 16384> data_{};
  std::string reply_;
};

// Accepts on `endpoint` for as long as the process lives.
template <typename Session>
void serve(asio::io_context& io, const Tcp::endpoint& endpoint, const std::string& name) {
  auto acceptor = std::make_shared<Tcp::acceptor>(io, endpoint);
  auto loop = std::make_shared<std::function<void()>>();
  *loop = [acceptor, loop, name] {
    acceptor->async_accept([acceptor, loop, name](beast::error_code error, Tcp::socket socket) {
      if (!error) std::make_shared<Session>(std::move(socket), name)->read();
      (*loop)();
    });
  };
  (*loop)();
}

class UdpEcho : public std::enable_shared_from_this<UdpEcho> {
 public:
  UdpEcho(asio::io_context& io, const Udp::endpoint& endpoint, std::string name)
      : socket_(io, endpoint), name_(std::move(name)) {}

  void read() {
    socket_.async_receive_from(
        asio::buffer(data_), sender_,
        [self = shared_from_this()](beast::error_code error, std::size_t size) {
          if (!error) {
            beast::error_code ignored;
            const std::string reply = self->name_ + ": " + std::string(self->data_.data(), size);
            self->socket_.send_to(asio::buffer(reply), self->sender_, 0, ignored);
          }
          self->read();
        });
  }

 private:
  Udp::socket socket_;
  Udp::endpoint sender_;
  std::string name_;
  std::array<char, 65536> data_{};
};

// Answers every call, whatever its name, with what it received.
class GrpcEcho : public grpc::CallbackGenericService {
 public:
  explicit GrpcEcho(std::string name) : name_(std::move(name)) {}

 private:
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(grpc::GenericCallbackServerContext* context, const std::string& name) {
      context->AddInitialMetadata("x-backend", name);
      context->AddInitialMetadata("x-method", context->method());
      StartRead(&message_);
    }
    void OnReadDone(bool ok) override {
      if (ok) {
        StartWrite(&message_);
      } else {
        Finish(grpc::Status::OK);
      }
    }
    void OnWriteDone(bool ok) override {
      if (ok) StartRead(&message_);
    }
    void OnDone() override { delete this; }

   private:
    grpc::ByteBuffer message_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Reactor(context, name_);
  }

  std::string name_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A backend that says what it received"};
  std::string name = "echo";
  std::string bind = "127.0.0.1";
  int http_port = 0;
  int grpc_port = 0;
  int tcp_port = 0;
  int udp_port = 0;
  app.add_option("--name", name, "What the backend calls itself");
  app.add_option("--bind", bind, "IP address to listen on");
  app.add_option("--http", http_port, "Port for HTTP/1.1 and WebSocket");
  app.add_option("--grpc", grpc_port, "Port for gRPC (HTTP/2 without TLS)");
  app.add_option("--tcp", tcp_port, "Port for TCP");
  app.add_option("--udp", udp_port, "Port for UDP");
  app.add_flag("--log", log_requests, "Print a line for each HTTP request");
  CLI11_PARSE(app, argc, argv);

  asio::io_context io{1};
  std::unique_ptr<grpc::Server> grpc_server;
  GrpcEcho grpc_echo(name);
  try {
    const auto address = asio::ip::make_address(bind);
    const auto port = [](int number) { return static_cast<unsigned short>(number); };
    if (http_port > 0) serve<HttpSession>(io, {address, port(http_port)}, name);
    if (tcp_port > 0) serve<TcpSession>(io, {address, port(tcp_port)}, name);
    if (udp_port > 0) {
      std::make_shared<UdpEcho>(io, Udp::endpoint(address, port(udp_port)), name)->read();
    }
    if (grpc_port > 0) {
      grpc::ServerBuilder builder;
      int bound = 0;
      builder.AddListeningPort(bind + ":" + std::to_string(grpc_port),
                               grpc::InsecureServerCredentials(), &bound);
      builder.RegisterCallbackGenericService(&grpc_echo);
      grpc_server = builder.BuildAndStart();
      if (bound == 0)
        throw std::runtime_error("gRPC port " + std::to_string(grpc_port) + " is in use");
    }
  } catch (const std::exception& error) {
    std::cerr << "echo " << name << ": " << error.what() << "\n";
    return 1;
  }
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](beast::error_code, int) { io.stop(); });
  std::cout << "echo " << name << " is listening" << std::endl;
  io.run();
  if (grpc_server) grpc_server->Shutdown(std::chrono::system_clock::now());
}
