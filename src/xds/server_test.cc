#include "xds/server.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "attach/test_certificates.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "xds/no_ipv6_testing.h"
#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using ::envoy::service::discovery::v3::DeltaDiscoveryRequest;
using ::envoy::service::discovery::v3::DeltaDiscoveryResponse;
using ::envoy::service::discovery::v3::DiscoveryRequest;
using ::envoy::service::discovery::v3::DiscoveryResponse;
using namespace std::chrono_literals;

constexpr const char* kDelta =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
constexpr const char* kStream =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

// The core thread.
class Loop {
 public:
  Loop() : thread_([this] { work(); }) {}
  ~Loop() { stop(); }

  void post(std::function<void()> action) {
    std::lock_guard lock(mutex_);
    actions_.push_back(std::move(action));
    wake_.notify_one();
  }
  // Runs `action` on the loop and waits for its result.
  template <typename Action>
  auto ask(Action action) {
    std::packaged_task<decltype(action())()> task(std::move(action));
    auto result = task.get_future();
    post([&task] { task(); });
    return result.get();
  }
  void stop() {
    post(nullptr);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !actions_.empty(); });
      auto action = std::move(actions_.front());
      actions_.pop_front();
      lock.unlock();
      if (action == nullptr) return;
      action();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> actions_;
  std::thread thread_;
};

template <typename Request, typename Response>
class Client {
 public:
  Client(std::shared_ptr<grpc::Channel> channel, const char* method,
         std::map<std::string, std::string> headers = {}) {
    for (const auto& [name, value] : headers) context_.AddMetadata(name, value);
    context_.set_deadline(std::chrono::system_clock::now() + 30s);
    const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::BIDI_STREAMING, channel);
    stream_.reset(grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(
        channel.get(), rpc, &context_));
  }
  void send(const Request& request) { stream_->Write(request); }
  Response receive() {
    Response response;
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }
  // Whatever else comes is dropped.
  grpc::Status end() {
    Response response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }
  void cancel() { context_.TryCancel(); }
  grpc::Status leave() {
    stream_->WritesDone();
    return end();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
};
using DeltaClient = Client<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
using SotwClient = Client<DiscoveryRequest, DiscoveryResponse>;

template <typename Request>
Request first_request(ResourceType type, const char* cluster = "gw.ns") {
  Request request;
  request.mutable_node()->set_id("proxy");
  request.mutable_node()->set_cluster(cluster);
  request.set_type_url(std::string(envoy::type_url(type)));
  return request;
}

DeltaDiscoveryRequest answer_to(const DeltaDiscoveryResponse& response) {
  DeltaDiscoveryRequest request;
  request.set_type_url(response.type_url());
  request.set_response_nonce(response.nonce());
  return request;
}

Verdict by_token(const Peer& peer) {
  if (peer.bearer_token == "secret") return ObjectKey{"ns", "gw"};
  return std::unexpected("wrong token");
}

class ServerTest : public testing::Test, public LedgerObserver {
 protected:
  ServerTest() {
    std::string pattern = "/tmp/kgw-xds-XXXXXX";
    directory = mkdtemp(pattern.data());
    options.unix_socket = directory + "/xds.sock";
  }
  // While the whole object is still there for the core thread to tell.
  void TearDown() override {
    if (server) server->shutdown(5s);
    loop.stop();
    server.reset();
    std::filesystem::remove_all(directory);
  }

  void start() {
    server = std::make_unique<AdsServer>(
        options, [this](std::function<void()> action) { loop.post(std::move(action)); }, *this);
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error();
  }
  void start_synced(EditOf edit = {}) {
    start();
    publish(std::move(edit));
    loop.ask([&] { server->set_synced(); });
  }
  void publish(EditOf edit) {
    loop.ask([&] { server->publish({"ns", "gw"}, std::move(edit.edit)); });
  }
  // Serves one cluster, and asks for it there.
  void expect_an_answer_on_ipv4() {
    start_synced(EditOf().put(kCds, "a"));
    ASSERT_GT(server->tcp_port(), 0);
    DeltaClient client(grpc::CreateChannel("127.0.0.1:" + std::to_string(server->tcp_port()),
                                           grpc::InsecureChannelCredentials()),
                       kDelta);
    client.send(first_request<DeltaDiscoveryRequest>(kCds));
    EXPECT_EQ(client.receive().resources_size(), 1);
  }
  std::shared_ptr<grpc::Channel> channel() {
    return grpc::CreateChannel("unix:" + options.unix_socket, grpc::InsecureChannelCredentials());
  }
  std::string error_of_start() {
    AdsServer other(options, [](auto) {}, *this);
    const auto started = other.start();
    return started ? "" : started.error();
  }

