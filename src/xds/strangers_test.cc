#include "xds/strangers.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "xds/server.h"

namespace kgw::xds {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;
using ::envoy::service::discovery::v3::DeltaDiscoveryRequest;
using ::envoy::service::discovery::v3::DeltaDiscoveryResponse;

constexpr StrangerLimits kLimits{.in_all = 3, .of_one_client = 2, .patience = 10s};
const Time kStart{};

TEST(Strangers, AreFewFromOneClientAndInAll) {
  Strangers strangers(kLimits);
  EXPECT_TRUE(strangers.add(1, "ipv4:10.0.0.1:100", kStart));
  EXPECT_TRUE(strangers.add(2, "ipv4:10.0.0.1:200", kStart));
  EXPECT_FALSE(strangers.add(3, "ipv4:10.0.0.1:300", kStart));
  EXPECT_TRUE(strangers.add(4, "ipv6:%5B::1%5D:100", kStart));
  EXPECT_FALSE(strangers.add(5, "ipv4:10.0.0.2:100", kStart));
  strangers.remove(1);
  strangers.remove(1);
  EXPECT_TRUE(strangers.add(6, "ipv4:10.0.0.1:400", kStart));
}

TEST(Strangers, AreNotWaitedForForever) {
  Strangers strangers(kLimits);
  strangers.add(1, "ipv4:10.0.0.1:100", kStart);
  strangers.add(2, "ipv4:10.0.0.1:200", kStart + 5s);
  EXPECT_THAT(strangers.overdue(kStart + 9s), IsEmpty());
  EXPECT_THAT(strangers.overdue(kStart + 10s), ElementsAre(1));
  strangers.remove(1);
  EXPECT_THAT(strangers.overdue(kStart + 20s), ElementsAre(2));
}

class NoLedger final : public LedgerObserver {
  void on_delivered(const ObjectKey&, const ResourceKey&, Version) override {}
  void on_rejected(const ObjectKey&, const ResourceKey&, Version, const std::string&) override {}
  void on_proxies_changed(const ObjectKey&, std::size_t) override {}
};

class Client {
 public:
  Client(const std::shared_ptr<grpc::Channel>& channel, const std::string& token) {
    if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
    stream_.reset(
        grpc::internal::ClientReaderWriterFactory<DeltaDiscoveryRequest, DeltaDiscoveryResponse>::
            Create(
                channel.get(),
                grpc::internal::RpcMethod("/envoy.service.discovery.v3.AggregatedDiscoveryService/"
                                          "DeltaAggregatedResources",
                                          grpc::internal::RpcMethod::BIDI_STREAMING, channel),
                &context_));
  }
  ~Client() { end(); }

  // What the server says when it ends the stream; nothing was sent.
  grpc::Status wait() {
    DeltaDiscoveryResponse response;
    while (stream_->Read(&response)) {
    }
    return finish();
  }
  void end() {
    context_.TryCancel();
    finish();
  }

 private:
  grpc::Status finish() {
    if (stream_ == nullptr) return {};
    const grpc::Status status = stream_->Finish();
    stream_.reset();
    return status;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<DeltaDiscoveryRequest, DeltaDiscoveryResponse>> stream_;
};

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    options_.tcp_address = "127.0.0.1:0";
    options_.strangers = {.in_all = 8, .of_one_client = 2, .patience = 10s};
    options_.admit = [](const Peer& peer, const auto& answer) {
      if (peer.bearer_token == "slow") return;  // never answers
      if (peer.bearer_token.empty()) return answer(std::unexpected("no token"));
      answer({});
    };
  }
  void start() {
    server_ = std::make_unique<AdsServer>(options_, [](const std::function<void()>&) {}, ledger_);
    ASSERT_TRUE(server_->start());
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->tcp_port()),
                                   grpc::InsecureChannelCredentials());
  }

  ServerOptions options_;
  NoLedger ledger_;
  std::unique_ptr<AdsServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(AdmissionTest, WhoHasNoTokenIsRefusedBeforeAnythingIsRead) {
  start();
  const grpc::Status status = Client(channel_, "").wait();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(status.error_message(), "no token");
}

TEST_F(AdmissionTest, AStrangerIsEndedWhenItsTimeIsOver) {
  start();
  Client client(channel_, "slow");
  std::atomic<bool> over = false;
  std::thread ticks([&] {  // the server may not have heard of the stream at the first
    while (!over) {
      server_->tick(std::chrono::steady_clock::now() + 1h);
      std::this_thread::sleep_for(10ms);
    }
  });
  EXPECT_EQ(client.wait().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  over = true;
  ticks.join();
}

TEST_F(AdmissionTest, ThePlacesOfStrangersAreCounted) {
  start();
  Client first(channel_, "slow"), second(channel_, "slow");
  // The places of this client are taken, so the next is told to come again; it is not left waiting.
  while (true) {
    const grpc::Status status = Client(channel_, "").wait();
    if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) break;
    ASSERT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  }
}

}  // namespace
}  // namespace kgw::xds
