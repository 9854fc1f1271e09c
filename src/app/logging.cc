#include "app/logging.h"

#include <grpc/support/log.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "api/text.h"
#include "app/log_budget.h"

namespace kgw::app {
namespace {

std::string_view payload_of(const spdlog::details::log_msg& message) {
  return {message.payload.data(), message.payload.size()};
}

// The message as one line (api/text.h): what tenants and Envoy say is part of many of them.
class OneLine final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string line = one_line(payload_of(message));
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<OneLine>();
  }
};

// The same as a JSON string, quotes included.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const nlohmann::json text(one_line(payload_of(message)));
    const std::string quoted = text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out.append(quoted.data(), quoted.data() + quoted.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

spdlog::level::level_enum level_of(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return spdlog::level::err;
    case GPR_LOG_SEVERITY_INFO:
      return spdlog::level::info;
    default:
      return spdlog::level::debug;
  }
}

// Whoever reaches the xDS port can make gRPC write lines. Thread: any.
void log_for_grpc(gpr_log_func_args* said) {
  static LogBudget budget;
  const std::string_view message(said->message);
  const bool fatal = message.starts_with("assertion failed");
  const auto left_out = fatal ? std::optional<std::uint64_t>(0) : budget.take();
  if (!left_out) return;
  if (*left_out > 0) spdlog::warn("gRPC: {} lines are left out", *left_out);
  const std::string_view file(said->file);
  spdlog::log(level_of(said->severity), "gRPC: {} ({}:{})", message,
              file.substr(file.rfind('/') + 1), said->line);
}

}  // namespace

std::unique_ptr<spdlog::formatter> json_log_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JsonMessage>('*').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
  return formatter;
}

std::unique_ptr<spdlog::formatter> text_log_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<OneLine>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %*");
  return formatter;
}

void set_up_logging(const std::string& level, const std::string& format) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("kgateway"));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::set_formatter(format == "json" ? json_log_formatter() : text_log_formatter());
  gpr_set_log_function(log_for_grpc);
}

}  // namespace kgw::app
