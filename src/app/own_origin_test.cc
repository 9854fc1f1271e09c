#include "app/own_origin.h"

#include <gtest/gtest.h>

namespace kgw::app {
namespace {

bool taken(const std::string& host, const std::string& origin = "",
           const std::string& local = "127.0.0.1") {
  HttpRequest request;
  request.host = host;
  request.origin = origin;
  request.local_address = local;
  return !foreign_origin(request, {"gateway.example.com"});
}

TEST(OwnOrigin, LoopbackTheConnectedAddressAndGivenNamesAreOwn) {
  for (const char* host :
       {"", "localhost", "localhost:9095", "LOCALHOST:1", "127.0.0.1:9095", "127.3.2.1",
        "[::1]:9095", "[::1]", "gateway.example.com:9095", "Gateway.Example.COM"}) {
    EXPECT_TRUE(taken(host)) << host;
  }
  EXPECT_TRUE(taken("10.1.2.3:9095", "", "10.1.2.3"));
  EXPECT_TRUE(taken("10.1.2.3:9095", "", "::ffff:10.1.2.3"));
}

TEST(OwnOrigin, NamesThatSomebodyElsePointsHereAreNot) {
  for (const char* host :
       {"evil.example.com:9095", "localhost.evil.example.com", "127.0.0.1.evil.example.com",
        "10.1.2.3:9095", "localhost@evil.example.com", "[evil", "evil.example.com:localhost",
        "2130706433", "0.0.0.0"}) {
    EXPECT_FALSE(taken(host)) << host;
  }
}

TEST(OwnOrigin, AnOriginMustBeTheHosts) {
  EXPECT_TRUE(taken("localhost:9095", "http://localhost:9095"));
  EXPECT_FALSE(taken("localhost:9095", "http://localhost:3000"));
  EXPECT_FALSE(taken("localhost:9095", "https://evil.example.com"));
  EXPECT_FALSE(taken("localhost:9095", "null"));
  EXPECT_FALSE(taken("", "http://"));
}

}  // namespace
}  // namespace kgw::app
