#include "deploy/local/fake_ads.h"

#include <arpa/inet.h>
#include <envoy/config/listener/v3/listener.pb.h>
#include <envoy/extensions/filters/http/router/v3/router.pb.h>
#include <envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h>
#include <envoy/service/discovery/v3/ads.grpc.pb.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

namespace kgw::deploy {
namespace {

namespace discovery = envoy::service::discovery::v3;
namespace hcm = envoy::extensions::filters::network::http_connection_manager::v3;

envoy::config::listener::v3::Listener listener(std::uint16_t port, const std::string& body) {
  hcm::HttpConnectionManager manager;
  manager.set_stat_prefix("http");
  auto& host = *manager.mutable_route_config()->add_virtual_hosts();
  host.set_name("all");
  host.add_domains("*");
  auto& route = *host.add_routes();
  route.mutable_match()->set_prefix("/");
  route.mutable_direct_response()->set_status(200);
  route.mutable_direct_response()->mutable_body()->set_inline_string(body);
  auto& router = *manager.add_http_filters();
  router.set_name("router");
  router.mutable_typed_config()->PackFrom(envoy::extensions::filters::http::router::v3::Router());

  envoy::config::listener::v3::Listener result;
  result.set_name("listener~" + std::to_string(port));
  auto& address = *result.mutable_address()->mutable_socket_address();
  address.set_address("127.0.0.1");
  address.set_port_value(port);
  auto& filter = *result.add_filter_chains()->add_filters();
  filter.set_name("http");
  filter.mutable_typed_config()->PackFrom(manager);
  return result;
}

}  // namespace

class FakeAds::Service : public discovery::AggregatedDiscoveryService::Service {
 public:
  Service(const std::string& socket, std::uint16_t port, const std::string& body)
      : listener_(listener(port, body)) {
    unlink(socket.c_str());
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Service() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status DeltaAggregatedResources(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<discovery::DeltaDiscoveryResponse, discovery::DeltaDiscoveryRequest>*
          stream) override {
    std::set<std::string> answered;
    discovery::DeltaDiscoveryRequest request;
    while (stream->Read(&request)) {
      if (!answered.insert(request.type_url()).second) continue;
      discovery::DeltaDiscoveryResponse response;
      response.set_type_url(request.type_url());
      response.set_nonce("1");
      if (request.type_url().ends_with(".Listener")) {
        auto& resource = *response.add_resources();
        resource.set_name(listener_.name());
        resource.set_version("1");
        resource.mutable_resource()->PackFrom(listener_);
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  const envoy::config::listener::v3::Listener listener_;
  std::unique_ptr<grpc::Server> server_;
};

FakeAds::FakeAds(const std::string& socket, std::uint16_t port, const std::string& body)
    : service_(std::make_unique<Service>(socket, port, body)) {}
FakeAds::~FakeAds() = default;

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace kgw::deploy
