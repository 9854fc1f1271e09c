#include "deploy/local/local_proxies.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <thread>

#include "deploy/envoy_testing.h"
#include "deploy/local/admin_client.h"
#include "deploy/local/fake_ads.h"
#include "deploy/local/state_dir.h"

namespace kgw::deploy {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ObjectKey kGateway{"default", "edge"};

bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

bool is_running(pid_t pid) { return fs::exists("/proc/" + std::to_string(pid) + "/exe"); }

// A TCP connection to a listener.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    open_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The reply to a GET as far as one read gives it; empty when there is no connection.
  std::string get() {
    constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    if (!open_ || send(fd_, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) return {};
    std::array<char, 4096> reply;
    const ssize_t size = recv(fd_, reply.data(), reply.size(), 0);
    return {reply.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size))};
  }

 private:
  int fd_;
  bool open_;
};

std::string get(std::uint16_t port) { return Connection(port).get(); }

// Plays a controller: records what LocalProxies tells.
class Controller {
 public:
  explicit Controller(LocalProxiesOptions options) {
    options.on_event = [this](const ProxyEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
    };
    options.on_log = [this](const ObjectKey&, std::string_view line) {
      const std::lock_guard lock(mutex_);
      log_.emplace_back(line);
      changed_.notify_all();
    };
    auto opened = LocalProxies::open(std::move(options));
    if (opened) proxies = *std::move(opened);
    if (!opened) error = opened.error();
  }

  // The `count`-th event with this state (from 1).
  ProxyEvent await(ProxyState state, int count = 1) {
    std::unique_lock lock(mutex_);
    ProxyEvent result;
    const bool found = changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      int seen = 0;
      for (const ProxyEvent& event : events_) {
        if (event.state == state && ++seen == count) {
          result = event;
          return true;
        }
      }
      return false;
    });
    EXPECT_TRUE(found) << "no event " << static_cast<int>(state) << " number " << count;
    return result;
  }
  bool await_log(const std::string& part) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      return std::ranges::any_of(
          log_, [&](const std::string& line) { return line.find(part) != std::string::npos; });
    });
  }
  int count(ProxyState state) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::ranges::count(events_, state, &ProxyEvent::state));
  }

  std::unique_ptr<LocalProxies> proxies;
  std::string error;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ProxyEvent> events_;
  std::vector<std::string> log_;
};

class LocalProxiesTest : public ::testing::Test {
 protected:
  LocalProxiesTest() {
    std::string pattern = "/tmp/kgw-XXXXXX";
    dir_ = mkdtemp(pattern.data());
    options_.envoy = envoy_path();
    options_.state_dir = (dir_ / "state").string();
    options_.concurrency = 1;
  }
  ~LocalProxiesTest() override {
    // Whatever a failed test left.
    options_.drain_timeout = milliseconds(0);
    options_.kill_timeout = milliseconds(1000);
    if (auto rest = LocalProxies::open(options_)) (*rest)->stop(LocalProxies::OnStop::kDrain);
    fs::remove_all(dir_);
  }

  void serve(const std::string& body = "hello") {
    ads_.reset();  // its end removes the socket, so before there is a new one
    ads_ = std::make_unique<FakeAds>(options_.state_dir + "/xds.sock", port_, body);
  }
  std::string script(const std::string& text) {
    const fs::path path = dir_ / "envoy.sh";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    fs::permissions(path, fs::perms(0755));
    return path.string();
  }

  fs::path dir_;
  LocalProxiesOptions options_;
  const std::uint16_t port_ = free_port();
  std::unique_ptr<FakeAds> ads_;
};

