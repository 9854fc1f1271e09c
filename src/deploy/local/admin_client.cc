#include "deploy/local/admin_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "deploy/local/admin_async.h"

namespace kgw::deploy {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using nlohmann::json;

constexpr std::size_t kMaxReply = std::size_t{1} << 30;  // a config dump of a large table

std::expected<AdminReply, std::string> call(const std::string& socket, AdminMethod method,
                                            const std::string& target,
                                            std::chrono::milliseconds timeout) {
  asio::io_context context(1);
  std::expected<AdminReply, std::string> result = std::unexpected("timed out");
  asio::co_spawn(context, admin_request(socket, method, target, timeout),
                 [&](std::exception_ptr failure, std::expected<AdminReply, std::string> reply) {
                   if (!failure) result = std::move(reply);
                 });
  context.run();
  return result;
}

// The number, or 0 where it is missing or of another type.
std::uint64_t number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

json list_at(std::string_view body, const char* key) {
  const json parsed = json::parse(body, nullptr, false);
  return parsed.is_object() && parsed.contains(key) ? parsed[key] : json::array();
}

}  // namespace

asio::awaitable<std::expected<AdminReply, std::string>> admin_request(
    std::string socket, AdminMethod method, std::string target, std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  beast::basic_stream<Local> stream(executor);
  boost::system::error_code error;
  const auto token = [&] { return asio::redirect_error(asio::use_awaitable, error); };
  stream.expires_after(timeout);

  if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
    co_return std::unexpected("the socket's path is too long: " + socket);
  }
  co_await stream.async_connect(Local::endpoint(socket), token());
  if (error) co_return std::unexpected("cannot connect to " + socket + ": " + error.message());

  http::request<http::empty_body> request(
      method == AdminMethod::kGet ? http::verb::get : http::verb::post, target, 11);
  request.set(http::field::host, "admin");
  request.set(http::field::connection, "close");
  request.prepare_payload();
  co_await http::async_write(stream, request, token());
  if (error) co_return std::unexpected("cannot ask " + socket + ": " + error.message());

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxReply);
  co_await http::async_read(stream, buffer, parser, token());
  if (error) co_return std::unexpected("no reply from " + socket + ": " + error.message());
  co_return AdminReply{parser.get().result_int(), std::move(parser.get().body())};
}

std::expected<AdminReply, std::string> admin_get(const std::string& socket,
                                                 const std::string& target,
                                                 std::chrono::milliseconds timeout) {
  return call(socket, AdminMethod::kGet, target, timeout);
}

std::expected<AdminReply, std::string> admin_post(const std::string& socket,
                                                  const std::string& target,
                                                  std::chrono::milliseconds timeout) {
  return call(socket, AdminMethod::kPost, target, timeout);
}

std::vector<BoundListener> parse_listeners(std::string_view body) {
  std::vector<BoundListener> listeners;
  for (const json& status : list_at(body, "listener_statuses")) {
    if (!status.is_object() || !status.contains("local_address")) continue;
    const json& local = status["local_address"];
    if (!local.is_object() || !local.contains("socket_address")) continue;
    const json& address = local["socket_address"];
    listeners.push_back({text_at(status, "name"), text_at(address, "address"),
                         static_cast<std::uint16_t>(number_at(address, "port_value"))});
  }
  return listeners;
}

std::uint64_t parse_connections(std::string_view body) {
  std::uint64_t sum = 0;
  for (const json& stat : list_at(body, "stats")) {
    if (!stat.is_object()) continue;
    const std::string name = text_at(stat, "name");
    if (!name.starts_with("listener.") || name.starts_with("listener.admin.")) continue;
    if (!name.ends_with(".downstream_cx_active")) continue;
    if (name.find(".worker_") != std::string::npos) continue;  // parts of the listener's own
    sum += number_at(stat, "value");
  }
  return sum;
}

}  // namespace kgw::deploy
