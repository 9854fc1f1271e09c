#include "app/logging.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace kgw::app {
namespace {

TEST(Logging, EveryLineIsAJsonObject) {
  std::ostringstream out;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(out);
  sink->set_formatter(json_log_formatter());
  spdlog::logger logger("test", sink);
  const std::string message = "field \"a\\b\" of\nobject \x01\xff";
  logger.warn(message);
  logger.info("second");

  std::istringstream lines(out.str());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto first = nlohmann::json::parse(line);
  EXPECT_EQ(first["level"], "warning");
  EXPECT_EQ(first["message"], "field \"a\\b\" of\nobject \x01\xef\xbf\xbd");
  EXPECT_EQ(first["time"].get<std::string>().size(),
            std::string("2026-01-02T03:04:05.678+00:00").size());
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(nlohmann::json::parse(line)["message"], "second");
  EXPECT_FALSE(std::getline(lines, line));
}

}  // namespace
}  // namespace kgw::app
