#include "app/http.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

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

// Of a client that says nothing.
class IdleConnections {
 public:
  IdleConnections(const std::string& address, int number) {
    rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < number; ++i) sockets_.push_back(connected(address));
  }
  ~IdleConnections() {
    for (const int fd : sockets_) close(fd);
  }
  static int connected(const std::string& address) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect_to(fd, address);
    return fd;
  }
  static void connect_to(int fd, const std::string& address) {
    const int port = std::atoi(address.c_str() + address.rfind(':') + 1);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }

 private:
  std::vector<int> sockets_;
};

TEST(Http, AThousandIdleConnectionsKeepNobodyOut) {
  const auto server = echo_server();
  const IdleConnections idle(server->address(), 1000);
  for (int i = 0; i < 5; ++i) {
    const auto response = http_request(server->address(), "GET", "/healthz");
    ASSERT_TRUE(response.has_value()) << response.error();
    EXPECT_EQ(response->status, 200);
  }
}

// All file descriptors of the process but those of the client.
TEST(Http, AnswersThoughNoFileDescriptorIsLeft) {
  const auto server = echo_server();
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 512;
  setrlimit(RLIMIT_NOFILE, &few);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> all;
  for (int fd = dup(client); fd >= 0; fd = dup(client)) all.push_back(fd);
  EXPECT_EQ(errno, EMFILE);
  IdleConnections::connect_to(client, server->address());
  const std::string request = get_text("/healthz");
  EXPECT_EQ(write(client, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  pollfd readable{.fd = client, .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&readable, 1, 10'000), 1) << "no answer";
  char answer[64] = {};
  EXPECT_GT(read(client, answer, sizeof answer - 1), 0);
  EXPECT_TRUE(std::string_view(answer).starts_with("HTTP/1.1 200")) << answer;
  for (const int fd : all) close(fd);
  close(client);
  setrlimit(RLIMIT_NOFILE, &before);
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
