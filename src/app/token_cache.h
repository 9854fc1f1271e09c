// Answers to TokenReviews, kept for a while: a proxy that comes again, or whose stream is looked at
// twice, costs the API server one question. Who makes up tokens gets few of them asked: a question
// at a time for equal tokens, a bounded number for different ones, and so many a second. Thread:
// any.
#pragma once

#include <chrono>
#include <cstddef>

#include "app/token_authoriser.h"

namespace kgw::app {

struct TokenCacheLimits {
  std::chrono::milliseconds valid{60'000};   // how long a yes is kept
  std::chrono::milliseconds invalid{3'000};  // a no, which may be a fault of the API server
  std::size_t entries = 8192;
  std::size_t token_bytes = 16 * 1024;
  // Questions: a proxy's own restarts, then a rate.
  double burst = 2'000;
  double per_second = 100;
};

using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;

TokenReview cached(
    TokenReview review, TokenCacheLimits limits = {},
    SteadyClock now = [] { return std::chrono::steady_clock::now(); });

}  // namespace kgw::app
