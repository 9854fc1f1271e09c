#include "app/log_budget.h"

#include <gtest/gtest.h>

namespace kgw::app {
namespace {

TEST(LogBudget, LeavesOutWhatIsTooMuchAndCountsIt) {
  LogBudget budget(2, std::chrono::seconds(10));
  LogBudget::Clock::time_point now{std::chrono::hours(1)};
  EXPECT_EQ(budget.take(now), 0u);
  EXPECT_EQ(budget.take(now), 0u);
  EXPECT_EQ(budget.take(now), std::nullopt);
  EXPECT_EQ(budget.take(now + std::chrono::seconds(9)), std::nullopt);
  EXPECT_EQ(budget.take(now + std::chrono::seconds(10)), 2u);
  EXPECT_EQ(budget.take(now + std::chrono::seconds(10)), 0u);
}

}  // namespace
}  // namespace kgw::app
