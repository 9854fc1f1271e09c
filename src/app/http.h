// The admin endpoints' transport: a small HTTP/1.1 server and client on loopback.
//
// The server answers one request at a time per connection from a handler that may block; it is for
// operators and scrapers, not for traffic. A probe is answered whatever else is connected: a
// request must be complete in time, the connection that has waited longest makes room for a new
// one, and one file descriptor is kept for when the process has used up all others.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kgw::app {

struct HttpRequest {
  std::string method;
  std::string path;                          // without the query
  std::map<std::string, std::string> query;  // percent-decoded
  std::string host;                          // header
  std::string origin;                        // header; empty: none
  std::string local_address;                 // to which the client connected, without the port
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  static constexpr std::size_t kMaxConnections = 256;

  // Listens on `address` ("127.0.0.1:9095"; port 0 = any free one); on "[::]", which is all
  // addresses, also where there is no IPv6. Error: why it cannot.
  static std::expected<std::unique_ptr<HttpServer>, std::string> listen(const std::string& address,
                                                                        Handler handler);
  ~HttpServer();  // stops accepting and ends open connections

  // The address that really listens, "127.0.0.1:9095".
  std::string address() const;

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// GET (or another method) http://address/target. Error: cannot connect, broken answer, or time-out
// (5 s).
std::expected<HttpResponse, std::string> http_request(const std::string& address,
                                                      const std::string& method,
                                                      const std::string& target);

// For transports other than TCP: the text of a GET, and the answer put together from pieces.
std::string get_text(const std::string& target);
class ResponseReader {
 public:
  ResponseReader();
  ~ResponseReader();
  // False: it is complete, or no HTTP.
  bool put(std::string_view piece);
  // Error: not complete. REQUIRES: called once, nothing is put after it.
  std::expected<HttpResponse, std::string> take();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

// %XX for everything that is not unreserved, for query values.
std::string percent_encode(const std::string& text);

}  // namespace kgw::app
