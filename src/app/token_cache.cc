#include "app/token_cache.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace kgw::app {
namespace {

using Time = std::chrono::steady_clock::time_point;
using User = std::expected<std::string, std::string>;
using Answer = std::function<void(User)>;
// Tokens themselves are not kept.
using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(const std::string& token) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

class TokenCache : public std::enable_shared_from_this<TokenCache> {
 public:
  TokenCache(TokenReview review, TokenCacheLimits limits, SteadyClock now)
      : review_(std::move(review)),
        limits_(limits),
        now_(std::move(now)),
        allowance_(limits.burst),
        allowance_at_(now_()) {}

  void ask(const std::string& token, Answer answer) {
    if (token.size() > limits_.token_bytes) return answer(std::unexpected("it is too long"));
    const Digest digest = digest_of(token);
    std::unique_lock lock(mutex_);
    const Time now = now_();
    if (const auto found = answers_.find(digest);
        found != answers_.end() && found->second.until > now) {
      const User user = found->second.user;
      lock.unlock();
      return answer(user);
    }
    if (const auto asked = asked_.find(digest); asked != asked_.end()) {
      asked->second.push_back(std::move(answer));
      return;
    }
    if (!may_ask(now)) {
      lock.unlock();
      return answer(std::unexpected("too many unknown tokens are being shown; try again"));
    }
    asked_[digest].push_back(std::move(answer));
    lock.unlock();
    review_(token, [self = shared_from_this(), digest](const User& user) {
      self->answered(digest, user);
    });
  }

 private:
  struct Kept {
    User user;
    Time until;
  };

  bool may_ask(Time now) {
    const std::chrono::duration<double> passed = now - allowance_at_;
    allowance_at_ = now;
    allowance_ = std::min(limits_.burst, allowance_ + passed.count() * limits_.per_second);
    if (allowance_ < 1) return false;
    allowance_ -= 1;
    return true;
  }

  void answered(const Digest& digest, const User& user) {
    std::vector<Answer> waiting;
    {
      std::lock_guard lock(mutex_);
      waiting = std::move(asked_[digest]);
      asked_.erase(digest);
      const Time now = now_();
      make_room(now);
      answers_.insert_or_assign(digest, Kept{user, now + (user ? limits_.valid : limits_.invalid)});
    }
    for (const Answer& answer : waiting) answer(user);
  }

  // First what is out of date, then anything: it can be asked again.
  void make_room(Time now) {
    if (answers_.size() < limits_.entries) return;
    std::erase_if(answers_, [now](const auto& entry) { return entry.second.until <= now; });
    if (answers_.size() >= limits_.entries) answers_.erase(answers_.begin());
  }

  const TokenReview review_;
  const TokenCacheLimits limits_;
  const SteadyClock now_;
  std::mutex mutex_;  // guards what follows
  std::map<Digest, Kept> answers_;
  std::map<Digest, std::vector<Answer>> asked_;  // and who waits for the answer
  double allowance_;
  Time allowance_at_;
};

}  // namespace

TokenReview cached(TokenReview review, TokenCacheLimits limits, SteadyClock now) {
  auto cache = std::make_shared<TokenCache>(std::move(review), limits, std::move(now));
  return [cache](const std::string& token, Answer answer) { cache->ask(token, std::move(answer)); };
}

}  // namespace kgw::app