  void on_delivered(const ObjectKey&, const ResourceKey& key, Version) override {
    tell("delivered " + to_string(key));
  }
  void on_rejected(const ObjectKey&, const ResourceKey& key, Version,
                   const std::string& message) override {
    tell("rejected " + to_string(key) + ": " + message);
  }
  void on_proxies_changed(const ObjectKey&, std::size_t proxies) override {
    tell("proxies " + std::to_string(proxies));
  }
  void tell(std::string event) {
    std::lock_guard lock(mutex);
    events.push_back(std::move(event));
    told.notify_all();
  }
  bool hears(const std::string& event) {
    std::unique_lock lock(mutex);
    return told.wait_for(
        lock, 30s, [&] { return std::find(events.begin(), events.end(), event) != events.end(); });
  }

  std::string directory;
  ServerOptions options;
  Loop loop;
  std::unique_ptr<AdsServer> server;
  std::mutex mutex;
  std::condition_variable told;
  std::vector<std::string> events;
};

TEST_F(ServerTest, DeltaOverUnixSocket) {
  const std::string large(20'000, 'x');
  start_synced(EditOf().put(kCds, "a", large));
  DeltaClient client(channel(), kDelta);
  client.send(first_request<DeltaDiscoveryRequest>(kCds));
  DeltaDiscoveryResponse response = client.receive();
  ASSERT_EQ(response.resources_size(), 1);
  EXPECT_EQ(response.resources(0).name(), "a");
  EXPECT_EQ(response.resources(0).resource().value(), large);
  client.send(answer_to(response));
  EXPECT_TRUE(hears("delivered Cluster a"));

  publish(EditOf().put(kCds, "a", "bad"));
  response = client.receive();
  DeltaDiscoveryRequest refusal = answer_to(response);
  refusal.mutable_error_detail()->set_message("Error adding/updating cluster(s) a: no such thing");
  client.send(refusal);
  EXPECT_TRUE(hears("rejected Cluster a: no such thing"));
  EXPECT_TRUE(client.leave().ok());
  EXPECT_TRUE(hears("proxies 0"));
}

TEST_F(ServerTest, StateOfTheWorldOverUnixSocket) {
  start_synced(EditOf().put(kLds, "l").put(kLds, "m"));
  SotwClient client(channel(), kStream);
  client.send(first_request<DiscoveryRequest>(kLds));
  const DiscoveryResponse response = client.receive();
  EXPECT_EQ(response.resources_size(), 2);
  DiscoveryRequest ack;
  ack.set_type_url(response.type_url());
  ack.set_response_nonce(response.nonce());
  ack.set_version_info(response.version_info());
  client.send(ack);
  EXPECT_TRUE(hears("delivered Listener l"));
  EXPECT_TRUE(client.leave().ok());
}

TEST_F(ServerTest, WaitsForTheSources) {
  start();
  DeltaClient client(channel(), kDelta);
  client.send(first_request<DeltaDiscoveryRequest>(kCds));
  client.send(first_request<DeltaDiscoveryRequest>(kLds));
  publish(EditOf().put(kCds, "early"));
  EXPECT_EQ(loop.ask([&] { return server->stats().of(kCds).responses; }), 0u);
  publish(EditOf().remove(kCds, "early").put(kCds, "a"));
  loop.ask([&] { server->set_synced(); });
  const DeltaDiscoveryResponse response = client.receive();
  ASSERT_EQ(response.resources_size(), 1);
  EXPECT_EQ(response.resources(0).name(), "a");
}

TEST_F(ServerTest, ManyChangesInARowReachTheClientInOrder) {
  start_synced(EditOf().put(kEds, "a", "0"));
  DeltaClient client(channel(), kDelta);
  auto request = first_request<DeltaDiscoveryRequest>(kEds);
  request.add_resource_names_subscribe("a");
  client.send(request);
  for (int i = 1; i <= 200; ++i) publish(EditOf().put(kEds, "a", std::to_string(i)));
  int last = -1;
  while (last != 200) {
    const DeltaDiscoveryResponse response = client.receive();
    ASSERT_EQ(response.resources_size(), 1);
    const int value = std::stoi(response.resources(0).resource().value());
    ASSERT_GT(value, last);
    last = value;
    client.send(answer_to(response));
  }
  EXPECT_TRUE(hears("delivered ClusterLoadAssignment a"));
}

TEST_F(ServerTest, UnservedTypesAreAbsentAndDoNotDisturb) {
  start_synced(EditOf().put(kCds, "a"));
  DeltaClient client(channel(), kDelta);
  auto request = first_request<DeltaDiscoveryRequest>(kCds);
  request.set_type_url("type.googleapis.com/envoy.service.runtime.v3.Runtime");
  request.add_resource_names_subscribe("rtds");
  client.send(request);
  const DeltaDiscoveryResponse absent = client.receive();
  EXPECT_EQ(absent.type_url(), request.type_url());
  EXPECT_THAT(absent.removed_resources(), testing::ElementsAre("rtds"));
  client.send(answer_to(absent));
  DeltaDiscoveryRequest clusters;  // the node came with the first request
  clusters.set_type_url(std::string(envoy::type_url(kCds)));
  client.send(clusters);
  EXPECT_EQ(client.receive().resources_size(), 1);
}

TEST_F(ServerTest, OtherMethodsAreUnimplemented) {
  start_synced();
  DeltaClient client(channel(), "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters");
  const grpc::Status status = client.end();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("DeltaAggregatedResources"));
}

