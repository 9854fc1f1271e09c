#include "xds/wire.h"

#include <gmock/gmock.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "xds/stream_harness.h"

namespace kgw::xds::test {
namespace {

using ::envoy::service::discovery::v3::DeltaDiscoveryRequest;
using ::envoy::service::discovery::v3::DeltaDiscoveryResponse;
using ::envoy::service::discovery::v3::DiscoveryRequest;
using ::envoy::service::discovery::v3::DiscoveryResponse;

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

EntryPtr entry_of(ResourceType type, const char* name, std::string body) {
  return std::make_shared<const Entry>(type, envoy::make_resource(name, std::move(body)), 1, 1);
}

TEST(WireTest, DeltaResponseIsWhatEnvoyParses) {
  const std::string large(5000, 'x');
  const EntryPtr a = entry_of(kCds, "a", "small");
  const EntryPtr b = entry_of(kCds, "b", large);
  const EntryPtr empty = entry_of(kCds, "empty", "");
  const auto bytes =
      text_of(encode(Protocol::kDelta, {kCds, "7", "3", {a, b, empty}, {"gone", "gone2"}}));
  DeltaDiscoveryResponse message;
  ASSERT_TRUE(message.ParseFromString(bytes));
  EXPECT_EQ(message.type_url(), envoy::type_url(kCds));
  EXPECT_EQ(message.nonce(), "7");
  EXPECT_EQ(message.system_version_info(), "3");
  EXPECT_THAT(message.removed_resources(), testing::ElementsAre("gone", "gone2"));
  ASSERT_EQ(message.resources_size(), 3);
  EXPECT_EQ(message.resources(0).name(), "a");
  EXPECT_EQ(message.resources(0).version(), to_string(a->version()));
  EXPECT_EQ(message.resources(0).resource().type_url(), envoy::type_url(kCds));
  EXPECT_EQ(message.resources(0).resource().value(), "small");
  EXPECT_EQ(message.resources(1).resource().value(), large);
  EXPECT_EQ(message.resources(2).resource().value(), "");
}

TEST(WireTest, SotwResponseIsWhatEnvoyParses) {
  const EntryPtr a = entry_of(kRds, "a", "small");
  const EntryPtr b = entry_of(kRds, "b", std::string(5000, 'x'));
  DiscoveryResponse message;
  ASSERT_TRUE(message.ParseFromString(
      text_of(encode(Protocol::kStateOfTheWorld, {kRds, "7", "v1", {a, b}, {}}))));
  EXPECT_EQ(message.type_url(), envoy::type_url(kRds));
  EXPECT_EQ(message.nonce(), "7");
  EXPECT_EQ(message.version_info(), "v1");
  ASSERT_EQ(message.resources_size(), 2);
  EXPECT_EQ(message.resources(0).type_url(), envoy::type_url(kRds));
  EXPECT_EQ(message.resources(0).value(), "small");
  EXPECT_EQ(message.resources(1).value().size(), 5000u);
}

TEST(WireTest, LargeBodiesAreSharedNotCopied) {
  const EntryPtr a = entry_of(kRds, "a", std::string(5000, 'x'));
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(encode(Protocol::kDelta, {kRds, "1", "", {a}, {}}).Dump(&slices).ok());
  int shared = 0;
  for (const grpc::Slice& slice : slices) {
    shared += slice.begin() == reinterpret_cast<const uint8_t*>(a->body()->data()) ? 1 : 0;
  }
  EXPECT_EQ(shared, 1);
}

TEST(WireTest, MessageOutlivesTheSnapshotItWasMadeFrom) {
  grpc::ByteBuffer buffer =
      encode(Protocol::kDelta, {kRds, "1", "", {entry_of(kRds, "a", std::string(5000, 'x'))}, {}});
  DeltaDiscoveryResponse message;
  ASSERT_TRUE(message.ParseFromString(text_of(buffer)));
  EXPECT_EQ(message.resources(0).resource().value(), std::string(5000, 'x'));
}

TEST(WireTest, DecodesDeltaRequests) {
  DeltaDiscoveryRequest message;
  message.mutable_node()->set_id("id");
  message.mutable_node()->set_cluster("gw.ns");
  (*message.mutable_node()->mutable_metadata()->mutable_fields())["role"].set_string_value("r");
  message.set_type_url(std::string(envoy::type_url(kEds)));
  message.add_resource_names_subscribe("a");
  message.add_resource_names_unsubscribe("b");
  (*message.mutable_initial_resource_versions())["c"] = "00000000000000ff";
  (*message.mutable_initial_resource_versions())["d"] = "1.2.3";
  message.set_response_nonce("5");
  message.mutable_error_detail()->set_message("no");
  grpc::ByteBuffer buffer = buffer_of(message.SerializeAsString());
  const auto decoded = decode(Protocol::kDelta, buffer);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->node.id, "id");
  EXPECT_EQ(decoded->node.cluster, "gw.ns");
  EXPECT_EQ(decoded->node.role, "r");
  EXPECT_TRUE(decoded->known_type);
  const Request& request = decoded->request;
  EXPECT_EQ(request.type, kEds);
  EXPECT_THAT(request.subscribe, testing::ElementsAre(Name("a")));
  EXPECT_THAT(request.unsubscribe, testing::ElementsAre(Name("b")));
  EXPECT_THAT(request.held, testing::UnorderedElementsAre(std::pair(Name("c"), Version{255}),
                                                          std::pair(Name("d"), Version{})));
  EXPECT_EQ(request.nonce, "5");
  EXPECT_EQ(request.error, "no");
}

TEST(WireTest, DecodesSotwRequests) {
  DiscoveryRequest message;
  message.set_type_url("type.googleapis.com/envoy.service.runtime.v3.Runtime");
  message.add_resource_names("a");
  message.set_version_info("v");
  grpc::ByteBuffer buffer = buffer_of(message.SerializeAsString());
  const auto decoded = decode(Protocol::kStateOfTheWorld, buffer);
  ASSERT_TRUE(decoded);
  EXPECT_FALSE(decoded->known_type);
  EXPECT_FALSE(decoded->has_node);
  EXPECT_THAT(decoded->request.names, testing::ElementsAre(Name("a")));
  EXPECT_EQ(decoded->request.version_info, "v");
  EXPECT_FALSE(decoded->request.error);
}

TEST(WireTest, RefusesWhatIsNoRequest) {
  for (const std::string& bytes : {std::string("\xff\xff\xff"), std::string(100, '\x0a')}) {
    grpc::ByteBuffer buffer = buffer_of(bytes);
    EXPECT_FALSE(decode(Protocol::kDelta, buffer));
    buffer = buffer_of(bytes);
    EXPECT_FALSE(decode(Protocol::kStateOfTheWorld, buffer));
  }
}

}  // namespace
}  // namespace kgw::xds::test
