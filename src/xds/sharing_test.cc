// A thousand proxies of one Gateway share every byte that is sent to them, but for the nonces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "xds/hub.h"
#include "xds/stream_harness.h"
#include "xds/wire.h"

namespace kgw::xds::test {
namespace {

const ObjectKey kGateway = {"ns", "gw"};
constexpr int kProxies = 1000;

class SharingTest : public testing::TestWithParam<Protocol>, public Sink, public LedgerObserver {
 protected:
  SharingTest() : hub(StreamOptions(), *this, *this, Time{}) { hub.set_synced(); }

  std::size_t send(StreamId id, Protocol protocol, const Response& response) override {
    messages.push_back(encoder.encode(protocol, response));
    pending[{id, response.type}] = response;
    return messages.back().Length();
  }
  void read_next(StreamId) override {}
  void close(StreamId, const std::string&) override {}
  void on_delivered(const ObjectKey&, const ResourceKey&, Version) override { ++delivered; }
  void on_rejected(const ObjectKey&, const ResourceKey&, Version, const std::string&) override {}
  void on_proxies_changed(const ObjectKey&, std::size_t) override {}

  void publish(EditOf edit) { hub.publish(kGateway, std::move(edit.edit)); }
  void connect(int proxies) {
    for (StreamId id = 1; id <= static_cast<StreamId>(proxies); ++id) {
      hub.opened(id, {GetParam(), kGateway, {"proxy", {}, {}}, "unix:"});
      hub.request(id, {.type = kCds});
    }
  }
  // Everybody accepts what is pending.
  void accept() {
    const auto responses = std::exchange(pending, {});
    for (const auto& [to, response] : responses) {
      hub.request(
          to.first,
          {.type = to.second, .nonce = response.nonce, .version_info = response.version_info});
    }
  }
  // Where the resources of each message stand in memory.
  std::set<const void*> places() const {
    std::set<const void*> found;
    for (const grpc::ByteBuffer& message : messages) {
      std::vector<grpc::Slice> slices;
      EXPECT_TRUE(message.Dump(&slices).ok());
      for (std::size_t i = 1; i < slices.size(); ++i) found.insert(slices[i].begin());
    }
    return found;
  }

  Encoder encoder;
  Hub hub;
  std::vector<grpc::ByteBuffer> messages;
  std::map<std::pair<StreamId, ResourceType>, Response> pending;
  int delivered = 0;
};

TEST_P(SharingTest, FirstSynchronisationIsEncodedOnce) {
  EditOf edit;
  for (int i = 0; i < 50; ++i) edit = std::move(edit).put(kCds, ("c" + std::to_string(i)).c_str());
  publish(std::move(edit));
  connect(kProxies);
  EXPECT_EQ(messages.size(), kProxies);
  EXPECT_EQ(encoder.encodings(), 1u);
  EXPECT_EQ(places().size(), 1u);
}

TEST_P(SharingTest, ChangeIsEncodedOnce) {
  publish(EditOf().put(kCds, "a").put(kCds, "large", std::string(5000, 'x')));
  connect(kProxies);
  accept();
  messages.clear();
  delivered = 0;
  const std::uint64_t before = encoder.encodings();
  publish(EditOf().put(kCds, "a", "2"));
  EXPECT_EQ(messages.size(), kProxies);
  EXPECT_EQ(encoder.encodings() - before, 1u);
  const bool whole = GetParam() == Protocol::kStateOfTheWorld;  // with the large one
  EXPECT_LE(places().size(), whole ? 3u : 1u);
  accept();
  EXPECT_EQ(delivered, 1);
}

INSTANTIATE_TEST_SUITE_P(Protocols, SharingTest,
                         testing::Values(Protocol::kDelta, Protocol::kStateOfTheWorld),
                         [](const auto& info) {
                           return info.param == Protocol::kDelta ? "Delta" : "StateOfTheWorld";
                         });

TEST(EncoderTest, KeepsNothingThatWasForgotten) {
  const EntryPtr entry =
      std::make_shared<const Entry>(kCds, envoy::make_resource("a", "body"), 1, 1);
  Encoder encoder;
  encoder.encode(Protocol::kDelta, {kCds, "1", "", {entry}, {}});
  EXPECT_EQ(entry.use_count(), 2);
  encoder.forget();
  EXPECT_EQ(entry.use_count(), 1);
}

TEST(EncoderTest, ProtocolsAndListsAreKeptApart) {
  const auto entry = [](const char* name) {
    return std::make_shared<const Entry>(kCds, envoy::make_resource(name, "body"), 1, 1);
  };
  const EntryPtr a = entry("a"), b = entry("b");
  Encoder encoder;
  const std::size_t delta = encoder.encode(Protocol::kDelta, {kCds, "1", "", {a}, {}}).Length();
  EXPECT_NE(encoder.encode(Protocol::kStateOfTheWorld, {kCds, "1", "", {a}, {}}).Length(), delta);
  EXPECT_GT(encoder.encode(Protocol::kDelta, {kCds, "1", "", {a, b}, {}}).Length(), delta);
  EXPECT_GT(encoder.encode(Protocol::kDelta, {kCds, "1", "", {a}, {"gone"}}).Length(), delta);
  EXPECT_EQ(encoder.encodings(), 3u);
}

}  // namespace
}  // namespace kgw::xds::test
