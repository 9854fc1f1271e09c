#include "app/logging.h"

#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
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
  EXPECT_EQ(first["message"], "field \"a\\b\" of\\nobject \\x01\\xff");
  EXPECT_EQ(first["time"].get<std::string>().size(),
            std::string("2026-01-02T03:04:05.678+00:00").size());
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(nlohmann::json::parse(line)["message"], "second");
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(Logging, AMessageForgesNoLine) {
  std::ostringstream out;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(out);
  sink->set_formatter(text_log_formatter());
  spdlog::logger logger("test", sink);
  logger.warn("rule \x1b[2J of\n2026-01-01T00:00:00.000 info all is well \xe2\x80\xae");
  std::string line = out.str();
  EXPECT_TRUE(line.ends_with(
      "warning rule \\x1b[2J of\\n2026-01-01T00:00:00.000 info all is well \\u202e\n"))
      << line;
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(Logging, LinesOfGrpcAreOursAndNotWithoutEnd) {
  const auto before = spdlog::default_logger();
  set_up_logging("info", "json");
  std::ostringstream out;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
  sink->set_formatter(json_log_formatter());
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  for (int i = 0; i < 1000; ++i) gpr_log(GPR_ERROR, "handshake %d failed", i);
  spdlog::drop("kgateway");
  spdlog::set_default_logger(before);

  std::istringstream lines(out.str());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto first = nlohmann::json::parse(line);
  EXPECT_EQ(first["level"], "error");
  EXPECT_TRUE(
      first["message"].get<std::string>().starts_with("gRPC: handshake 0 failed (logging_test.cc:"))
      << line;
  int count = 1;
  while (std::getline(lines, line)) ++count;
  EXPECT_LT(count, 100);
}

}  // namespace
}  // namespace kgw::app
