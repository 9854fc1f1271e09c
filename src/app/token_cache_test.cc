#include "app/token_cache.h"

#include <gtest/gtest.h>

#include <vector>

namespace kgw::app {
namespace {

using namespace std::chrono_literals;
using User = std::expected<std::string, std::string>;

// An API server that answers when the test says so.
struct ApiServer {
  std::vector<std::pair<std::string, std::function<void(User)>>> questions;
  std::chrono::steady_clock::time_point now;

  TokenReview cached_review(TokenCacheLimits limits = {}) {
    return cached(
        [this](const std::string& token, std::function<void(User)> answer) {
          questions.emplace_back(token, std::move(answer));
        },
        limits, [this] { return now; });
  }
};

std::string ask(const TokenReview& review, const std::string& token) {
  std::string said = "waits";
  review(token, [&](const User& user) { said = user ? *user : "no: " + user.error(); });
  return said;
}

TEST(TokenCache, AnAnswerIsKeptForAWhile) {
  ApiServer api;
  const TokenReview review = api.cached_review();
  std::string said;
  review("t", [&](const User& user) { said = *user; });
  ASSERT_EQ(api.questions.size(), 1u);
  api.questions[0].second("somebody");
  EXPECT_EQ(said, "somebody");
  EXPECT_EQ(ask(review, "t"), "somebody");
  api.now += 61s;
  review("t", [](const User&) {});
  EXPECT_EQ(api.questions.size(), 2u);
}

TEST(TokenCache, ANoIsKeptForAShortTime) {
  ApiServer api;
  const TokenReview review = api.cached_review();
  review("t", [](const User&) {});
  api.questions[0].second(std::unexpected("expired"));
  EXPECT_EQ(ask(review, "t"), "no: expired");
  api.now += 4s;
  review("t", [](const User&) {});
  EXPECT_EQ(api.questions.size(), 2u);
}

TEST(TokenCache, EqualTokensAreOneQuestion) {
  ApiServer api;
  const TokenReview review = api.cached_review();
  int answers = 0;
  for (int i = 0; i < 5; ++i) review("t", [&](const User&) { ++answers; });
  ASSERT_EQ(api.questions.size(), 1u);
  api.questions[0].second("somebody");
  EXPECT_EQ(answers, 5);
}

TEST(TokenCache, WhoMakesUpTokensIsSlowedDown) {
  ApiServer api;
  const TokenReview review = api.cached_review({.burst = 10, .per_second = 2});
  for (int i = 0; i < 100; ++i) review("t" + std::to_string(i), [](const User&) {});
  EXPECT_EQ(api.questions.size(), 10u);
  EXPECT_EQ(ask(review, "next"), "no: too many unknown tokens are being shown; try again");
  api.now += 1s;
  for (int i = 0; i < 100; ++i) review("u" + std::to_string(i), [](const User&) {});
  EXPECT_EQ(api.questions.size(), 12u);
}

TEST(TokenCache, IsBounded) {
  ApiServer api;
  const TokenReview review = api.cached_review({.entries = 2, .token_bytes = 4});
  EXPECT_EQ(ask(review, "12345"), "no: it is too long");
  for (const char* token : {"a", "b", "c"}) {
    review(token, [](const User&) {});
    api.questions.back().second(token);
  }
  int kept = 0;
  for (const char* token : {"a", "b", "c"}) kept += ask(review, token) == token;
  EXPECT_EQ(kept, 2);
}

}  // namespace
}  // namespace kgw::app
