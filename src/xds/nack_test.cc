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
                     "Error adding/updating cluster(s) b: bad DNS, and more: x, c: unknown"),
              ElementsAre("b=bad DNS, and more: x", "c=unknown"));
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

}  // namespace
}  // namespace kgw::xds
