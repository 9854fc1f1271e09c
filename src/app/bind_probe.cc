#include "app/bind_probe.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <charconv>

namespace kgw::app {
namespace {

template <typename Protocol>
bool try_bind(const boost::asio::ip::address& address, unsigned short port) {
  boost::system::error_code error;
  boost::asio::io_context io;
  typename Protocol::socket socket(io);
  const typename Protocol::endpoint endpoint(address, port);
  socket.open(endpoint.protocol(), error);
  if (!error) socket.set_option(boost::asio::socket_base::reuse_address(true), error);
  if (!error) socket.bind(endpoint, error);
  return !error;
}

}  // namespace

bool can_bind(const std::string& address, std::string_view listener) {
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(address, error);
  const std::string_view number = listener.substr(listener.rfind('~') + 1);
  unsigned short port = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), port);
  if (error || parsed.ec != std::errc()) return false;
  const bool udp = listener.starts_with("listener~udp~");
  return udp ? try_bind<boost::asio::ip::udp>(ip, port) : try_bind<boost::asio::ip::tcp>(ip, port);
}

}  // namespace kgw::app
