// Connection: one HTTP/1.1 connection to the API server, over TLS or not.
//
// An answer's body is handed on piece by piece as it arrives, so that a list need not be in memory
// as a whole and a watch never ends in a buffer. Thread: the client's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "source/kube/byte_stream.h"
#include "source/kube/error.h"
#include "source/kube/request.h"

namespace kgw::kube {

struct Server {
  bool tls = true;
  std::string host;
  std::string port;
  std::string prefix;    // of every path, without a slash at the end
  std::string tls_name;  // to verify, and for SNI
};

// "https://host:port/prefix". Error: InvalidConfig.
Result<Server> parse_server(const std::string& url);

// Takes a piece of a 2xx body, first an empty one when the answer begins; false: enough, the
// connection is given up.
using BodySink = std::function<bool(std::string_view)>;

struct Answer {
  int status = 0;
  std::string body;       // of an answer that is not 2xx; at most the first MiB
  int retry_after = 0;    // seconds; 0: not said
  bool reusable = false;  // the connection is good for another request
};

class Connection {
 public:
  // `tls` null: plain. REQUIRES: `server` outlives this.
  Connection(asio::io_context& io, const Server& server, std::shared_ptr<asio::ssl::context> tls);

  // Error: Unreachable or Timeout.
  asio::awaitable<Result<void>> connect(std::chrono::milliseconds timeout);
  // Error: no complete answer. `answered()` says whether any of it arrived.
  asio::awaitable<Result<Answer>> exchange(const Request& request, const std::string& token,
                                           const BodySink& on_body);
  bool answered() const { return answered_; }
  // Connected: for protocols other than HTTP.
  ByteStream& stream() { return stream_; }
  // Ends what is under way.
  void close() { stream_.close(); }

 private:
  ByteStream::Attempt receive();
  asio::awaitable<beast::error_code> read();

  asio::io_context& io_;
  const Server& server_;
  ByteStream stream_;
  std::string unread_;  // received, not consumed
  bool answered_ = false;
};

}  // namespace kgw::kube
