#include "app/http.h"

#include <gtest/gtest.h>

namespace kgw::app {
namespace {

std::unique_ptr<HttpServer> echo_server() {
  auto server = HttpServer::listen("127.0.0.1:0", [](const HttpRequest& request) {
    std::string body = request.method + " " + request.path;
    for (const auto& [key, value] : request.query) body += " " + key + "=" + value;
    return HttpResponse{request.path == "/missing" ? 404 : 200, "text/plain", body};
  });
  EXPECT_TRUE(server.has_value()) << server.error();
  return std::move(*server);
}

TEST(Http, AnswersWithPathAndDecodedQuery) {
  const auto server = echo_server();
  const auto response =
      http_request(server->address(), "GET", "/explain?kind=HTTPRoute&name=a%2Fb+c");
  ASSERT_TRUE(response.has_value()) << response.error();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "text/plain");
  EXPECT_EQ(response->body, "GET /explain kind=HTTPRoute name=a/b c");
}

TEST(Http, PassesStatusAndMethod) {
  const auto server = echo_server();
  const auto response = http_request(server->address(), "POST", "/missing");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "POST /missing");
}

TEST(Http, EncodedQueryValuesSurvive) {
  const auto server = echo_server();
  const std::string value = "a b&c=d/\"%\xc3\xa9";
  const auto response = http_request(server->address(), "GET", "/?v=" + percent_encode(value));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "GET / v=" + value);
}

TEST(Http, SaysWhyItCannotListenOrConnect) {
  const auto server = echo_server();
  const auto second = HttpServer::listen(server->address(), nullptr);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().find("in use"), std::string::npos) << second.error();
  EXPECT_FALSE(HttpServer::listen("nonsense", nullptr).has_value());
  EXPECT_FALSE(HttpServer::listen("127.0.0.1:x", nullptr).has_value());

  const auto refused = http_request("127.0.0.1:1", "GET", "/");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace kgw::app
