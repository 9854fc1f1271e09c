// Two replicas in one process: what the follower has to report arrives at the leader, again when
// the stream was broken, and from nobody who is no replica.
#include "app/replica_link.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "app/xds_credentials.h"
#include "attach/test_certificates.h"
#include "xds/server.h"

namespace kgw::app {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const ObjectKey kFirst{"ns", "first"};
const ObjectKey kSecond{"ns", "second"};

// The thread of an event loop.
class Thread {
 public:
  Thread() : thread_([this] { loop.run([] {}, 1000ms, [] {}); }) {}
  ~Thread() {
    loop.stop();
    thread_.join();
  }
  template <typename Query>
  auto ask(Query query) {
    return *loop.ask(std::move(query));
  }
  EventLoop loop;

 private:
  std::thread thread_;
};

class NoObserver final : public xds::LedgerObserver {
  void on_delivered(const ObjectKey&, const xds::ResourceKey&, xds::Version) override {}
  void on_rejected(const ObjectKey&, const xds::ResourceKey&, xds::Version,
                   const std::string&) override {}
  void on_proxies_changed(const ObjectKey&, std::size_t) override {}
};

// A replica that leads, and what it knows: proxies by replica and Gateway.
class Leader {
 public:
  using Known = std::map<std::string, std::map<ObjectKey, std::size_t>>;

  explicit Leader(std::string address = "127.0.0.1:0",
                  std::shared_ptr<grpc::ServerCredentials> credentials = nullptr) {
    const auto check = [](const std::string& token, const auto& answer) {
      if (token == "secret") return answer({});
      answer(std::unexpected("who are you?"));
    };
    receiver = std::make_unique<ReportReceiver>(
        thread.loop, check,
        ReportReceiver::Events{
            .report =
                [this](const std::string& replica, const status::DecodedReport& report) {
                  ++reports;
                  known[replica][report.gateway] = report.report.proxies;
                  if (report.report.proxies == 0) known[replica].erase(report.gateway);
                },
            .gone = [this](const std::string& replica) { known.erase(replica); }});
    xds::ServerOptions options;
    options.tcp_address = std::move(address);
    options.tcp_credentials = std::move(credentials);
    options.other_calls = [this](auto* context) { return receiver->accept(context); };
    server = std::make_unique<xds::AdsServer>(
        std::move(options),
        [this](std::function<void()> action) { thread.loop.post(std::move(action)); }, observer);
    const auto started = server->start();
    if (!started) throw std::runtime_error(started.error());
    receiver->set_open(true);
  }
  ~Leader() { server->shutdown(0ms); }

  std::string address() const { return "127.0.0.1:" + std::to_string(server->tcp_port()); }
  // Waits until it knows this.
  testing::AssertionResult knows(const Known& wanted) {
    Known now;
    for (int i = 0; i < 2'000; ++i) {
      now = thread.ask([&] { return known; });
      if (now == wanted) return testing::AssertionSuccess();
      std::this_thread::sleep_for(10ms);
    }
    return testing::AssertionFailure() << testing::PrintToString(now.size()) << " replicas known";
  }

  Known known;  // the loop's, as the next
  int reports = 0;
  NoObserver observer;
  std::unique_ptr<ReportReceiver> receiver;
  Thread thread;
  std::unique_ptr<xds::AdsServer> server;
};

// A replica that follows. Gateways have as many proxies as `proxies` says.
class Follower {
 public:
  explicit Follower(std::string name = "follower", std::string token = "secret",
                    std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr) {
    thread.ask([&] {
      sender = std::make_unique<ReportSender>(
          thread.loop,
          ReportSender::Options{.replica = std::move(name),
                                .token =
                                    [this, token] {
                                      ++connections;
                                      return token;
                                    },
                                .credentials = std::move(credentials),
                                .server_name = "xds.example.com",
                                .interval = 1ms,
                                .back_off = 10ms},
          ReportSender::Source{.report =
                                   [this](const ObjectKey& gateway) {
                                     status::GatewayReport report{};
                                     report.proxies = proxies[gateway];
                                     if (!words.empty()) {
                                       report.held[{envoy::ResourceType::kRoute, "t"}]["p"] = words;
                                     }
                                     return report;
                                   },
                               .gateways = [] { return std::vector{kFirst, kSecond}; }});
      return true;
    });
  }
  ~Follower() {
    thread.ask([&] {
      sender.reset();
      return true;
    });
  }

  void has(const ObjectKey& gateway, std::size_t count) {
    thread.ask([&] {
      proxies[gateway] = count;
      sender->changed(gateway);
      return true;
    });
  }
  void report_to(const std::string& address) {
    thread.ask([&] {
      sender->report_to(address);
      return true;
    });
  }

  std::map<ObjectKey, std::size_t> proxies;  // the loop's, as the next
  std::string words;
  int connections = 0;
  std::unique_ptr<ReportSender> sender;
  Thread thread;
};

TEST(ReplicaLink, ReportsWhatThereIsAndWhatChanges) {
  Leader leader;
  Follower follower;
  follower.has(kFirst, 1);
  follower.report_to(leader.address());
  EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 1}}}}));
  follower.has(kSecond, 2);
  EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 1}, {kSecond, 2}}}}));
  follower.has(kFirst, 0);
  EXPECT_TRUE(leader.knows({{"follower", {{kSecond, 2}}}}));
  follower.has(kSecond, 2);  // nothing new
  follower.has(kFirst, 3);
  EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 3}, {kSecond, 2}}}}));
  EXPECT_EQ(leader.thread.ask([&] { return leader.reports; }), 4);
}

