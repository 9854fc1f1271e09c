#include "deploy/local/log_filter.h"

#include <gmock/gmock.h>

#include <vector>

namespace kgw::deploy {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

struct LogFilterTest : testing::Test {
  void add(std::string_view line) { filter.add(line, now); }

  std::vector<std::string> lines;
  LogFilter filter{[this](std::string_view line) { lines.emplace_back(line); }};
  LogFilter::Time now;
};

// As Envoy 1.40 writes it.
TEST_F(LogFilterTest, KeepsTheReasonOfARefusalAndNothingOfItsConfiguration) {
  add("[2026-11-29 02:15:16.576][7][warning][config] [a.cc:81] gRPC config for X rejected: "
      "goo.gle/debugstr    ");
  add("virtual_hosts {");
  add("  value: \"Bearer SECRET\"");
  add("}");
  add(": Proto constraint validation failed (RouteMatchValidationError.SafeRegex: embedded message "
      "failed validation | caused by RegexMatcherValidationError.Regex: value length must be at "
      "least 1 characters)");
  add("");
  add("[2026-11-29 02:15:16.580][7][info][main] [b.cc:1] all well");
  EXPECT_THAT(lines,
              ElementsAre("[2026-11-29 02:15:16.576][7][warning][config] [a.cc:81] gRPC config for "
                          "X rejected: Proto constraint validation failed (safe_regex.regex: value "
                          "length must be at least 1 characters)",
                          "[2026-11-29 02:15:16.580][7][info][main] [b.cc:1] all well"));
}

TEST_F(LogFilterTest, AReasonMayQuoteAValueToo) {
  add("[2026-11-29 02:15:16.576][7][warning][config] [a.cc:81] Filesystem config update rejected: "
      "Incorrect configuration: Bearer SECRET %REQ(a. Couldn't find valid command");
  EXPECT_THAT(lines, ElementsAre("[2026-11-29 02:15:16.576][7][warning][config] [a.cc:81] "
                                 "Filesystem config update rejected: Incorrect configuration"));
}

TEST_F(LogFilterTest, AnUnfinishedDumpEndsWithTheNextMessage) {
  add("[2026-11-29 02:15:16.576][7][warning][a] [a.cc:1] x rejected: goo.gle/debugstr");
  add("key: \"SECRET\"");
  add("[2026-11-29 02:15:16.577][7][info][b] [b.cc:1] next");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].find("SECRET"), std::string::npos);
  EXPECT_EQ(lines[1], "[2026-11-29 02:15:16.577][7][info][b] [b.cc:1] next");
}

TEST_F(LogFilterTest, RepeatsAreCounted) {
  for (int i = 0; i < 5; ++i) {
    add("[2026-11-29 02:15:1" + std::to_string(i) + ".000][7][warning][a] [a.cc:1] again");
  }
  EXPECT_EQ(lines.size(), 1u);
  now += LogFilter::kQuiet;
  add("[2026-11-29 02:15:30.000][7][warning][a] [a.cc:1] again");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], testing::EndsWith("again (and 4 times before)"));
}

TEST_F(LogFilterTest, EveryLineOfAnAccessLogIsKept) {
  for (const std::string line :
       {"[2026-11-29T02:15:16.576Z] \"GET / HTTP/1.1\" 200", "{\"status\": 200}"}) {
    lines.clear();
    add(line);
    add(line);
    EXPECT_THAT(lines, ElementsAre(line, line));
  }
}

TEST_F(LogFilterTest, RemembersABoundedNumberOfMessages) {
  const auto message = [](std::size_t i) {
    return "[2026-11-29 02:15:16.576][7][info][a] [a.cc:1] " + std::to_string(i);
  };
  for (std::size_t i = 0; i < LogFilter::kRemembered; ++i) add(message(i));
  add(message(0));
  EXPECT_EQ(lines.size(), LogFilter::kRemembered + 1) << "the first ones are forgotten";
}

}  // namespace
}  // namespace kgw::deploy
