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

}  // namespace
}  // namespace kgw::app
