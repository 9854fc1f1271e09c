#include "deploy/local/log_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace kgw::deploy {
namespace {

using ::testing::ElementsAre;

TEST(LogTail, GivesWhatWasWrittenBeforeItCame) {
  const std::string path = testing::TempDir() + "/kgw-log-tail-test.log";
  std::ofstream(path) << "one\ntwo\nunfin";
  boost::asio::io_context context;
  std::vector<std::string> lines;
  {
    LogTail tail(context);
    const auto collect = [&](std::string_view line) { lines.emplace_back(line); };
    const int id = tail.follow(path, false, collect);
    EXPECT_THAT(lines, ElementsAre("one", "two")) << "nothing more need be written";
    std::ofstream(path, std::ios::app) << "ished\n";
    context.poll();
    EXPECT_THAT(lines, ElementsAre("one", "two", "unfinished"));
    tail.end(id);
    lines.clear();
    EXPECT_GE(tail.follow(path, true, collect), 0);
    EXPECT_THAT(lines, ElementsAre());
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace kgw::deploy
