#include "source/kube/fake_pod_testing.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

namespace kgw::kube::testing {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr char kData = 0, kError = 1;

}  // namespace

void forward_to_pod(asio::ssl::stream<asio::ip::tcp::socket>& stream,
                    const beast::http::request<beast::http::string_body>& upgrade,
                    const std::function<std::optional<PodAnswer>(const std::string& sent)>& pod) {
  beast::error_code error;
  websocket::stream<asio::ssl::stream<asio::ip::tcp::socket>&> socket(stream);
  socket.set_option(websocket::stream_base::decorator([&](websocket::response_type& response) {
    response.set(beast::http::field::sec_websocket_protocol,
                 upgrade[beast::http::field::sec_websocket_protocol]);
  }));
  socket.accept(upgrade, error);
  socket.binary(true);
  const auto send = [&](char channel, const std::string& text) {
    const std::string message = channel + text;
    if (!error) socket.write(asio::buffer(message), error);
  };
  for (const char channel : {kData, kError}) send(channel, std::string("\x87\x23", 2));
  std::string sent;
  while (!error) {
    beast::flat_buffer buffer;
    socket.read(buffer, error);
    const std::string_view message(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (!message.empty() && message[0] == kData) sent += message.substr(1);
    const auto answer = error ? std::nullopt : pod(sent);
    if (!answer) continue;
    // In two pieces, as a node may do.
    send(kData, answer->data.substr(0, answer->data.size() / 2));
    send(kData, answer->data.substr(answer->data.size() / 2));
    if (!answer->error.empty()) send(kError, answer->error);
    if (!error) socket.close(websocket::close_code::normal, error);
    return;
  }
}

}  // namespace kgw::kube::testing