TEST_F(ServerTest, ProxyWithoutAGatewayIsRefused) {
  start_synced();
  DeltaClient client(channel(), kDelta);
  client.send(first_request<DeltaDiscoveryRequest>(kCds, "nobody"));
  const grpc::Status status = client.end();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("names no Gateway"));
  EXPECT_EQ(loop.ask([&] { return server->stats().streams_refused; }), 1u);
}

TEST_F(ServerTest, AuthoriserSeesTheTokenAndDecides) {
  options.authorise = [](const Peer& peer, const Node&, const auto& answer) {
    answer(by_token(peer));
  };
  start_synced(EditOf().put(kCds, "a"));
  DeltaClient good(channel(), kDelta, {{"authorization", "Bearer secret"}});
  good.send(first_request<DeltaDiscoveryRequest>(kCds, "x"));
  EXPECT_EQ(good.receive().resources_size(), 1);
  DeltaClient bad(channel(), kDelta, {{"authorization", "Bearer guess"}});
  bad.send(first_request<DeltaDiscoveryRequest>(kCds));
  EXPECT_EQ(bad.end().error_message(), "wrong token");
}

TEST_F(ServerTest, AuthoriserMayAnswerLaterAndElsewhere) {
  std::promise<std::function<void()>> asked;
  options.authorise = [&](const Peer& peer, const Node&, auto answer) {
    asked.set_value([peer, answer] { answer(by_token(peer)); });
  };
  start_synced(EditOf().put(kCds, "a"));
  DeltaClient client(channel(), kDelta, {{"authorization", "Bearer secret"}});
  client.send(first_request<DeltaDiscoveryRequest>(kCds));
  const auto decide = asked.get_future().get();
  EXPECT_EQ(loop.ask([&] { return server->stats().streams; }), 0u);
  std::thread(decide).join();
  EXPECT_EQ(client.receive().resources_size(), 1);
}

TEST_F(ServerTest, AnswerOfTheAuthoriserAfterTheEndOfTheStreamIsVoid) {
  std::promise<std::function<void()>> asked;
  options.authorise = [&](const Peer& peer, const Node&, auto answer) {
    asked.set_value([peer, answer] { answer(by_token(peer)); });
  };
  options.max_streams = 1;
  start_synced(EditOf().put(kCds, "a"));
  std::function<void()> decide;
  {
    DeltaClient client(channel(), kDelta, {{"authorization", "Bearer secret"}});
    client.send(first_request<DeltaDiscoveryRequest>(kCds));
    decide = asked.get_future().get();
    client.cancel();
    client.end();
  }
  // The place is free again when the server has noticed the end.
  while (true) {
    DeltaClient next(channel(), kStream);
    if (next.leave().error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) break;
  }
  decide();
  EXPECT_EQ(loop.ask([&] { return server->stats().streams_opened; }), 0u);
}

