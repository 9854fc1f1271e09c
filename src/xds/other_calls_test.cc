// Calls of the xDS port that are not of the discovery service.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <future>

#include "xds/server.h"

namespace kgw::xds {
namespace {

class NoObserver final : public LedgerObserver {
  void on_delivered(const ObjectKey&, const ResourceKey&, Version) override {}
  void on_rejected(const ObjectKey&, const ResourceKey&, Version, const std::string&) override {}
  void on_proxies_changed(const ObjectKey&, std::size_t) override {}
};

// Ends the call that it gets.
class Farewell final : public grpc::ServerGenericBidiReactor {
 public:
  Farewell() { Finish({grpc::StatusCode::ALREADY_EXISTS, "farewell"}); }
  void OnDone() override { delete this; }
};

grpc::StatusCode answer(int port, const std::string& method) {
  grpc::GenericStub stub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const grpc::Slice nothing("nothing");
  grpc::ByteBuffer request(&nothing, 1), response;
  std::promise<grpc::StatusCode> code;
  stub.UnaryCall(&context, method, {}, &request, &response,
                 [&](const grpc::Status& status) { code.set_value(status.error_code()); });
  return code.get_future().get();
}

TEST(OtherCalls, AreTakenByWhoeverKnowsThem) {
  NoObserver observer;
  ServerOptions options;
  options.tcp_address = "127.0.0.1:0";
  options.other_calls = [](auto* context) -> grpc::ServerGenericBidiReactor* {
    return context->method() == "/other/Method" ? new Farewell : nullptr;
  };
  AdsServer server(std::move(options), [](const auto& action) { action(); }, observer);
  ASSERT_TRUE(server.start());
  EXPECT_EQ(answer(server.tcp_port(), "/other/Method"), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(answer(server.tcp_port(), "/unknown/Method"), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace kgw::xds
