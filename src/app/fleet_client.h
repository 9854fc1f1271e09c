// A proxy of `make bench-fleet`: a real gRPC connection that asks for what an Envoy would ask for,
// in the same order, follows references (clusters to endpoints, listeners to routes) and accepts
// everything. It keeps names only.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_callback.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/resource.h"
#include "envoy/service/discovery/v3/discovery.pb.h"

namespace kgw::app::fleet {

namespace discovery = ::envoy::service::discovery::v3;
using envoy::ResourceType;

// What a protocol calls things. Bodies come as (name, Any).
struct Delta {
  using Request = discovery::DeltaDiscoveryRequest;
  using Response = discovery::DeltaDiscoveryResponse;
  static constexpr const char* kMethod = "DeltaAggregatedResources";
  static void name(Request& request, const std::set<std::string>&,
                   const std::set<std::string>& added) {
    for (const std::string& name : added) request.add_resource_names_subscribe(name);
  }
  static const google::protobuf::Any& body(const discovery::Resource& resource) {
    return resource.resource();
  }
};

struct StateOfTheWorld {
  using Request = discovery::DiscoveryRequest;
  using Response = discovery::DiscoveryResponse;
  static constexpr const char* kMethod = "StreamAggregatedResources";
  static void name(Request& request, const std::set<std::string>& all,
                   const std::set<std::string>&) {
    for (const std::string& name : all) request.add_resource_names(name);
  }
  static const google::protobuf::Any& body(const google::protobuf::Any& resource) {
    return resource;
  }
};

class Proxy {
 public:
  virtual ~Proxy() = default;
};

template <typename Protocol>
class SyntheticProxy final
    : public Proxy,
      grpc::ClientBidiReactor<typename Protocol::Request, typename Protocol::Response> {
  using Request = typename Protocol::Request;
  using Response = typename Protocol::Response;

 public:
  // `gateway`: the name of its Gateway, in namespace `default`.
  SyntheticProxy(const std::string& target, const std::string& gateway, int number) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection for each proxy
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
    stub_ = std::make_unique<grpc::TemplatedGenericStub<Request, Response>>(channel_);
    stub_->PrepareBidiStreamingCall(
        &context_,
        std::string("/envoy.service.discovery.v3.AggregatedDiscoveryService/") + Protocol::kMethod,
        {}, this);
    this->StartRead(&incoming_);
    this->StartCall();
    Request first;
    first.mutable_node()->set_id("proxy-" + std::to_string(number));
    first.mutable_node()->set_cluster(gateway + ".default");
    std::lock_guard lock(mutex_);
    ask(std::move(first), ResourceType::kCluster);
  }
  ~SyntheticProxy() override {
    context_.TryCancel();
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return done_; });
  }

 private:
  static bool is(const Response& response, ResourceType type) {
    return response.type_url() == envoy::type_url(type);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    {
      std::lock_guard lock(mutex_);
      take(incoming_);
    }
    incoming_ = {};
    this->StartRead(&incoming_);
  }

  void take(const Response& response) {
    std::set<std::string> clusters, routes;
    for (const auto& resource : response.resources()) {
      const google::protobuf::Any& body = Protocol::body(resource);
      if (is(response, ResourceType::kCluster)) clusters.insert(cluster_of(body));
      if (is(response, ResourceType::kListener)) add_routes(body, routes);
    }
    accept(response);
    if (is(response, ResourceType::kCluster)) subscribe(ResourceType::kEndpoint, clusters);
    if (is(response, ResourceType::kEndpoint) && !std::exchange(asked_listeners_, true)) {
      ask({}, ResourceType::kListener);
    }
    if (is(response, ResourceType::kListener)) subscribe(ResourceType::kRoute, routes);
  }

  static std::string cluster_of(const google::protobuf::Any& body) {
    ::envoy::config::cluster::v3::Cluster cluster;
    cluster.ParseFromString(body.value());
    return cluster.name();
  }

  static void add_routes(const google::protobuf::Any& body, std::set<std::string>& routes) {
    namespace hcm = ::envoy::extensions::filters::network::http_connection_manager::v3;
    ::envoy::config::listener::v3::Listener listener;
    listener.ParseFromString(body.value());
    std::vector<::envoy::config::listener::v3::FilterChain> chains(listener.filter_chains().begin(),
                                                                   listener.filter_chains().end());
    chains.push_back(listener.default_filter_chain());
    for (const auto& chain : chains) {
      for (const ::envoy::config::listener::v3::Filter& filter : chain.filters()) {
        hcm::HttpConnectionManager manager;
        if (!filter.typed_config().UnpackTo(&manager)) continue;
        if (manager.has_rds()) routes.insert(manager.rds().route_config_name());
      }
    }
  }

  void accept(const Response& response) {
    Request request;
    request.set_type_url(response.type_url());
    request.set_response_nonce(response.nonce());
    Names& names = names_[response.type_url()];
    names.nonce = response.nonce();
    if constexpr (requires { request.set_version_info(""); }) {
      names.version = response.version_info();
      request.set_version_info(names.version);
    }
    Protocol::name(request, names.all, {});
    write(std::move(request));
  }

  void subscribe(ResourceType type, const std::set<std::string>& wanted) {
    Names& names = names_[std::string(envoy::type_url(type))];
    std::set<std::string> added;
    for (const std::string& name : wanted) {
      if (names.all.insert(name).second) added.insert(name);
    }
    if (added.empty()) return;
    Request request;
    if constexpr (requires { request.set_version_info(""); }) {
      request.set_response_nonce(names.nonce);
      request.set_version_info(names.version);
    }
    Protocol::name(request, names.all, added);
    ask(std::move(request), type);
  }

  void ask(Request request, ResourceType type) {
    request.set_type_url(std::string(envoy::type_url(type)));
    write(std::move(request));
  }

  void write(Request request) {
    queue_.push_back(std::move(request));
    if (queue_.size() == 1) this->StartWrite(&queue_.front());
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;
    std::lock_guard lock(mutex_);
    queue_.pop_front();
    if (!queue_.empty()) this->StartWrite(&queue_.front());
  }

  void OnDone(const grpc::Status&) override {
    std::lock_guard lock(mutex_);
    done_ = true;
    ended_.notify_all();
  }

  struct Names {
    std::set<std::string> all;
    std::string nonce, version;
  };

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::TemplatedGenericStub<Request, Response>> stub_;
  grpc::ClientContext context_;
  Response incoming_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  bool done_ = false;
  bool asked_listeners_ = false;
  std::map<std::string, Names> names_;  // by type URL
  std::deque<Request> queue_;           // the first is being written
};

}  // namespace kgw::app::fleet
