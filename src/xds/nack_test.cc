#include "xds/nack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::xds {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const absl::flat_hash_set<Name>& sent() {
  static const absl::flat_hash_set<Name> names = {Name("a"), Name("b"), Name("c")};
  return names;
}

std::vector<std::string> blamed(ResourceType type, std::string_view error) {
  std::vector<std::string> texts;
  for (const auto& culprit : blame(type, error, sent()).culprits) {
    texts.push_back(culprit.name.str() + "=" + culprit.reason);
  }
  return texts;
}

TEST(BlameTest, ReadsClusters) {
  EXPECT_THAT(blamed(ResourceType::kCluster,
                     "Error adding/updating cluster(s) b: bad DNS, and more: x, c: unknown name"),
              ElementsAre("b=bad DNS, and more", "c=unknown name"));
}

TEST(BlameTest, ReadsListeners) {
  EXPECT_THAT(blamed(ResourceType::kListener,
                     "Error adding/updating listener(s) a: no chain\nc: error, b of it\n"),
              ElementsAre("a=no chain", "c=error, b of it"));
}

TEST(BlameTest, NamesThatWereNotSentAreNotBlamed) {
  EXPECT_THAT(blamed(ResourceType::kCluster, "Error adding/updating cluster(s) z: bad"), IsEmpty());
}

TEST(BlameTest, OtherTextsNameNobody) {
  EXPECT_THAT(blamed(ResourceType::kCluster, "Proto constraint validation failed (a: b)"),
              IsEmpty());
  EXPECT_THAT(blamed(ResourceType::kRoute, "Error adding/updating cluster(s) a: bad"), IsEmpty());
  EXPECT_THAT(blamed(ResourceType::kListener, ""), IsEmpty());
}

// Envoy applied none of them, so those that it does not name are not accepted either.
TEST(BlameTest, AConflictOfScopesIsNobodysAlone) {
  EXPECT_THAT(blamed(ResourceType::kScopedRoute,
                     "Error adding/updating scoped route(s): scope key conflict found, first scope "
                     "is 'a', second scope is 'b'"),
              IsEmpty());
}

TEST(BlameTest, KnowsWhenEnvoyCutTheText) {
  EXPECT_TRUE(blame(ResourceType::kCluster,
                    "Error adding/updating cluster(s) a: bad, b: so...(truncated)", sent())
                  .truncated);
}

// What a tenant writes into a field stands in the message that Envoy prints.
TEST(BlameTest, APrintedMessageAccusesNobody) {
  const std::string dump = "goo.gle/debugstr\nsni: \"x, b: bad\"\n";
  EXPECT_THAT(blamed(ResourceType::kCluster, "Error adding/updating cluster(s) a: " + dump +
                                                 ": Proto constraint validation failed "
                                                 "(TlsValidationError.Sni: value is too long)"),
              ElementsAre("a=Proto constraint validation failed (sni: value is too long)"));
  EXPECT_THAT(blamed(ResourceType::kCluster,
                     "goo.gle/debugstr\nsni: \"Error adding/updating cluster(s) b: bad\"\n"),
              IsEmpty());
}

// Those after a message without an end may be refused too.
TEST(BlameTest, AMessageWithoutEndLeavesTheRestUncertain) {
  const Blame found =
      blame(ResourceType::kCluster,
            "Error adding/updating cluster(s) a: Invalid duration: goo.gle/debugstr\n"
            "seconds: -1\n\n, b: bad name",
            sent());
  ASSERT_EQ(found.culprits.size(), 1u);
  EXPECT_EQ(found.culprits[0].name, "a");
  EXPECT_TRUE(found.truncated);
}

}  // namespace
}  // namespace kgw::xds
