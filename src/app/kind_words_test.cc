#include "app/kind_words.h"

#include <gtest/gtest.h>

#include "api/registry.h"

namespace kgw::app {
namespace {

TEST(KindByWord, TakesWhatKubectlTakes) {
  for (const char* word : {"HTTPRoute", "httproute", "httproutes", "HTTPROUTES",
                           "httproutes.gateway.networking.k8s.io"}) {
    EXPECT_EQ(kind_by_word(word), Kind::kHttpRoute) << word;
  }
  EXPECT_EQ(kind_by_word("gtw"), Kind::kGateway);
  EXPECT_EQ(kind_by_word("gc"), Kind::kGatewayClass);
  EXPECT_EQ(kind_by_word("svc"), Kind::kService);
  EXPECT_EQ(kind_by_word("services"), Kind::kService);
  EXPECT_EQ(kind_by_word("backend.gateway.kgateway.dev"), Kind::kBackend);
  EXPECT_EQ(kind_by_word("backendtlspolicies"), Kind::kBackendTlsPolicy);
}

TEST(KindByWord, KnowsEveryKindByItsNames) {
  for (const KindInfo& info : known_kinds()) {
    EXPECT_EQ(kind_by_word(kind_name(info.kind)), info.kind);
    EXPECT_EQ(kind_by_word(info.plural), info.kind);
  }
}

TEST(KindByWord, TakesNothingElse) {
  for (const char* word : {"", "route", "httproutes.example.com", "deployments", "gtws", "."}) {
    EXPECT_EQ(kind_by_word(word), Kind::kUnknown) << word;
  }
}

}  // namespace
}  // namespace kgw::app