TEST_F(LocalProxiesTest, RunsAnEnvoyThatServes) {
  int pipe_ends[2];  // not close-on-exec: must not leak into Envoy
  ASSERT_EQ(pipe(pipe_ends), 0);
  Controller controller(options_);
  ASSERT_NE(controller.proxies, nullptr) << controller.error;
  serve();
  controller.proxies->ensure(kGateway, {});
  const ProxyEvent ready = controller.await(ProxyState::kReady);
  EXPECT_FALSE(ready.adopted);
  EXPECT_THAT(get(port_), HasSubstr("hello"));
  EXPECT_EQ(getsid(ready.pid), ready.pid);

  const std::string socket = controller.proxies->admin_socket(kGateway);
  struct stat st{};
  ASSERT_EQ(stat(socket.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  const auto listeners = parse_listeners(admin_get(socket, kAdminListeners)->body);
  ASSERT_EQ(listeners.size(), 1u);
  EXPECT_EQ(listeners[0].port, port_);
  EXPECT_EQ(listeners[0].address, "127.0.0.1");
  EXPECT_THAT(admin_get(socket, kAdminConfigDump)->body,
              HasSubstr("kgateway-kube-gateway-api~default~edge"));
  EXPECT_TRUE(controller.await_log("starting main dispatch loop"));

  const std::string leak = fs::read_symlink("/proc/self/fd/" + std::to_string(pipe_ends[0]));
  for (const auto& fd : fs::directory_iterator("/proc/" + std::to_string(ready.pid) + "/fd")) {
    std::error_code ignored;
    EXPECT_NE(fs::read_symlink(fd, ignored), leak);
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  controller.proxies->stop(LocalProxies::OnStop::kDrain);
  EXPECT_FALSE(is_running(ready.pid));
  EXPECT_THAT(get(port_), IsEmpty());
  EXPECT_TRUE(fs::is_empty(dir_ / "state/proxies"));
}

TEST_F(LocalProxiesTest, StartsACrashedEnvoyAgain) {
  Controller controller(options_);
  serve();
  controller.proxies->ensure(kGateway, {});
  const pid_t first = controller.await(ProxyState::kReady).pid;
  kill(first, SIGKILL);
  const ProxyEvent crash = controller.await(ProxyState::kBackingOff);
  EXPECT_THAT(crash.reason, HasSubstr("signal 9"));
  EXPECT_EQ(crash.restarts, 1u);
  const pid_t second = controller.await(ProxyState::kReady, 2).pid;
  EXPECT_NE(first, second);
  EXPECT_THAT(get(port_), HasSubstr("hello"));
  ASSERT_EQ(controller.proxies->list().size(), 1u);
  EXPECT_EQ(controller.proxies->list()[0].pid, second);
}

TEST_F(LocalProxiesTest, TellsWhyAnEnvoyDoesNotStart) {
  options_.envoy = script("echo first; echo unknown field: oops >&2; exit 3\n");
  options_.first_backoff = milliseconds(1);
  Controller controller(options_);
  controller.proxies->ensure(kGateway, {});
  const ProxyEvent event = controller.await(ProxyState::kBackingOff, 3);
  EXPECT_EQ(event.reason, "exit code 3");
  EXPECT_EQ(event.restarts, 3u);
  EXPECT_THAT(event.log, ::testing::ElementsAre("first", "unknown field: oops"));
}

TEST_F(LocalProxiesTest, TellsWhyAnEnvoyCannotBeRun) {
  options_.envoy = script("exit 0\n");
  Controller controller(options_);
  fs::remove(options_.envoy);
  controller.proxies->ensure(kGateway, {});
  EXPECT_THAT(controller.await(ProxyState::kBackingOff).reason,
              HasSubstr("No such file or directory"));
}

TEST_F(LocalProxiesTest, RefusesToStartWithoutEnvoy) {
  options_.envoy = "/no/such/envoy";
  EXPECT_THAT(Controller(options_).error, HasSubstr("--envoy"));
}

TEST_F(LocalProxiesTest, ASecondControllerIsRefused) {
  Controller first(options_);
  EXPECT_THAT(Controller(options_).error,
              HasSubstr("in use by another kgateway (pid " + std::to_string(getpid()) + ")"));
}

TEST_F(LocalProxiesTest, DrainsBeforeItRemoves) {
  options_.drain_timeout = std::chrono::seconds(60);
  Controller controller(options_);
  serve();
  controller.proxies->ensure(kGateway, {});
  const pid_t pid = controller.await(ProxyState::kReady).pid;
  auto open = std::make_unique<Connection>(port_);
  EXPECT_THAT(open->get(), HasSubstr("hello"));
  controller.proxies->remove(kGateway);
  controller.await(ProxyState::kDraining);
  EXPECT_TRUE(
      eventually([&] { return get(port_).find("connection: close") != std::string::npos; }));
  EXPECT_TRUE(is_running(pid));
  open.reset();
  controller.await(ProxyState::kStopped);
  EXPECT_FALSE(is_running(pid));
  EXPECT_THAT(controller.proxies->list(), IsEmpty());
}

TEST_F(LocalProxiesTest, ADrainEndsAtItsTimeout) {
  options_.drain_timeout = milliseconds(200);
  Controller controller(options_);
  serve();
  controller.proxies->ensure(kGateway, {});
  controller.await(ProxyState::kReady);
  Connection open(port_);
  EXPECT_THAT(open.get(), HasSubstr("hello"));
  controller.proxies->remove(kGateway);
  controller.await(ProxyState::kStopped);
}

TEST_F(LocalProxiesTest, HurryCutsADrainShort) {
  options_.drain_timeout = std::chrono::hours(1);
  Controller controller(options_);
  serve();
  controller.proxies->ensure(kGateway, {});
  controller.await(ProxyState::kReady);
  Connection open(port_);
  EXPECT_THAT(open.get(), HasSubstr("hello"));
  std::thread stopper([&] { controller.proxies->stop(LocalProxies::OnStop::kDrain); });
  controller.await(ProxyState::kDraining);
  controller.proxies->hurry();
  stopper.join();
}

TEST_F(LocalProxiesTest, KillsWhatIgnoresSigterm) {
  options_.envoy = script("trap '' TERM\necho up\nwhile :; do sleep 0.1; done\n");
  options_.kill_timeout = milliseconds(300);
  Controller controller(options_);
  controller.proxies->ensure(kGateway, {});
  const pid_t pid = controller.await(ProxyState::kStarting).pid;
  ASSERT_TRUE(controller.await_log("up"));
  controller.proxies->remove(kGateway);
  controller.await(ProxyState::kStopped);
  EXPECT_FALSE(is_running(pid));
}

TEST_F(LocalProxiesTest, ASuccessorTakesOver) {
  pid_t pid = 0;
  {
    Controller first(options_);
    serve();
    first.proxies->ensure(kGateway, {});
    pid = first.await(ProxyState::kReady).pid;
    first.proxies->stop(LocalProxies::OnStop::kKeep);
  }
  ads_.reset();
  EXPECT_THAT(get(port_), HasSubstr("hello"));
  Controller second(options_);
  second.proxies->ensure(kGateway, {});
  const ProxyEvent ready = second.await(ProxyState::kReady);
  EXPECT_TRUE(ready.adopted);
  EXPECT_EQ(ready.pid, pid);
  // Its log goes on, its configuration comes from the new controller, and its end is noticed.
  ASSERT_TRUE(admin_post(second.proxies->admin_socket(kGateway), "/logging?level=debug"));
  EXPECT_TRUE(second.await_log("[debug]"));
  kill(pid, SIGKILL);
  serve("new");
  EXPECT_EQ(second.await(ProxyState::kBackingOff).reason, "signal 9 (Killed)");
  second.await(ProxyState::kReady, 2);
  EXPECT_THAT(get(port_), HasSubstr("new"));
}

TEST_F(LocalProxiesTest, AnotherSpecReplacesTheEnvoy) {
  Controller controller(options_);
  serve();
  controller.proxies->ensure(kGateway, {});
  const pid_t first = controller.await(ProxyState::kReady).pid;
  controller.proxies->ensure(kGateway, {});
  controller.proxies->ensure(kGateway, {.concurrency = 2});
  const ProxyEvent second = controller.await(ProxyState::kReady, 2);
  EXPECT_NE(first, second.pid);
  EXPECT_EQ(controller.await(ProxyState::kStopped).pid, first);
  EXPECT_EQ(controller.count(ProxyState::kBackingOff), 0);
  EXPECT_THAT(get(port_), HasSubstr("hello"));
  ASSERT_EQ(controller.proxies->list().size(), 1u);
  EXPECT_EQ(controller.proxies->list()[0].pid, second.pid);
}

// Without a configuration the new Envoy is never ready: the old one must go on.
TEST_F(LocalProxiesTest, AReplacementThatDoesNotComeUpChangesNothing) {
  Controller controller(options_);
  serve();
  controller.proxies->ensure(kGateway, {});
  const pid_t first = controller.await(ProxyState::kReady).pid;
  ads_.reset();
  controller.proxies->ensure(kGateway, {.concurrency = 2});
  const pid_t second = controller.await(ProxyState::kStarting, 2).pid;
  kill(second, SIGKILL);
  controller.await(ProxyState::kBackingOff);
  EXPECT_THAT(get(port_), HasSubstr("hello"));
  controller.proxies->ensure(kGateway, {});  // thought better of it
  EXPECT_TRUE(eventually([&] {
    const auto now = controller.proxies->list();
    return now.size() == 1 && now[0].pid == first && now[0].state == ProxyState::kReady;
  }));
  EXPECT_EQ(controller.count(ProxyState::kReady), 1);
}

TEST_F(LocalProxiesTest, AnUpgradeReplacesWhatThePredecessorLeft) {
  pid_t pid = 0;
  {
    Controller first(options_);
    serve();
    first.proxies->ensure(kGateway, {});
    pid = first.await(ProxyState::kReady).pid;
  }
  options_.locality.zone = "other";
  Controller second(options_);
  serve();
  second.proxies->ensure(kGateway, {});
  EXPECT_EQ(second.await(ProxyState::kStopped).pid, pid);
  EXPECT_TRUE(eventually([&] { return get(port_).find("hello") != std::string::npos; }));
  EXPECT_FALSE(second.proxies->list().at(0).adopted);
}

TEST_F(LocalProxiesTest, RemovesWhatNobodyWantsAnyMore) {
  pid_t pid = 0;
  {
    Controller first(options_);
    serve();
    first.proxies->ensure(kGateway, {});
    pid = first.await(ProxyState::kReady).pid;
  }
  Controller second(options_);
  EXPECT_TRUE(is_running(pid));
  second.proxies->remove_unclaimed();
  EXPECT_EQ(second.await(ProxyState::kStopped).pid, pid);
  EXPECT_FALSE(is_running(pid));
}

// Records that name a process which is not the one we started.
TEST_F(LocalProxiesTest, NeverTouchesAForeignProcess) {
  const pid_t foreign = fork();
  if (foreign == 0) {
    execl("/bin/sleep", "sleep", "1000", nullptr);
    _exit(127);
  }
  std::uint64_t start_time = 0;
  ASSERT_TRUE(eventually([&] {  // until it is /bin/sleep
    std::ifstream file("/proc/" + std::to_string(foreign) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    if (text.find("(sleep)") == std::string::npos) return false;
    std::istringstream rest(text.substr(text.rfind(')') + 1));
    std::string field;
    for (int i = 3; i <= 22; ++i) rest >> field;
    start_time = std::stoull(field);
    return true;
  }));
  {
    const auto state = StateDir::open(options_.state_dir);
    for (const auto& [number, time] : {std::pair(0U, start_time), std::pair(1U, start_time + 1)}) {
      ASSERT_TRUE(state->create_instance(state->instance(kGateway, number), "{}"));
      ASSERT_TRUE(state->write_record({kGateway, number, {foreign, time}, "x"}));
    }
  }
  {
    Controller controller(options_);
    controller.proxies->remove_unclaimed();
    controller.proxies->stop(LocalProxies::OnStop::kDrain);
    EXPECT_EQ(controller.count(ProxyState::kDraining), 0);
  }
  EXPECT_EQ(waitpid(foreign, nullptr, WNOHANG), 0);
  kill(foreign, SIGKILL);
  waitpid(foreign, nullptr, 0);
  EXPECT_TRUE(fs::is_empty(dir_ / "state/proxies"));
}

// This program can also play a controller in a process of its own, which a test then kills.
constexpr const char* kPlayController = "KGW_TEST_PLAY_CONTROLLER";

class PlayController : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* state_dir = std::getenv(kPlayController);
    if (state_dir == nullptr) return;
    LocalProxiesOptions options;
    options.envoy = envoy_path();
    options.state_dir = state_dir;
    options.concurrency = 1;
    auto proxies = LocalProxies::open(options);
    (*proxies)->ensure(kGateway, {});
    pause();
  }
};
const auto* const play_controller = ::testing::AddGlobalTestEnvironment(new PlayController);

TEST_F(LocalProxiesTest, OutlivesAKilledController) {
  fs::create_directory(options_.state_dir);
  serve();
  setenv(kPlayController, options_.state_dir.c_str(), 1);
  const pid_t controller = fork();
  if (controller == 0) {
    execl("/proc/self/exe", "deploy_test", "--gtest_filter=Bootstrap.*", nullptr);
    _exit(127);
  }
  unsetenv(kPlayController);
  ASSERT_TRUE(eventually([&] { return get(port_).find("hello") != std::string::npos; }));
  EXPECT_THAT(Controller(options_).error, HasSubstr("in use"));
  kill(controller, SIGKILL);
  waitpid(controller, nullptr, 0);
  EXPECT_THAT(get(port_), HasSubstr("hello"));

  Controller successor(options_);
  successor.proxies->ensure(kGateway, {});
  const ProxyEvent ready = successor.await(ProxyState::kReady);
  EXPECT_TRUE(ready.adopted);
  EXPECT_THAT(get(port_), HasSubstr("hello"));
  kill(ready.pid, SIGTERM);
  EXPECT_EQ(successor.await(ProxyState::kBackingOff).reason, "ended");  // no child of ours
  successor.await(ProxyState::kReady, 2);
}

}  // namespace
}  // namespace kgw::deploy
