#include "app/event_loop.h"

#include <gtest/gtest.h>

#include <thread>

namespace kgw::app {
namespace {

using std::chrono_literals::operator""ms;

TEST(EventLoop, DrainsABurstBeforeItSettlesOnce) {
  EventLoop loop;
  int tasks = 0;
  std::vector<int> tasks_at_settle;
  for (int i = 0; i < 100; ++i) loop.post([&] { ++tasks; });
  loop.stop();
  loop.run([&] { tasks_at_settle.push_back(tasks); }, 1000ms, [] {});
  EXPECT_EQ(tasks_at_settle, std::vector<int>{100});
}

TEST(EventLoop, AsksFromAnotherThread) {
  EventLoop loop;
  std::optional<int> answer;
  std::thread asker([&] {
    answer = loop.ask([] { return 42; });
    loop.stop();
  });
  loop.run([] {}, 1000ms, [] {});
  asker.join();
  EXPECT_EQ(answer, 42);
}

TEST(EventLoop, AnswersNothingOnceItHasEnded) {
  EventLoop loop;
  loop.stop();
  loop.run([] {}, 1000ms, [] {});
  EXPECT_EQ(loop.ask([] { return 42; }), std::nullopt);
}

TEST(EventLoop, TicksWithoutEvents) {
  EventLoop loop;
  int ticks = 0;
  loop.run([] { FAIL() << "nothing happened that needs settling"; }, 1ms,
           [&] {
             if (++ticks == 3) loop.stop();
           });
  EXPECT_GE(ticks, 3);
}

TEST(EventLoop, RunsWhatIsForLaterWhenItsTimeHasCome) {
  EventLoop loop;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<int> order;
  loop.post_at(begin + 20ms, [&] {
    order.push_back(3);
    loop.stop();
  });
  loop.post_at(begin + 10ms, [&] { order.push_back(2); });
  loop.post([&] { order.push_back(1); });
  int settled = 0;
  loop.run([&] { ++settled; }, 60'000ms, [] {});
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
  EXPECT_GE(settled, 1);
}

TEST(EventLoop, IsWokenForWhatIsPostedForLaterMeanwhile) {
  EventLoop loop;
  std::thread poster([&] {
    std::this_thread::sleep_for(10ms);
    loop.post_at(std::chrono::steady_clock::now() + 1ms, [&] { loop.stop(); });
  });
  loop.run([] {}, 60'000ms, [] { FAIL() << "waited for the tick"; });
  poster.join();
}

}  // namespace
}  // namespace kgw::app