TEST(ReplicaLink, SeveralReplicasReport) {
  Leader leader;
  Follower one("one");
  Follower two("two");
  one.has(kFirst, 1);
  two.has(kFirst, 2);
  one.report_to(leader.address());
  two.report_to(leader.address());
  EXPECT_TRUE(leader.knows({{"one", {{kFirst, 1}}}, {"two", {{kFirst, 2}}}}));
  one.report_to("");
  EXPECT_TRUE(leader.knows({{"two", {{kFirst, 2}}}}));
}

TEST(ReplicaLink, OnlyTheLatestIsSent) {
  Leader leader;
  Follower follower;
  follower.report_to(leader.address());
  for (std::size_t i = 1; i <= 1'000; ++i)
    follower.thread.loop.post([&follower, i] {
      follower.proxies[kFirst] = i;
      follower.sender->changed(kFirst);
    });
  EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 1'000}}}}));
  EXPECT_LT(leader.thread.ask([&] { return leader.reports; }), 1'000);
}

TEST(ReplicaLink, ComesBackWithEverything) {
  auto leader = std::make_unique<Leader>();
  const std::string address = leader->address();
  Follower follower;
  follower.has(kFirst, 1);
  follower.has(kSecond, 2);
  follower.report_to(address);
  EXPECT_TRUE(leader->knows({{"follower", {{kFirst, 1}, {kSecond, 2}}}}));
  leader.reset();
  leader = std::make_unique<Leader>(address);
  EXPECT_TRUE(leader->knows({{"follower", {{kFirst, 1}, {kSecond, 2}}}}));
}

TEST(ReplicaLink, WhoDoesNotLeadForgetsAndListensAgainWhenItDoes) {
  Leader leader;
  Follower follower;
  follower.has(kFirst, 1);
  leader.receiver->set_open(false);
  follower.report_to(leader.address());
  while (follower.thread.ask([&] { return follower.connections; }) < 3) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(leader.knows({}));
  leader.receiver->set_open(true);
  EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 1}}}}));
  leader.receiver->set_open(false);
  EXPECT_TRUE(leader.knows({}));
}

TEST(ReplicaLink, AnotherLeaderIsToldInstead) {
  Leader old;
  Leader fresh;
  Follower follower;
  follower.has(kFirst, 1);
  follower.report_to(old.address());
  EXPECT_TRUE(old.knows({{"follower", {{kFirst, 1}}}}));
  follower.report_to(fresh.address());
  EXPECT_TRUE(fresh.knows({{"follower", {{kFirst, 1}}}}));
  EXPECT_TRUE(old.knows({}));
}

TEST(ReplicaLink, WhoHasNoTokenOfAReplicaIsRefused) {
  Leader leader;
  for (const char* token : {"", "forged"}) {
    Follower follower("follower", token);
    follower.has(kFirst, 1);
    follower.report_to(leader.address());
    while (follower.thread.ask([&] { return follower.connections; }) < 3) {
      std::this_thread::sleep_for(10ms);
    }
  }
  EXPECT_EQ(leader.thread.ask([&] { return leader.reports; }), 0);
}

TEST(ReplicaLink, WhatIsTooLongIsReportedWithoutDetails) {
  Leader leader;
  Follower follower;
  follower.words = std::string(kMaxReportBytes, 'x');
  follower.has(kFirst, 3);
  follower.report_to(leader.address());
  EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 3}}}}));
}

TEST(ReplicaLink, WhatIsMalformedIsLeftOutAndNothingElse) {
  Leader leader;
  const auto channel = grpc::CreateChannel(leader.address(), grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.AddMetadata("kgateway-replica", "odd");
  context.AddMetadata("authorization", "Bearer secret");
  const grpc::internal::RpcMethod method(kReportMethod, grpc::internal::RpcMethod::BIDI_STREAMING,
                                         channel);
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          channel.get(), method, &context));
  const auto say = [&](const std::string& text) {
    const grpc::Slice slice(text);
    return stream->Write(grpc::ByteBuffer(&slice, 1));
  };
  EXPECT_TRUE(say(status::encode_report(kFirst, {.proxies = 1})));
  EXPECT_TRUE(say("nonsense"));
  EXPECT_TRUE(say(std::string(kMaxReportBytes + 1, ' ')));
  EXPECT_TRUE(say(R"({"gateway": {"namespace": "ns", "name": "second"}, "proxies": -1})"));
  EXPECT_TRUE(say(
      R"({"gateway": {"namespace": "ns", "name": "second"}, "proxies": 2, "from the future": 1})"));
  EXPECT_TRUE(leader.knows({{"odd", {{kFirst, 1}, {kSecond, 2}}}}));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(leader.knows({}));
}

TEST(ReplicaLink, OverTlsTheNameOfTheServiceCounts) {
  std::string directory = "/tmp/kgw-link-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const attach::Pair pair = attach::make_pair("xds.example.com");
  std::ofstream(directory + "/tls.crt") << pair.certificate;
  std::ofstream(directory + "/tls.key") << pair.key;
  std::ofstream(directory + "/ca.crt") << pair.certificate;
  Leader leader("127.0.0.1:0", xds_server_credentials(directory));
  {
    Follower other("other", "secret", xds_client_credentials(directory, {"x.example.com"}));
    other.has(kFirst, 1);
    other.report_to(leader.address());
    Follower follower("follower", "secret",
                      xds_client_credentials(directory, {"a.example.com", "xds.example.com"}));
    follower.has(kFirst, 1);
    follower.report_to(leader.address());
    EXPECT_TRUE(leader.knows({{"follower", {{kFirst, 1}}}}));
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace kgw::app