TEST_F(ServerTest, RequestWithoutANodeIsRefused) {
  start_synced();
  DeltaClient client(channel(), kDelta);
  client.send({});
  EXPECT_EQ(client.end().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, MalformedRequestEndsTheStream) {
  start_synced();
  Client<google::protobuf::Any, DeltaDiscoveryResponse> client(channel(), kDelta);
  google::protobuf::Any any;
  any.set_type_url("\xff\xff");
  client.send(any);
  EXPECT_EQ(client.end().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, OversizedRequestEndsTheStream) {
  options.max_request_bytes = 1000;
  start_synced();
  DeltaClient client(channel(), kDelta);
  auto request = first_request<DeltaDiscoveryRequest>(kCds);
  request.mutable_node()->set_user_agent_name(std::string(2000, 'x'));
  client.send(request);
  EXPECT_FALSE(client.end().ok());
}

TEST_F(ServerTest, StreamsAreLimited) {
  options.max_streams = 1;
  start_synced(EditOf().put(kCds, "a"));
  DeltaClient first(channel(), kDelta);
  first.send(first_request<DeltaDiscoveryRequest>(kCds));
  first.receive();
  DeltaClient second(channel(), kDelta);
  EXPECT_EQ(second.end().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ServerTest, RemovedGroupAndShutdownEndStreams) {
  start_synced(EditOf().put(kCds, "a"));
  DeltaClient first(channel(), kDelta);
  first.send(first_request<DeltaDiscoveryRequest>(kCds));
  first.receive();
  loop.ask([&] { server->remove_group({"ns", "gw"}); });
  const grpc::Status removed = first.end();
  EXPECT_EQ(removed.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(removed.error_message(), testing::HasSubstr("ns/gw"));

  publish(EditOf().put(kCds, "a"));
  DeltaClient second(channel(), kDelta);
  second.send(first_request<DeltaDiscoveryRequest>(kCds));
  second.receive();
  server->shutdown(5s);
  EXPECT_EQ(second.end().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, ListensOnTcpAsWell) {
  options.tcp_address = "127.0.0.1:0";
  expect_an_answer_on_ipv4();
}

TEST_F(ServerTest, WithoutIpv6AllAddressesAreThoseOfIpv4) {
  const NoIpv6 no_ipv6;
  options.tcp_address = "[::]:0";
  expect_an_answer_on_ipv4();
}

TEST_F(ServerTest, TcpWithTlsTellsTheTokenToWhoTrustsItsCertificate) {
  const attach::Pair certificate = attach::make_pair("xds.example.com");
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs = {{certificate.key, certificate.certificate}};
  options.tcp_credentials = grpc::SslServerCredentials(tls);
  options.tcp_address = "127.0.0.1:0";
  options.authorise = [](const Peer& peer, const Node&, const auto& answer) {
    answer(by_token(peer));
  };
  start_synced(EditOf().put(kCds, "a"));
  const auto connect = [&](std::shared_ptr<grpc::ChannelCredentials> credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("xds.example.com");
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->tcp_port()), credentials,
                                     arguments);
  };
  const auto trusting = [](const std::string& certificate) {
    return grpc::SslCredentials({.pem_root_certs = certificate});
  };
  const auto request = first_request<DeltaDiscoveryRequest>(kCds);

  DeltaClient good(connect(trusting(certificate.certificate)), kDelta,
                   {{"authorization", "Bearer secret"}});
  good.send(request);
  EXPECT_EQ(good.receive().resources_size(), 1);

  DeltaClient without_token(connect(trusting(certificate.certificate)), kDelta);
  without_token.send(request);
  EXPECT_EQ(without_token.end().error_code(), grpc::StatusCode::PERMISSION_DENIED);

  DeltaClient distrusting(connect(trusting(attach::make_pair("xds.example.com").certificate)),
                          kDelta);
  EXPECT_EQ(distrusting.end().error_code(), grpc::StatusCode::UNAVAILABLE);

  DeltaClient plain(connect(grpc::InsecureChannelCredentials()), kDelta);
  EXPECT_EQ(plain.end().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, SocketIsForItsUserOnly) {
  start_synced();
  struct stat status{};
  ASSERT_EQ(::stat(options.unix_socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ServerTest, StaleSocketIsReplaced) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  options.unix_socket.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);  // as a killed process leaves it
  start_synced(EditOf().put(kCds, "a"));
  DeltaClient client(channel(), kDelta);
  client.send(first_request<DeltaDiscoveryRequest>(kCds));
  EXPECT_EQ(client.receive().resources_size(), 1);
}

TEST_F(ServerTest, AddressesThatCannotBeUsedAreErrors) {
  start_synced();
  EXPECT_THAT(error_of_start(), testing::HasSubstr("another process listens"));
  options.unix_socket = directory + "/file";
  std::ofstream(options.unix_socket) << "precious";
  EXPECT_THAT(error_of_start(), testing::HasSubstr("is no socket"));
  options.unix_socket = directory + "/" + std::string(200, 'x');
  EXPECT_THAT(error_of_start(), testing::HasSubstr("longer than"));
  options.unix_socket.clear();
  options.tcp_address = "256.0.0.1:1";
  EXPECT_THAT(error_of_start(), testing::HasSubstr("256.0.0.1:1"));
}

}  // namespace
}  // namespace kgw::xds::test
