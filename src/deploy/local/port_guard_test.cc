#include "deploy/local/port_guard.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace kgw::deploy {
namespace {

using testing::HasSubstr;

// A socket that listens as those of Envoy do, on a port that nobody else has.
class Listener {
 public:
  explicit Listener(bool udp = false) {
    fd_ = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    if (!udp) {
      EXPECT_EQ(listen(fd_, 1), 0);
    }
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

std::uint16_t free_port() { return Listener().port(); }

GuardedPort at(std::uint16_t port, const char* address = "127.0.0.1", bool udp = false) {
  return {port, udp, {address}};
}

constexpr const char* kNobody = "/nobody/";

TEST(PortGuard, APortIsTakenOnce) {
  PortGuard first, second;
  const std::uint16_t port = free_port();
  ASSERT_TRUE(first.take(at(port), kNobody));
  EXPECT_TRUE(first.take(at(port), kNobody));
  EXPECT_THAT(second.take(at(port), kNobody).error(),
              HasSubstr("another kgateway: process " + std::to_string(getpid())));
  EXPECT_FALSE(second.take(at(port, "0.0.0.0"), kNobody));
  EXPECT_FALSE(second.take(at(port, "::"), kNobody));
  EXPECT_TRUE(second.take(at(port, "127.0.0.2"), kNobody));
  EXPECT_TRUE(second.take(at(port, "127.0.0.1", true), kNobody));
  first.release(at(port));
  EXPECT_TRUE(second.take(at(port), kNobody));
}

TEST(PortGuard, APortIsFreeWhenItsHolderEnds) {
  const std::uint16_t port = free_port();
  PortGuard second;
  {
    PortGuard first;
    ASSERT_TRUE(first.take(at(port), kNobody));
    EXPECT_FALSE(second.take(at(port), kNobody));
  }
  EXPECT_TRUE(second.take(at(port), kNobody));
}

TEST(PortGuard, WhoeverListensIsNamed) {
  const Listener listener;
  PortGuard guard;
  const std::string holder = "process " + std::to_string(getpid()) + " (deploy_test)";
  EXPECT_EQ(guard.take(at(listener.port()), kNobody).error(), holder);
  EXPECT_EQ(guard.take(at(listener.port(), "0.0.0.0"), kNobody).error(), holder);
  EXPECT_TRUE(guard.take(at(listener.port(), "127.0.0.2"), kNobody));
  EXPECT_TRUE(guard.take(at(listener.port(), "127.0.0.1", true), kNobody));
}

TEST(PortGuard, UdpToo) {
  const Listener listener(true);
  PortGuard guard;
  EXPECT_THAT(guard.take(at(listener.port(), "127.0.0.1", true), kNobody).error(),
              HasSubstr("process " + std::to_string(getpid())));
}

// The word is this test's own path.
TEST(PortGuard, OwnEnvoysMayHaveThePortAlready) {
  const Listener listener;
  const std::string word = testing::internal::GetArgvs().front();
  EXPECT_TRUE(PortGuard().take(at(listener.port()), word));
  EXPECT_FALSE(PortGuard().take(at(listener.port()), word + "/other"));
}

TEST(HostSockets, AnEnvoyIsNamedByItsGateway) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "kill -STOP $$",
          "/state/dir/proxies/default~edge/3/bootstrap.json", nullptr);
    _exit(1);
  }
  std::string text;
  for (int i = 0; i < 1000 && text.find("Envoy") == std::string::npos; ++i) {
    text = describe({child, 0});
    usleep(1000);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(text, "the Envoy of Gateway default/edge (process " + std::to_string(child) +
                      ", state directory /state/dir)");
}

}  // namespace
}  // namespace kgw::deploy
