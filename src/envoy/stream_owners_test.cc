#include "envoy/stream_owners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::envoy {
namespace {

using attach::ListenerAttachment;
using attach::Protocol;

const ObjectRef kOld{Kind::kTlsRoute, {"ns", "old"}};
const ObjectRef kYoung{Kind::kTlsRoute, {"ns", "young"}};

ListenerAttachment tls(std::vector<Name> domains) {
  ListenerAttachment attachment{.listener = {.name = "tls"}, .protocol = Protocol::kTls};
  for (Name& domain : domains) attachment.hosts.push_back({std::move(domain), {}});
  return attachment;
}

TEST(StreamLoss, NothingIsLostByTheOwnerNorOfAListenerThatIsNotServed) {
  const StreamOwners owners = {{"a.test", kOld}, {"b.test", kOld}};
  EXPECT_EQ(stream_loss(&owners, kOld, tls({"a.test", "b.test"})), StreamLoss());
  EXPECT_EQ(stream_loss(nullptr, kYoung, tls({"a.test"})), StreamLoss());
}

TEST(StreamLoss, TheOwnerOfEachLostHostIsNamed) {
  const StreamOwners owners = {{"a.test", kOld}, {"b.test", kYoung}};
  EXPECT_EQ(stream_loss(&owners, kYoung, tls({"a.test", "b.test"})),
            (StreamLoss{false,
                        "Host a.test of listener tls belongs to TLSRoute ns/old, which has "
                        "precedence."}));
  EXPECT_TRUE(stream_loss(&owners, kYoung, tls({"a.test"})).all);
}

TEST(StreamLoss, ATcpListenerBelongsToOneRoute) {
  const ObjectRef old{Kind::kTcpRoute, {"ns", "old"}}, young{Kind::kTcpRoute, {"ns", "young"}};
  const StreamOwners owners = {{"*", old}};
  const ListenerAttachment tcp{.listener = {.name = "db"}, .protocol = Protocol::kTcp};
  EXPECT_EQ(stream_loss(&owners, old, tcp), StreamLoss());
  EXPECT_EQ(stream_loss(&owners, young, tcp),
            (StreamLoss{true, "Listener db belongs to TCPRoute ns/old, which has precedence."}));
}

}  // namespace
}  // namespace kgw::envoy
