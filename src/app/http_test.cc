#include "app/http.h"

#include <gtest/gtest.h>

#include "xds/no_ipv6_testing.h"

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

TEST(Http, WithoutIpv6AllAddressesAreThoseOfIpv4) {
  const auto answer = [](const HttpRequest&) { return HttpResponse{200, "text/plain", "here"}; };
  const xds::NoIpv6 no_ipv6;
  const auto server = HttpServer::listen("[::]:0", answer);
  ASSERT_TRUE(server.has_value()) << server.error();
  const std::string address = (*server)->address();
  ASSERT_TRUE(address.starts_with("0.0.0.0:")) << address;
  const auto response = http_request("127.0.0.1" + address.substr(address.find(':')), "GET", "/");
  ASSERT_TRUE(response.has_value()) << response.error();
  EXPECT_EQ(response->body, "here");
  EXPECT_FALSE(HttpServer::listen("[::1]:0", answer).has_value()) << "that address was asked for";
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
